//! Helpers for rules on HorizontalPodAutoscalers: their targets and metrics.

use foldhash::HashMap;

use crate::graph::{Graph, Pod, Reference};
use crate::node::Node;
use crate::object::Object;
use crate::path::address;
use crate::references::Relation;

/// The references of the autoscalers to their targets.
pub(super) fn scale_references<'g, 'a>(graph: &'g Graph<'a>) -> impl Iterator<Item = &'g Reference<'a>> {
    graph.references.iter().filter(|reference| reference.relation == Relation::Scale)
}

/// The autoscalers whose targets are workloads among the manifests, with the pods of these.
pub(super) fn targets<'g, 'a>(graph: &'g Graph<'a>) -> Vec<(&'a Object, &'g Pod<'a>)> {
    let mut found = scale_references(graph).filter_map(|reference| Some((reference, reference.found?))).peekable();
    if found.peek().is_none() {
        return Vec::new();
    }
    let pods: HashMap<usize, &Pod<'_>> = graph.pods.iter().map(|pod| (address(&pod.object.node), pod)).collect();
    found
        .filter(|(reference, object)| {
            can_be_scaled(&reference.from.node["spec"]["scaleTargetRef"]) && is_scalable(object)
        })
        .filter_map(|(reference, object)| Some((reference.from, *pods.get(&address(&object.node))?)))
        .collect()
}

/// The built-in kinds with the `scale` subresource, and their groups.
const SCALABLE: [(&str, &str); 4] =
    [("Deployment", "apps"), ("ReplicaSet", "apps"), ("StatefulSet", "apps"), ("ReplicationController", "")];

/// Other kinds of workloads, without the `scale` subresource.
const FIXED: [&str; 4] = ["CronJob", "DaemonSet", "Job", "Pod"];

fn is_scalable(object: &Object) -> bool {
    SCALABLE.contains(&(object.kind(), object.group()))
}

/// Whether the group and kind of a target may have the `scale` subresource.
pub(super) fn can_be_scaled(target: &Node) -> bool {
    let kind = target["kind"].text();
    let group = target["apiVersion"].text().split_once('/').map_or("", |(group, _)| group);
    // A group with a domain is that of custom resources and may have any kind.
    match SCALABLE.iter().find(|(known, _)| *known == kind) {
        Some((_, own)) => group == *own || group.contains('.'),
        None => !FIXED.contains(&kind) || group.contains('.'),
    }
}

/// A metric on a resource of the pods or of one container.
pub(super) struct Metric<'a> {
    /// The node with the name of the resource, or the scale target for the default metric.
    pub(super) node: &'a Node,
    /// `cpu`, `memory` or another.
    pub(super) resource: &'a str,
    /// The container that is measured; `None` for all.
    pub(super) container: Option<&'a Node>,
    /// Whether the target is a percentage of the request.
    pub(super) is_relative: bool,
}

/// The metrics of an autoscaler on the resources of its pods.
pub(super) fn metrics(autoscaler: &Object) -> Vec<Metric<'_>> {
    let spec = &autoscaler.node["spec"];
    let by_default = |node| Metric { node, resource: "cpu", container: None, is_relative: true };
    if autoscaler.id.api_version == "autoscaling/v1" {
        let percentage = &spec["targetCPUUtilizationPercentage"];
        return vec![by_default(if percentage.is_set() { percentage } else { &spec["scaleTargetRef"] })];
    }
    let metrics = spec["metrics"].items();
    if metrics.is_empty() {
        return vec![by_default(&spec["scaleTargetRef"])];
    }
    let source_field = |metric: &'_ Node| match metric["type"].text() {
        "Resource" => Some("resource"),
        "ContainerResource" => Some("containerResource"),
        _ => None,
    };
    let resource_metric = |metric| {
        let source: &Node = &metric[source_field(metric)?];
        Some(Metric {
            node: &source["name"],
            resource: source["name"].text(),
            container: Some(&source["container"]).filter(|container| container.is_set()),
            is_relative: source["target"]["averageUtilization"].is_set(),
        })
    };
    metrics.iter().filter_map(resource_metric).collect()
}
