//! Kubernetes objects: identity, pod templates and containers.

mod templates;

use ecow::EcoString;

use crate::finding::ObjectRef;
use crate::node::{Node, Value};
use crate::source::Span;

pub use templates::{PodTemplate, PodTemplatePath, below_template};

/// A Kubernetes object: its node and its identity.
#[derive(Debug, Clone)]
pub struct Object {
    /// The whole object.
    pub node: Node,
    /// Its identity.
    pub id: ObjectRef,
}

/// The API groups of Kubernetes itself that contain a dot.
pub const OWN_GROUPS: [&str; 18] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// A container of a pod.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    /// The container.
    pub node: &'a Node,
    /// Its role in the pod.
    pub role: ContainerRole,
}

/// The role of a container in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerRole {
    /// An entry of `containers`.
    Main,
    /// An entry of `initContainers`.
    Init,
    /// An entry of `initContainers` with `restartPolicy: Always`, which runs beside the main containers.
    Sidecar,
    /// An entry of `ephemeralContainers`.
    Ephemeral,
}

impl Object {
    /// Makes an object of a mapping.
    #[must_use]
    pub fn new(node: Node) -> Self {
        let string = |keys: &[&str]| match &node.at(keys).value {
            Value::String(text) => text.clone(),
            _ => EcoString::new(),
        };
        let id = ObjectRef {
            api_version: string(&["apiVersion"]),
            kind: string(&["kind"]),
            namespace: string(&["metadata", "namespace"]),
            name: string(&["metadata", "name"]),
        };
        Self { node, id }
    }

    /// The kind, for example `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.id.kind
    }

    /// The name; empty if there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// The namespace; empty if there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.id.namespace
    }

    /// The API group: `apps`, or the empty string for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        // Every rule calls this; for such a short string, a plain loop is the fastest search.
        let version = self.id.api_version.as_str();
        version.bytes().rposition(|byte| byte == b'/').map_or("", |at| &version[..at])
    }

    /// Whether its group is not one of Kubernetes itself: a custom resource, or one of an aggregated API.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        let group = self.group();
        group.contains('.') && !OWN_GROUPS.contains(&group) && !self.is_kind_config()
    }

    /// Whether it is the config of a kind cluster.
    #[must_use]
    pub fn is_kind_config(&self) -> bool {
        self.group() == "kind.x-k8s.io"
    }

    /// The `spec` of its first pod or pod template.
    #[must_use]
    pub fn pod_spec(&self) -> Option<&Node> {
        self.pod_templates().first().map(|template| template.spec)
    }

    /// Whether this object and another were read from the same file.
    #[must_use]
    pub fn shares_file_with(&self, other: &Self) -> bool {
        let (own, other) = (self.span(), other.span());
        !own.is_none() && own.file == other.file
    }

    /// The location of the name, or else of the kind or the object: where a finding about the whole object points.
    #[must_use]
    pub fn span(&self) -> Span {
        [self.node.at(&["metadata", "name"]), &self.node["kind"], &self.node]
            .iter()
            .map(|node| node.origin.span)
            .find(|span| !span.is_none())
            .unwrap_or_default()
    }
}

/// All containers of a pod spec in the order in which they start.
pub fn containers(pod_spec: &Node) -> impl Iterator<Item = Container<'_>> {
    let init = pod_spec["initContainers"].items().iter().map(|node| {
        let sidecar = node["restartPolicy"].text() == "Always";
        Container { node, role: if sidecar { ContainerRole::Sidecar } else { ContainerRole::Init } }
    });
    let main = pod_spec["containers"].items().iter().map(|node| Container { node, role: ContainerRole::Main });
    let ephemeral =
        pod_spec["ephemeralContainers"].items().iter().map(|node| Container { node, role: ContainerRole::Ephemeral });
    init.chain(main).chain(ephemeral)
}
