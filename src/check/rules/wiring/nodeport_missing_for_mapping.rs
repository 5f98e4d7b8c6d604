//! Rule `nodeport-missing-for-mapping`.

use crate::check::rules::wiring::_kind::{PortMapping, mappings, node_ports};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, ServiceObject};
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportMissingForMapping,
    doc: Doc {
        checks: "\
Checks that a port mapping (`extraPortMappings`) of a kind config leads to the NodePort of a
Service, or to a port of the node that a pod uses (`hostPort`, `hostNetwork`).

The finding is a note, since other manifests may contain the Service. It is a warning if a Service
among the manifests has a NodePort that is not mapped, since the two are probably meant for each
other, and if the mapping leads to the `port` or `targetPort` of a Service instead of its NodePort.
The rule needs the config of the cluster: `--kind-config FILE`, one among the files checked, or that
of the profile.",
        why: "Nothing answers on the host port.",
        fix: "Use one number for `containerPort` of the mapping and `nodePort` of the Service.",
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
    let graph = bundle.graph();
    if graph.services.is_empty() {
        return;
    }
    let mappings = mappings(cluster);
    let ports = || graph.services.iter().flat_map(|service| service.ports());
    let unmapped = ports().find(|entry| {
        entry["nodePort"].as_i64().is_some_and(|port| !mappings.iter().any(|mapping| mapping.node_port == port))
    });
    let range = node_ports(Some(cluster));
    for mapping in &mappings {
        let port = mapping.node_port;
        let is_served = bundle.is_on_node(port) || ports().any(|entry| entry["nodePort"].as_i64() == Some(port));
        if !range.contains(&port) && !is_served {
            check_inner_port(cluster, mapping, graph, report);
        }
        if !range.contains(&port) || is_served {
            continue;
        }
        let severity = if unmapped.is_some() { Severity::Warning } else { Severity::Note };
        let draft = report
            .at(
                cluster,
                mapping.node,
                format!(
                    "no Service has NodePort {port}, which the kind cluster maps to host port {}",
                    mapping.host_port
                ),
            )
            .severity(severity);
        match unmapped {
            Some(entry) => draft
                .related(entry["nodePort"].origin.span, "this NodePort is not mapped")
                .help("use the same port in both"),
            None => draft.help("set this NodePort in a Service, or remove the mapping"),
        };
    }
}

/// Reports a mapping to the port or target port of a Service instead of its NodePort.
fn check_inner_port(cluster: &Object, mapping: &PortMapping<'_>, graph: &Graph<'_>, report: &mut Report<'_>) {
    let port = mapping.node_port;
    let has_port = |service: &&ServiceObject<'_>| {
        service.kind() == "NodePort"
            && (service.port_with("port", port).is_some() || service.port_with("targetPort", port).is_some())
    };
    let Some(service) = graph.services.iter().find(has_port) else { return };
    let entry = service.port_with("port", port).or_else(|| service.port_with("targetPort", port));
    let node_port = entry.and_then(|entry| entry["nodePort"].as_i64());
    report
        .at(
            cluster,
            &mapping.node["containerPort"],
            format!("{port} is a port of {} inside the cluster, not a port of the nodes", title(service.object)),
        )
        .severity(Severity::Warning)
        .related(service.object.span(), "this Service")
        .help(match node_port {
            Some(node_port) => format!("map the NodePort of the Service: `containerPort: {node_port}`"),
            None => "set a fixed `nodePort` in the Service, and map it".to_owned(),
        });
}
