//! Helpers for rules on PersistentVolumeClaims: which workloads use a claim, and with how many pods.

use foldhash::{HashMap, HashMapExt};

use crate::check::Bundle;
use crate::graph::{Graph, Pod};
use crate::node::Node;
use crate::object::Object;
use crate::path::address;
use crate::references::Relation;

/// A claim and a workload whose pods use it.
pub(super) struct ClaimUse<'g, 'a> {
    /// The claim.
    pub(super) claim: &'a Object,
    /// The workload.
    pub(super) pod: &'g Pod<'a>,
    /// The node where the workload refers to the claim.
    pub(super) node: &'a Node,
}

/// The workloads that use claims whose only access mode is the given one.
pub(super) fn uses<'g, 'a>(graph: &'g Graph<'a>, mode: &str) -> Vec<ClaimUse<'g, 'a>> {
    let has_mode = |claim: &Object| {
        let modes = claim.node["spec"]["accessModes"].items();
        matches!(modes, [only] if only.text() == mode)
    };
    let named = graph
        .references
        .iter()
        .filter(|reference| reference.kind == "PersistentVolumeClaim" && reference.relation == Relation::Volume);
    let mut found =
        named.filter_map(|reference| Some((reference, reference.found.filter(|claim| has_mode(claim))?))).peekable();
    if found.peek().is_none() {
        return Vec::new();
    }
    let pods: HashMap<usize, &Pod<'_>> = graph.pods.iter().map(|pod| (address(&pod.object.node), pod)).collect();
    found
        .filter_map(|(reference, claim)| {
            let pod = *pods.get(&address(&reference.from.node))?;
            Some(ClaimUse { claim, pod, node: reference.node })
        })
        .collect()
}

/// A phrase for the pods of a workload that certainly run at the same time; `None` for one, or if the number is unknown.
pub(super) fn pods_at_once(pod: &Pod<'_>) -> Option<String> {
    let (kind, spec) = (pod.object.kind(), &pod.object.node["spec"]);
    let several = |number: &Node, noun: &str| {
        number.as_i64().filter(|number| *number > 1).map(|number| format!("{number} {noun}"))
    };
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => several(&spec["replicas"], "replicas"),
        "DaemonSet" => Some("one pod on each node".to_owned()),
        "Job" => several(&spec["parallelism"], "pods in parallel"),
        _ => None,
    }
}

/// The workloads that use each claim and are applied together.
pub(super) fn by_claim<'u, 'g, 'a>(
    bundle: &Bundle<'_>,
    uses: &'u [ClaimUse<'g, 'a>],
) -> Vec<Vec<&'u ClaimUse<'g, 'a>>> {
    let mut indexes = HashMap::with_capacity(uses.len());
    let mut groups: Vec<Vec<&ClaimUse<'_, '_>>> = Vec::new();
    for one in uses {
        let index = *indexes.entry(address(&one.claim.node)).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Vec::new());
        }
        // A workload may refer to a claim twice.
        let is_new = groups[index].last().is_none_or(|last| !std::ptr::eq(last.pod, one.pod));
        if is_new && groups[index].first().is_none_or(|first| bundle.are_together(first.pod.object, one.pod.object)) {
            groups[index].push(one);
        }
    }
    groups
}
