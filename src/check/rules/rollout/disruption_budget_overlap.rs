//! Rule `disruption-budget-overlap`.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::check::rules::rollout::_budget::budgets;
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DisruptionBudgetOverlap,
    doc: Doc {
        checks: "\
Checks that no more than one PodDisruptionBudget selects a pod. The finding is a warning. Budgets of
different files are compared only if the manifests are complete (`--complete`, `--profile`,
`render`), since they may be alternatives. Pods of Jobs are not checked.",
        why: "\
The eviction API rejects the eviction of such a pod
(`This pod has more than one PodDisruptionBudget, which the eviction subresource does not support`),
and `kubectl drain` never completes.",
        fix: "Remove one of the budgets, or narrow its selector.",
        source: "\
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#arbitrary-controllers-and-selectors
and https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/registry/core/pod/storage/eviction.go.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 0, selector: {matchLabels: {app: web}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all}
spec: {maxUnavailable: 1, selector: {}}
"#,
    good: "\
-spec: {maxUnavailable: 1, selector: {}}
+spec: {maxUnavailable: 1, selector: {matchLabels: {app: worker}}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut first_of = HashMap::new();
    for (budget, pods) in budgets(graph) {
        let file = (!bundle.options.complete).then(|| budget.span().file);
        let mut seen = HashSet::new();
        for pod in pods.into_iter().flatten() {
            let first = *first_of.entry((file, pod)).or_insert(budget);
            // One finding for two budgets, however many pods they share.
            if first.id == budget.id || !seen.insert(&first.id) {
                continue;
            }
            let object = graph.pods[pod].object;
            let message = format!("the pods of {} are already selected by {}", title(object), title(first));
            report
                .at(budget, &budget.node["spec"]["selector"], message)
                .label("a pod that two budgets select cannot be evicted")
                .related(first.span(), "the other budget")
                .help("remove one of them, or narrow its selector");
        }
    }
}
