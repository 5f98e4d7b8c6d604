//! Rule `nodeport-range`.

use crate::check::rules::wiring::_kind::{mappings, node_ports};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportRange,
    doc: Doc {
        checks: "\
Checks that NodePorts are in the range of the cluster: 30000-32767, unless `service-node-port-range`
sets another range in a kubeadm patch of the kind config. A Service with a NodePort outside the
range is an error. A port mapping of a kind config to a port of the node that is 20000 or higher and
outside the range is a warning, unless a pod uses that port of the node. The host port of a mapping
can be any port.",
        why: "\
The API server rejects the Service:
`provided port is not in the valid range. The range of valid ports is 30000-32767`. Nothing answers
on a mapped port that no Service can have.",
        fix: "Choose a port in the range, and map it.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: datastorage}
spec: {type: NodePort, ports: [{port: 8080, nodePort: 8091}]}
"#,
    good: r#"apiVersion: v1
kind: Service
metadata: {name: datastorage}
spec: {type: NodePort, ports: [{port: 8080, nodePort: 30081}]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let range = node_ports(bundle.options.kind_config.as_ref());
    let shown = format!("{}-{}", range.start(), range.end());
    for service in &bundle.graph().services {
        for entry in service.ports() {
            let node = &entry["nodePort"];
            let Some(port) = node.as_i64().filter(|port| *port != 0 && !range.contains(port)) else {
                continue;
            };
            // `service-port-invalid` reports invalid port numbers.
            if (1..=65535).contains(&port) && matches!(service.kind(), "NodePort" | "LoadBalancer") {
                report.at(service.object, node, format!("NodePort {port} is not in the valid range {shown}")).help(
                    match mapping(bundle, port) {
                        Some(inner) => format!("use {inner}: {port} is the host port to which the kind config maps it"),
                        None => "choose a port in the range; a kind cluster can map it to any host port".to_owned(),
                    },
                );
            }
        }
    }
    for cluster in bundle.options.clusters() {
        let range = node_ports(Some(cluster));
        for mapping in mappings(cluster) {
            let port = mapping.node_port;
            if looks_like_node_port(port) && !range.contains(&port) && !bundle.is_on_node(port) {
                report
                    .at(
                        cluster,
                        &mapping.node["containerPort"],
                        format!("port {port} is not in the valid range of NodePorts {}-{}", range.start(), range.end()),
                    )
                    .severity(Severity::Warning)
                    .help("map a port in the range, and set it as the `nodePort` of the Service");
            }
        }
    }
}

/// Whether a port of a node is probably meant to be a NodePort: ports of ingress controllers, API servers and databases are
/// lower.
fn looks_like_node_port(port: i64) -> bool {
    (20000..=65535).contains(&port)
}

/// The NodePort to which a kind cluster maps a host port.
fn mapping(bundle: &Bundle<'_>, host: i64) -> Option<i64> {
    let cluster = bundle.options.kind_config.as_ref()?;
    mappings(cluster).into_iter().find(|mapping| mapping.host_port == host).map(|mapping| mapping.node_port)
}
