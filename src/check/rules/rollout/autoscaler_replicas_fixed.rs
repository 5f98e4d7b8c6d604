//! Rule `autoscaler-replicas-fixed`.

use foldhash::{HashSet, HashSetExt};

use crate::check::rules::rollout::_autoscaler::targets;
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::path::address;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerReplicasFixed,
    doc: Doc {
        checks: "\
Checks for workloads that set `replicas` and are scaled by a HorizontalPodAutoscaler. The finding is
a warning.",
        why: "\
Every `kubectl apply` resets the replica count to the number in the manifest: pods are deleted under
load. `replicas: 0` disables the autoscaler.",
        fix: "\
Remove `spec.replicas`. If it was applied before, first remove it from the last-applied annotation
(`kubectl apply edit-last-applied`), otherwise the workload is scaled to 1 once.",
        source: "\
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#migrating-deployments-and-statefulsets-to-horizontal-autoscaling.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 3, maxReplicas: 5}
"#,
    good: "\
-  replicas: 3
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for (autoscaler, pod) in targets(bundle.graph()) {
        let node = &pod.object.node["spec"]["replicas"];
        let Some(replicas) = node.as_i64().filter(|_| seen.insert(address(node))) else { continue };
        let message = match replicas {
            0 => format!("`replicas: 0` disables {}", title(autoscaler)),
            _ => format!("every `kubectl apply` resets the replicas that {} has set to {replicas}", title(autoscaler)),
        };
        report
            .at(pod.object, node, message)
            .related(autoscaler.span(), "scaled by this autoscaler")
            .help("remove `replicas`");
    }
}
