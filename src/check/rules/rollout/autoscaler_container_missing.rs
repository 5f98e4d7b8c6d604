//! Rule `autoscaler-container-missing`.

use crate::check::rules::rollout::_autoscaler::{metrics, targets};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerContainerMissing,
    doc: Doc {
        checks: "\
Checks that a `ContainerResource` metric of a HorizontalPodAutoscaler names a container of the pods
that it scales. The finding is a warning. Nothing is reported if the target is not among the
manifests.",
        why: "\
No pod has the metric: the autoscaler reports `FailedGetContainerResourceMetric` and does not scale
by it.",
        fix: "Name a container of the target.",
        source: "\
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#container-resource-metrics.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
  metrics:
  - type: ContainerResource
    containerResource: {container: app, name: cpu, target: {type: Utilization, averageUtilization: 70}}
"#,
    good: "\
-    containerResource: {container: app, name: cpu, target: {type: Utilization, averageUtilization: 70}}
+    containerResource: {container: web, name: cpu, target: {type: Utilization, averageUtilization: 70}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for (autoscaler, pod) in targets(bundle.graph()) {
        for node in metrics(autoscaler).iter().filter_map(|metric| metric.container) {
            let name = node.text();
            let names = || pod.running().map(|container| container.name());
            if names().any(|other| other == name) {
                continue;
            }
            let help = match suggest::nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of its containers: {}", suggest::list(names(), "or")),
            };
            report
                .at(autoscaler, node, format!("{} has no container `{name}`", title(pod.object)))
                .related(pod.object.span(), "the target")
                .help(help);
        }
    }
}
