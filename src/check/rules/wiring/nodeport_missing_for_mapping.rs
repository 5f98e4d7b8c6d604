//! Rule `nodeport-missing-for-mapping`.

use crate::check::rules::wiring::_shared::mappings;
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportMissingForMapping,
    doc: "`extraPortMappings` of the kind config leads to a NodePort, and no Service among the manifests has it: the port of the host answers nobody. Beside a Service whose own NodePort is not mapped this is a warning, since the two are meant for each other; else a note, since other manifests may bring the Service.",
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
    let graph = bundle.graph();
    if graph.services.is_empty() {
        return;
    }
    let mappings = mappings(cluster);
    let ports = || graph.services.iter().flat_map(|service| service.ports());
    let unmapped = ports().find(|entry| {
        entry["nodePort"].as_i64().is_some_and(|port| !mappings.iter().any(|mapping| mapping.node_port == port))
    });
    // Ports of the nodes themselves: an ingress controller's, say.
    let on_host = |port: i64| {
        graph.pods.iter().flat_map(|pod| &pod.containers).any(|container| {
            container.node["ports"].items().iter().any(|entry| entry["hostPort"].as_i64() == Some(port))
        })
    };
    for mapping in &mappings {
        let port = mapping.node_port;
        if !(30000..=32767).contains(&port)
            || on_host(port)
            || ports().any(|entry| entry["nodePort"].as_i64() == Some(port))
        {
            continue;
        }
        let severity = if unmapped.is_some() { Severity::Warning } else { Severity::Note };
        let draft = report
            .at(
                cluster,
                mapping.node,
                format!(
                    "no Service here has NodePort {port}, which the kind cluster maps to {} of the host",
                    mapping.host_port
                ),
            )
            .severity(severity);
        match unmapped {
            Some(entry) => {
                draft.related(entry["nodePort"].origin.span, "this NodePort is not mapped").help("make them one number")
            }
            None => draft.help("give a Service this NodePort, or take the mapping out"),
        };
    }
}
