//! Rule `autoscaler-request-missing`.

use crate::check::rules::rollout::_autoscaler::{Metric, metrics, targets};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Container, Pod};
use crate::node::Node;
use crate::object::Object;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerRequestMissing,
    doc: Doc {
        checks: "\
Checks that containers have a resource request for each utilization target of a
HorizontalPodAutoscaler, which is a percentage of the requests. Every container of the pod that
keeps running needs a request for that resource, or a limit, which is then also the request; for a
`ContainerResource` metric, only that container. An autoscaler without metrics has a default target:
80 % of the CPU requests. The finding is a warning. Nothing is reported in a namespace with a
LimitRange that sets defaults for the resource, and for pods that set `resources` for the whole pod.",
        why: "The autoscaler reports `missing request for cpu` and does not scale.",
        fix: "Set `resources.requests` of every container, or use a target of type `AverageValue`.",
        source: "\
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#how-does-a-horizontalpodautoscaler-work
and `calculatePodRequests` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/podautoscaler/replica_calculator.go.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "ghcr.io/acme/web:v1", resources: {requests: {memory: 64Mi}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
"#,
    good: r#"-      - {name: web, image: "ghcr.io/acme/web:v1", resources: {requests: {memory: 64Mi}}}
+      - {name: web, image: "ghcr.io/acme/web:v1", resources: {requests: {memory: 64Mi, cpu: 100m}}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for (autoscaler, pod) in targets(bundle.graph()) {
        for metric in metrics(autoscaler).iter().filter(|metric| metric.is_relative) {
            let missing = containers_without(pod, metric);
            let Some(first) = missing.first() else { continue };
            if has_defaults(bundle.objects, pod.namespace(), metric.resource) {
                continue;
            }
            let names = suggest::list(missing.iter().map(|container| container.name()), "and");
            let noun = if missing.len() == 1 { "container" } else { "containers" };
            let message = format!(
                "missing request for {} in {noun} {names} of {}: the utilization is unknown",
                metric.resource,
                title(pod.object)
            );
            report
                .at(autoscaler, metric.node, message)
                .related(first.node["name"].origin.span, "this container")
                .help(format!("set `resources.requests.{}`, or use a target of type `AverageValue`", metric.resource));
        }
    }
}

/// The containers that a metric measures and that have no request.
fn containers_without<'p, 'a>(pod: &'p Pod<'a>, metric: &Metric<'_>) -> Vec<&'p Container<'a>> {
    let requests =
        |resources: &Node| ["requests", "limits"].iter().any(|field| resources[*field][metric.resource].is_set());
    if metric.container.is_none() && requests(&pod.spec["resources"]) {
        return Vec::new();
    }
    let is_measured = |container: &&Container<'_>| {
        metric.container.is_none_or(|name| name.text() == container.name()) && !requests(&container.node["resources"])
    };
    pod.running().filter(is_measured).collect()
}

/// Whether a LimitRange sets default requests for the containers of a namespace.
fn has_defaults(objects: &[Object], namespace: &str, resource: &str) -> bool {
    objects.iter().any(|object| {
        (object.kind(), object.group()) == ("LimitRange", "")
            && (object.namespace() == namespace || object.namespace().is_empty() || namespace.is_empty())
            && object.node["spec"]["limits"]
                .items()
                .iter()
                .any(|limit| ["default", "defaultRequest"].iter().any(|field| limit[*field][resource].is_set()))
    })
}
