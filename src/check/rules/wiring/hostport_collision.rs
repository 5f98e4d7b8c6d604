//! Rule `hostport-collision`.

use crate::check::rules::wiring::_shared::{mappings, title};
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostportCollision,
    doc: "Two mappings of a kind config with one host port keep the cluster from being made. Two pods with one `hostPort` cannot run on one node: with one node, the second stays pending; that, and more replicas than one with a host port, is a warning.",
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
    if let Some(cluster) = &bundle.options.kind_config {
        let mut taken = HashMap::new();
        for mapping in mappings(cluster) {
            let key = (mapping.host_port, mapping.protocol.to_ascii_uppercase(), mapping.address);
            let first = *taken.entry(key).or_insert(mapping.node);
            if !std::ptr::eq(first, mapping.node) && mapping.host_port > 0 {
                report
                    .at(
                        cluster,
                        &mapping.node["hostPort"],
                        format!("port {} of the host is mapped twice", mapping.host_port),
                    )
                    .related(first["hostPort"].origin.span, "mapped here")
                    .help("each mapping needs a host port of its own");
            }
        }
    }
    let mut taken = HashMap::new();
    for pod in bundle.graph().pods.iter().filter(|pod| pod.is_long_running()) {
        for container in &pod.containers {
            for entry in container.node["ports"].items() {
                let Some(port) = entry["hostPort"].as_i64().filter(|port| *port > 0) else { continue };
                // Files that are checked together need not go to one cluster.
                let file = (!bundle.options.whole).then(|| pod.object.span().file);
                let key = (file, port, entry["protocol"].as_str().unwrap_or("TCP"), entry["hostIP"].text());
                let (first, place) = *taken.entry(key).or_insert((pod.object, entry));
                if !std::ptr::eq(first, pod.object) {
                    // Pods that are kept apart by their nodes may share it.
                    report
                        .at(
                            pod.object,
                            &entry["hostPort"],
                            format!("{} wants port {port} of the node as well", title(first)),
                        )
                        .severity(Severity::Warning)
                        .related(place["hostPort"].origin.span, "here")
                        .help("only one of them runs on a node");
                } else if pod.replicas() > 1 && pod.object.kind() != "DaemonSet" && std::ptr::eq(place, entry) {
                    report
                        .at(
                            pod.object,
                            &entry["hostPort"],
                            format!("{} replicas want port {port} of the node", pod.replicas()),
                        )
                        .severity(Severity::Warning)
                        .help("each needs a node of its own");
                }
            }
        }
    }
}
