//! Rule `hostport-collision`.

use crate::check::rules::wiring::_kind::{PortMapping, mappings};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, KindCluster, Rule};
use crate::finding::{RuleId, Severity};
use crate::object::Object;
use crate::source::Span;
use crate::suggest;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostportCollision,
    doc: Doc {
        checks: "\
Checks that a host port is used once.

- Two mappings of one port in the config of a kind cluster are an error, unless they have different
  listen addresses and neither listens on all of them.
- Two kind configs of different clusters that map the same port are a warning. Clusters with the
  same name never run at once, and are not compared. A config without a name has kind's default name
  `kind`; if its file is given on the command line, `kind create cluster --name` may give it any.
- Two pods with the same `hostPort`, and a workload with more than one replica and a `hostPort`, are
  a warning. Pods of different files are compared only if the manifests are complete (`--complete`,
  `--profile`, `render`); DaemonSets may have any number of pods.",
        why: "\
kind rejects a config that maps a port twice. Two clusters with one port cannot run at once: the
second is not created (`port is already allocated`). Of two pods with one `hostPort`, only one runs
on a node; on a cluster with one node the other stays `Pending`
(`node(s) didn't have free ports for the requested pod ports`).",
        fix: "Choose another host port, or use a Service instead of `hostPort`.",
        source: "\
https://kind.sigs.k8s.io/docs/user/configuration/#extra-port-mappings and `validatePortMappings` in
https://github.com/kubernetes-sigs/kind/blob/v0.30.0/pkg/internal/apis/config/validate.go.",
    },
    bad: r#"kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}, {containerPort: 30082, hostPort: 8081}]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
"#,
    good: "\
-nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}, {containerPort: 30082, hostPort: 8081}]}]
+nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}, {containerPort: 30082, hostPort: 8082}]}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for cluster in bundle.options.clusters() {
        check_cluster(cluster, report);
    }
    compare_clusters(&bundle.options.kind_clusters, report);
    check_pods(bundle, report);
}

/// The mappings of a cluster with a fixed host port, by port and protocol; 0 and -1 mean any free port.
fn fixed_mappings(cluster: &Object) -> impl Iterator<Item = ((i64, String), PortMapping<'_>)> {
    let mappings = mappings(cluster).into_iter().filter(|mapping| mapping.host_port > 0);
    mappings.map(|mapping| ((mapping.host_port, mapping.protocol.to_ascii_uppercase()), mapping))
}

/// Whether ports on two listen addresses conflict: the addresses are equal, or one stands for all addresses.
fn addresses_overlap(one: &str, other: &str) -> bool {
    let is_any = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
    one == other || is_any(one) || is_any(other)
}

/// Reports mappings of a cluster with the same host port.
fn check_cluster(cluster: &Object, report: &mut Report<'_>) {
    let mut used: HashMap<_, Vec<PortMapping<'_>>> = HashMap::new();
    for (key, mapping) in fixed_mappings(cluster) {
        let others = used.entry(key).or_default();
        if let Some(first) = others.iter().find(|first| addresses_overlap(first.address, mapping.address)) {
            report
                .at(cluster, &mapping.node["hostPort"], format!("host port {} is mapped twice", mapping.host_port))
                .related(first.node["hostPort"].origin.span, "mapped here")
                .help("choose another host port");
        } else if others.len() < MAX_ADDRESSES {
            others.push(mapping);
        }
    }
}

/// The maximum number of listen addresses that are compared for one port.
const MAX_ADDRESSES: usize = 16;

/// Reports mappings of two clusters with the same host port, if the clusters may run at once, since their names differ. One
/// finding for each pair of clusters.
fn compare_clusters(clusters: &[KindCluster], report: &mut Report<'_>) {
    let mut used: HashMap<_, Vec<(usize, PortMapping<'_>)>> = HashMap::new();
    for (at, cluster) in clusters.iter().enumerate() {
        let may_run_at_once =
            |other: usize| other != at && (cluster.name.is_none() || clusters[other].name != cluster.name);
        // By the other cluster: the ports, the location there, and the first mapping here.
        let mut conflicts: BTreeMap<usize, (Vec<i64>, Span, PortMapping<'_>)> = BTreeMap::new();
        let mut own = Vec::new();
        for (key, mapping) in fixed_mappings(&cluster.config) {
            let others = used.get(&key).map_or(&[][..], Vec::as_slice);
            let first = others
                .iter()
                .find(|(other, first)| may_run_at_once(*other) && addresses_overlap(first.address, mapping.address));
            match first {
                Some((other, first)) => {
                    let port = mapping.host_port;
                    let span = first.node["hostPort"].origin.span;
                    let (ports, ..) = conflicts.entry(*other).or_insert((Vec::new(), span, mapping));
                    ports.push(port);
                }
                None => own.push((key, mapping)),
            }
        }
        for (other, (mut ports, span, mapping)) in conflicts {
            ports.dedup();
            let other_cluster = match &clusters[other].name {
                Some(name) => format!("cluster `{name}`"),
                None => "another cluster".to_owned(),
            };
            let message = match ports.as_slice() {
                [port] => format!("host port {port} is mapped by {other_cluster} as well"),
                _ => {
                    let ports = suggest::list(ports.iter().map(i64::to_string), "and");
                    format!("ports {ports} of the host are mapped by {other_cluster} as well")
                }
            };
            report
                .at(&cluster.config, &mapping.node["hostPort"], message)
                .severity(Severity::Warning)
                .label("the two clusters cannot run at once")
                .related(span, "mapped here")
                .help("choose another host port, unless only one of the clusters ever runs");
        }
        for (key, mapping) in own {
            let others = used.entry(key).or_default();
            if others.len() < MAX_ADDRESSES {
                others.push((at, mapping));
            }
        }
    }
}

/// Reports pods with the same host port.
fn check_pods(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut used = HashMap::new();
    for pod in bundle.graph().pods.iter().filter(|pod| pod.is_long_running()) {
        for container in &pod.containers {
            for entry in container.node["ports"].items() {
                let Some(port) = entry["hostPort"].as_i64().filter(|port| *port > 0) else { continue };
                // Different files may be alternatives, or for different clusters.
                let file = (!bundle.options.complete).then(|| pod.object.span().file);
                let key = (file, port, entry["protocol"].as_str().unwrap_or("TCP"), entry["hostIP"].text());
                let (first, place) = *used.entry(key).or_insert((pod.object, entry));
                if !std::ptr::eq(first, pod.object) {
                    // Pods on different nodes may use the same host port.
                    report
                        .at(
                            pod.object,
                            &entry["hostPort"],
                            format!("host port {port} is already used by {}", title(first)),
                        )
                        .severity(Severity::Warning)
                        .related(place["hostPort"].origin.span, "used here")
                        .help("choose another port: a node can run only one of these pods");
                } else if pod.replicas() > 1 && pod.object.kind() != "DaemonSet" && std::ptr::eq(place, entry) {
                    report
                        .at(pod.object, &entry["hostPort"], format!("{} replicas use host port {port}", pod.replicas()))
                        .severity(Severity::Warning)
                        .help("use a Service instead: each replica needs its own node");
                }
            }
        }
    }
}
