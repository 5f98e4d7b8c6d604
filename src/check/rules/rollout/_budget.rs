//! Helpers for rules on PodDisruptionBudgets: the pods that a budget selects.

use foldhash::{HashMap, HashMapExt};

use crate::graph::{Graph, MAX_PODS, kind_of, label_selector_matches};
use crate::object::Object;

/// The budgets, each with the indexes of the pods that it selects; `None` if there are too many pods to look at.
pub(super) fn budgets<'a>(graph: &Graph<'a>) -> Vec<(&'a Object, Option<Vec<usize>>)> {
    let budgets = graph.objects.iter().filter(|object| kind_of(object) == Some("PodDisruptionBudget"));
    let mut budgets = budgets.peekable();
    if budgets.peek().is_none() {
        return Vec::new();
    }
    let mut by_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, pod) in graph.pods.iter().enumerate() {
        by_namespace.entry(pod.namespace()).or_default().push(index);
    }
    budgets
        .map(|budget| {
            let selector = &budget.node["spec"]["selector"];
            let all = by_namespace.get(budget.namespace()).map_or(&[][..], Vec::as_slice);
            let (pods, is_all) = match selector["matchLabels"].entries() {
                [] => (&all[..all.len().min(MAX_PODS)], all.len() <= MAX_PODS),
                _ => graph.pods_with(&selector["matchLabels"], Some(budget.namespace())),
            };
            // A null selector selects no pods, an empty one all pods of the namespace.
            let selected = pods.iter().copied().filter(|pod| {
                let pod = &graph.pods[*pod];
                selector.is_set() && !pod.is_job() && label_selector_matches(selector, pod.labels)
            });
            (budget, is_all.then(|| selected.collect()))
        })
        .collect()
}
