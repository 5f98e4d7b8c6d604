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
Checks that `extraPortMappings` of the kind config maps each NodePort of a Service with
`type: NodePort`, with its protocol. A Service without a fixed `nodePort` is also reported. The
finding is a warning. The rule needs the config of the cluster: the one that the profile renders,
`--kind-config FILE`, or one among the files checked. Ports outside the range of NodePorts are
reported by `nodeport-range`.",
        why: "\
The nodes of a kind cluster are containers. From the machine, a NodePort is reached only through a
port mapping.",
        fix: "\
Set a fixed `nodePort`, and add it as `containerPort` to `extraPortMappings`. The mappings of an
existing cluster cannot be changed; create the cluster again.",
        source: "https://kind.sigs.k8s.io/docs/user/configuration/#extra-port-mappings.",
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
            let (node, message) = match port {
                Some(port) => (node, format!("the kind cluster does not map NodePort {port} to the host")),
                None => (entry, "a NodePort that the cluster chooses is not mapped to the host".to_owned()),
            };
            let used = |port: i64| {
                bundle
                    .graph()
                    .services
                    .iter()
                    .any(|other| other.ports().iter().any(|entry| entry["nodePort"].as_i64() == Some(port)))
            };
            let free = mappings.iter().find(|mapping| !used(mapping.node_port));
            let draft = report.at(service.object, node, message);
            match free {
                Some(mapping) => draft
                    .related(mapping.node.origin.span, "mapped, but no Service has this NodePort")
                    .help(format!("use {}, or add a mapping to `extraPortMappings`", mapping.node_port)),
                None if port.is_some() => draft.help("add it to `extraPortMappings` of the kind config"),
                None => draft.help("set a fixed `nodePort`, and add it to `extraPortMappings` of the kind config"),
            };
        }
    }
}
