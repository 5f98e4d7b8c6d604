//! What the bundles of several profiles do to each other: ports, names and images across a fleet.
//!
//! The facts of each bundle are small and read where it is rendered; the rules compare facts only.

use crate::finding::ObjectRef;
use crate::graph::{self, image_name};
use crate::node::Node;
use crate::object::{Object, containers};
use crate::source::Span;

/// What is known of one bundle.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The profile it is rendered from.
    pub profile: String,
    /// The environment it is rendered for.
    pub environment: String,
    /// The kind cluster it goes to; the environment's name where there is none.
    pub cluster: String,
    /// NodePorts of its Services.
    pub node_ports: Vec<Claim>,
    /// Ports of the host that its kind config maps.
    pub host_ports: Vec<Claim>,
    /// Its objects.
    pub objects: Vec<(ObjectRef, Span)>,
    /// Its images: name, tag or digest, place.
    pub images: Vec<(String, String, Span)>,
}

/// A port that a bundle takes.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The port.
    pub port: i64,
    /// `TCP` or another.
    pub protocol: String,
    /// What takes it: a Service, or the NodePort a host port is mapped to.
    pub by: String,
    /// Where it stands: in the profile, if the profile says it.
    pub span: Span,
}

impl Facts {
    /// Reads the facts of a bundle.
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
                let by = mapping["containerPort"].as_i64().map_or_else(String::new, |port| port.to_string());
                facts.host_ports.extend(claim(&mapping["hostPort"], &mapping["protocol"], by));
            }
        }
        for object in objects {
            facts.objects.push((object.id.clone(), object.span()));
            if graph::kind_of(object) == Some("Service") {
                for port in object.node["spec"]["ports"].items() {
                    let by = format!("Service/{} in `{}`", object.name(), object.namespace());
                    facts.node_ports.extend(claim(&port["nodePort"], &port["protocol"], by));
                }
            }
            let templates = object.pod_templates();
            for container in templates.iter().flat_map(|template| containers(template.spec)) {
                let image = container.node["image"].text();
                let name = image_name(image);
                let tag = image[name.len()..].trim_start_matches([':', '@']);
                let known = facts.images.iter().any(|(other, version, _)| other == name && version == tag);
                if !known && !name.is_empty() {
                    facts.images.push((name.to_owned(), tag.to_owned(), place(&container.node["image"])));
                }
            }
        }
        facts
    }
}

fn claim(port: &Node, protocol: &Node, by: String) -> Option<Claim> {
    let number = port.as_i64().filter(|port| *port > 0)?;
    Some(Claim { port: number, protocol: protocol.as_str().unwrap_or("TCP").to_uppercase(), by, span: place(port) })
}

/// Where a person changes a value: in the profile that gave it, else where it is written.
fn place(node: &Node) -> Span {
    let input = node.origin.inputs().first().map(|input| input.node.origin.span);
    input.filter(|span| !span.is_none()).unwrap_or(node.origin.span)
}
