//! Helpers for rules on kind clusters: port mappings, mounts, the range of NodePorts.

use std::ops::RangeInclusive;

use crate::node::Node;
use crate::object::Object;

/// A port mapping of a kind cluster.
#[derive(Debug)]
pub(crate) struct PortMapping<'a> {
    /// The entry of `extraPortMappings`.
    pub(crate) node: &'a Node,
    /// The port of the node.
    pub(crate) node_port: i64,
    /// The host port.
    pub(crate) host_port: i64,
    /// The protocol; `TCP` by default.
    pub(crate) protocol: &'a str,
    /// The listen address on the host; empty for all addresses.
    pub(crate) address: &'a str,
}

/// The port mappings of a kind cluster.
pub(crate) fn mappings(cluster: &Object) -> Vec<PortMapping<'_>> {
    let nodes = cluster.node["nodes"].items().iter();
    nodes
        .flat_map(|node| node["extraPortMappings"].items())
        .map(|node| PortMapping {
            node,
            node_port: node["containerPort"].as_i64().unwrap_or_default(),
            host_port: node["hostPort"].as_i64().unwrap_or_default(),
            protocol: node["protocol"].as_str().unwrap_or("TCP"),
            address: node["listenAddress"].text(),
        })
        .collect()
}

/// The default range of NodePorts.
/// (https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport)
pub(crate) const NODE_PORTS: RangeInclusive<i64> = 30000..=32767;

/// The option of the API server that changes the range.
const RANGE_OPTION: &str = "service-node-port-range";

/// The range of NodePorts of a kind cluster: the default one, or that of `service-node-port-range` in a kubeadm patch.
pub(crate) fn node_ports(cluster: Option<&Object>) -> RangeInclusive<i64> {
    let Some(cluster) = cluster else { return NODE_PORTS };
    let nodes = cluster.node["nodes"].items().iter();
    let patches = nodes.chain([&cluster.node]).flat_map(|node| node["kubeadmConfigPatches"].items());
    patches.filter_map(|patch| range_of(patch.text())).next_back().unwrap_or(NODE_PORTS)
}

/// The range that a patch sets, either in a mapping or in a list of arguments.
fn range_of(patch: &str) -> Option<RangeInclusive<i64>> {
    let (_, rest) = patch.split_once(RANGE_OPTION)?;
    let digits = rest.find(|c: char| c.is_ascii_digit())?;
    let end = rest[digits..].find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len() - digits);
    let (first, last) = rest[digits..digits + end].split_once('-')?;
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The directories of the host that a kind cluster mounts into its nodes: the entries of `extraMounts`.
pub(crate) fn mounts(cluster: &Object) -> impl Iterator<Item = &Node> {
    cluster.node["nodes"].items().iter().flat_map(|node| node["extraMounts"].items())
}

/// Whether a path is a directory or inside it.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    let (path, folder) = (path.trim_end_matches('/'), folder.trim_end_matches('/'));
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_from_patches() {
        assert_eq!(
            range_of("apiServer:\n  extraArgs:\n    service-node-port-range: \"1024-65535\"\n"),
            Some(1024..=65535)
        );
        assert_eq!(range_of("- name: service-node-port-range\n  value: 80-32767"), Some(80..=32767));
        assert_eq!(range_of("service-node-port-range: all"), None);
        assert_eq!(range_of("max-requests-inflight: 100-200"), None);
    }

    #[test]
    fn paths_inside_a_directory() {
        assert!(is_below("/data", "/data/") && is_below("/data/a", "/data") && is_below("/a", "/"));
        assert!(!is_below("/database", "/data") && !is_below("/", "/data"));
    }
}
