//! Rule `nodeport-range`.

use crate::check::{Bundle, Check, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportRange,
    doc: "Unless its API server is set up otherwise, a cluster takes NodePorts of 30000 to 32767 and refuses others when the Service is made. The host port that a kind cluster maps it to may be any.",
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
    for service in &bundle.graph().services {
        for entry in service.ports() {
            let node = &entry["nodePort"];
            let Some(port) = node.as_i64().filter(|port| *port != 0 && !(30000..=32767).contains(port)) else {
                continue;
            };
            // What is no port at all the API server refuses.
            if (1..=65535).contains(&port) && matches!(service.kind(), "NodePort" | "LoadBalancer") {
                report.at(service.object, node, format!("NodePort {port} is outside 30000-32767")).help(match mapping(
                    bundle, port,
                ) {
                    Some(inner) => format!("{port} is the port of the host: the kind config maps it to {inner}"),
                    None => "choose one of the range; a kind cluster maps it to any port of the host".to_owned(),
                });
            }
        }
    }
}

/// The NodePort that a kind cluster maps a host port to.
fn mapping(bundle: &Bundle<'_>, host: i64) -> Option<i64> {
    let cluster = bundle.options.kind_config.as_ref()?;
    let mut mappings = cluster.node["nodes"].items().iter().flat_map(|node| node["extraPortMappings"].items());
    mappings.find(|mapping| mapping["hostPort"].as_i64() == Some(host))?["containerPort"].as_i64()
}
