//! Rule `autoscaler-duplicate`.

use foldhash::{HashMap, HashMapExt};

use crate::check::rules::rollout::_autoscaler::scale_references;
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerDuplicate,
    doc: Doc {
        checks: "\
Checks that no more than one HorizontalPodAutoscaler scales a workload. The finding is a warning.
Autoscalers of different files are compared only if the manifests are complete (`--complete`,
`--profile`, `render`), since they may be alternatives.",
        why: "If two autoscalers select the same pods, both report `AmbiguousSelector`, and neither scales.",
        fix: "\
Put all metrics into one autoscaler: it uses the largest of the replica counts that they propose.",
        source: "\
`computeReplicasForMetrics` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/podautoscaler/horizontal.go.",
    },
    bad: "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 5}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-memory}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
",
    good: "\
-spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
+spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}, maxReplicas: 3}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut seen = HashMap::new();
    for reference in scale_references(bundle.graph()) {
        // Different files may be alternatives for different clusters.
        let file = (!bundle.options.complete).then(|| reference.from.span().file);
        let key = (file, reference.kind, reference.namespace, reference.name);
        let first = *seen.entry(key).or_insert(reference);
        if first.from.id != reference.from.id {
            let message = format!("{}/{} is already scaled by {}", reference.kind, reference.name, title(first.from));
            report
                .at(reference.from, reference.node, message)
                .label("neither of them scales")
                .related(first.node.origin.span, "scaled here")
                .help("put the metrics of both into one autoscaler");
        }
    }
}
