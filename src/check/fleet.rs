//! The facts that the rules for several bundles compare: ports, names and images.
//!
//! The facts of a bundle are small and collected when it is rendered, so that bundles need not be kept in memory.

use crate::finding::ObjectRef;
use crate::graph::{self, image_name};
use crate::node::Node;
use crate::object::{Object, containers};
use crate::source::Span;

/// The facts of one bundle.
#[derive(Debug, Clone, Default)]
pub struct BundleFacts {
    /// The profile it is rendered from.
    pub profile: String,
    /// The environment it is rendered for.
    pub environment: String,
    /// The name of its kind cluster; without one, the name of the environment.
    pub cluster: String,
    /// NodePorts of its Services.
    pub node_ports: Vec<UsedPort>,
    /// Ports of the host that its kind config maps.
    pub host_ports: Vec<UsedPort>,
    /// Its objects.
    pub objects: Vec<(ObjectRef, Span)>,
    /// Its images: name, tag or digest, location.
    pub images: Vec<(String, String, Span)>,
}

/// A port that a bundle uses.
#[derive(Debug, Clone)]
pub struct UsedPort {
    /// The port.
    pub port: i64,
    /// The protocol, in upper case: `TCP`.
    pub protocol: String,
    /// What uses it: a Service, or the NodePort that a host port is mapped to.
    pub used_by: String,
    /// Its location: in the profile, if the profile sets it.
    pub span: Span,
}

impl BundleFacts {
    /// Collects the facts of a bundle.
    #[must_use]
    pub fn of(profile: &str, environment: &str, objects: &[Object], kind_config: Option<&Object>) -> Self {
        let cluster = kind_config.map(|config| config.node["name"].text()).filter(|name| !name.is_empty());
        let mut facts = Self {
            profile: profile.to_owned(),
            environment: environment.to_owned(),
            cluster: cluster.unwrap_or(environment).to_owned(),
            ..Self::default()
        };
        for node in kind_config.into_iter().flat_map(|config| config.node["nodes"].items()) {
            for mapping in node["extraPortMappings"].items() {
                let used_by = mapping["containerPort"].as_i64().map_or_else(String::new, |port| port.to_string());
                facts.host_ports.extend(used_port(&mapping["hostPort"], &mapping["protocol"], used_by));
            }
        }
        for object in objects {
            facts.objects.push((object.id.clone(), object.span()));
            if graph::kind_of(object) == Some("Service") {
                for port in object.node["spec"]["ports"].items() {
                    let used_by = format!("Service/{} in `{}`", object.name(), object.namespace());
                    facts.node_ports.extend(used_port(&port["nodePort"], &port["protocol"], used_by));
                }
            }
            let templates = object.pod_templates();
            for container in templates.iter().flat_map(|template| containers(template.spec)) {
                let image = container.node["image"].text();
                let name = image_name(image);
                let tag = image[name.len()..].trim_start_matches([':', '@']);
                let known = facts.images.iter().any(|(other, version, _)| other == name && version == tag);
                if !known && !name.is_empty() {
                    facts.images.push((name.to_owned(), tag.to_owned(), location(&container.node["image"])));
                }
            }
        }
        facts
    }
}

fn used_port(port: &Node, protocol: &Node, used_by: String) -> Option<UsedPort> {
    let number = port.as_i64().filter(|port| *port > 0)?;
    Some(UsedPort {
        port: number,
        protocol: protocol.as_str().unwrap_or("TCP").to_uppercase(),
        used_by,
        span: location(port),
    })
}

/// The location where a user changes a value: in the profile that sets it, or else where it is written.
fn location(node: &Node) -> Span {
    let input = node.origin.inputs().first().map(|input| input.node.origin.span);
    input.filter(|span| !span.is_none()).unwrap_or(node.origin.span)
}
