//! Rule `disruption-budget-blocks`.

use foldhash::HashMap;

use crate::check::rules::rollout::_autoscaler;
use crate::check::rules::rollout::_budget::budgets;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::Pod;
use crate::node::Node;
use crate::path::address;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DisruptionBudgetBlocks,
    doc: Doc {
        checks: "\
Checks for PodDisruptionBudgets that allow no pod to be unavailable: `maxUnavailable: 0`,
`minAvailable: 100%`, or a `minAvailable` of as many pods as there are. Percentages are rounded up,
so `50%` of one replica is one. If an autoscaler sets the replicas, its `maxReplicas` counts; unset
`replicas` count as one if the manifests are complete (`--complete`, `--profile`, `render`), and are
otherwise unknown. The finding is a warning.",
        why: "\
The budget blocks every eviction
(`Cannot evict pod as it would violate the pod's disruption budget`). `kubectl drain` and the
upgrade of a node pool wait until somebody deletes the budget or the pod.",
        fix: "Allow at least one pod to be unavailable, or run one more replica.",
        source: "\
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#specifying-a-poddisruptionbudget and
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#rounding-logic-when-specifying-percentages.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
"#,
    good: "\
-spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
+spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let budgets = budgets(graph);
    if budgets.is_empty() {
        return;
    }
    let max_replicas: HashMap<usize, i64> = _autoscaler::scale_references(graph)
        .filter_map(|reference| {
            let max = reference.from.node["spec"]["maxReplicas"].as_i64()?;
            Some((address(&reference.found?.node), max))
        })
        .collect();
    let replicas = |pod: &Pod<'_>| match (max_replicas.get(&address(&pod.object.node)), pod.object.kind()) {
        (Some(max), _) => Some(*max),
        (None, "Pod") => Some(1),
        (None, "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController") => {
            let own = pod.object.node["spec"]["replicas"].as_i64();
            own.or_else(|| bundle.options.complete.then_some(1))
        }
        _ => None,
    };
    for (budget, pods) in budgets {
        let spec = &budget.node["spec"];
        let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
        let help = "allow at least one pod to be unavailable, otherwise `kubectl drain` never completes";
        if most.is_set() {
            if matches!(most.text(), "0" | "0%") || most.as_i64() == Some(0) {
                report.at(budget, most, "the budget blocks every eviction: no pod may be unavailable").help(help);
            }
            continue;
        }
        if least.text() == "100%" {
            report.at(budget, least, "the budget blocks every eviction: all pods must be available").help(help);
            continue;
        }
        let counts = pods.iter().flatten().map(|pod| replicas(&graph.pods[*pod]));
        let Some(total) = counts.sum::<Option<i64>>().filter(|total| *total > 0) else { continue };
        if needed(least, total).is_some_and(|needed| needed >= total) {
            let first = pods.iter().flatten().map(|pod| graph.pods[*pod].object).next();
            let noun = suggest::count(usize::try_from(total).unwrap_or_default(), "pod");
            let message = format!("the budget blocks every eviction: all of {noun} must be available");
            let draft = report.at(budget, least, message.replace("all of 1 pod", "the only pod")).help(help);
            if let Some(object) = first {
                draft.related(object.span(), "its pods");
            }
        }
    }
}

/// How many of `total` pods must be available.
fn needed(least: &Node, total: i64) -> Option<i64> {
    match least.as_i64() {
        Some(number) => Some(number),
        None => {
            let percent: i64 =
                least.text().strip_suffix('%')?.parse().ok().filter(|percent| (1..=100).contains(percent))?;
            total.checked_mul(percent)?.checked_add(99).map(|hundreds| hundreds / 100)
        }
    }
}
