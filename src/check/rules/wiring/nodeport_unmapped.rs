//! Rule `nodeport-unmapped`.

use crate::check::rules::wiring::_kind::{mappings, node_ports};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportUnmapped,
    doc: Doc {
        checks: "\
From outside a kind cluster a NodePort is reached only where `extraPortMappings` of its config maps
it. This rule needs that config: the one the profile renders, `--kind-config FILE`, or one among the
files given.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}]}]
---
apiVersion: v1
kind: Service
metadata: {name: datastorage}
spec: {type: NodePort, ports: [{port: 8080, nodePort: 30091}]}
"#,
    good: "\
-spec: {type: NodePort, ports: [{port: 8080, nodePort: 30091}]}
+spec: {type: NodePort, ports: [{port: 8080, nodePort: 30081}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let Some(cluster) = &bundle.options.kind_config else { return };
    let (mappings, range) = (mappings(cluster), node_ports(Some(cluster)));
    for service in bundle.graph().services.iter().filter(|service| service.kind() == "NodePort") {
        for entry in service.ports() {
            let node = &entry["nodePort"];
            let protocol = entry["protocol"].as_str().unwrap_or("TCP");
            let port = node.as_i64().filter(|port| *port > 0);
            let mapped = port.is_some_and(|port| {
                mappings
                    .iter()
                    .any(|mapping| mapping.node_port == port && mapping.protocol.eq_ignore_ascii_case(protocol))
            });
            if mapped || port.is_some_and(|port| !range.contains(&port)) {
                continue;
            }
            let (place, message) = match port {
                Some(port) => (node, format!("the kind cluster does not map NodePort {port} to the host")),
                None => (entry, "a NodePort that the cluster chooses is mapped to no port of the host".to_owned()),
            };
            let used = |port: i64| {
                bundle
                    .graph()
                    .services
                    .iter()
                    .any(|other| other.ports().iter().any(|entry| entry["nodePort"].as_i64() == Some(port)))
            };
            let free = mappings.iter().find(|mapping| !used(mapping.node_port));
            let draft = report.at(service.object, place, message);
            match free {
                Some(mapping) => draft
                    .related(mapping.node.origin.span, "mapped, and no Service has it")
                    .help(format!("is {} meant, or add a mapping to extraPortMappings", mapping.node_port)),
                None => draft.help("add it to extraPortMappings of the kind config"),
            };
        }
    }
}
