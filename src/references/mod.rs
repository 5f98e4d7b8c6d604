//! The fields that refer to other objects by name, for resolving references and for renaming objects.
//!
//! [`table`] contains the fields of built-in kinds, [`custom`] those of custom resources and annotations; a project can
//! declare more. [`conventions`] recognizes common field names in other custom resources.

mod conventions;
mod created;
mod custom;
mod producers;
mod table;

use std::ops::Range;

use ecow::EcoString;

use crate::fields;
use crate::node::Node;
use crate::object::{self, Object};
use crate::project::OwnReference;

pub use created::{CreatedObject, CreatedObjects};
pub use producers::Keys;

/// How an object uses another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is mounted as a volume.
    Volume,
    /// It is the source of a variable.
    Env,
    /// It is a source of variables in `envFrom`.
    EnvFrom,
    /// It contains the credentials for pulling images.
    ImagePull,
    /// It is the ServiceAccount of the pod.
    Account,
    /// It is the PriorityClass of the pod.
    Priority,
    /// It is the RuntimeClass of the pod.
    Runtime,
    /// Traffic is routed to it.
    Backend,
    /// It contains a TLS certificate.
    Tls,
    /// It is scaled.
    Scale,
    /// It is the governing Service of a StatefulSet.
    Governing,
    /// It is the role of a binding.
    Role,
    /// It is a subject of a binding.
    Subject,
    /// The API server calls it: a webhook or an extension API server.
    Webhook,
    /// A controller reads it.
    Uses,
    /// A controller reads it, and it is usually part of the cluster: a Gateway, a ClusterIssuer.
    Platform,
}

/// The kind of the object that a field refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetKind {
    /// A fixed kind.
    Named(&'static str),
    /// The kind in the sibling field `kind`, with any group.
    Beside,
    /// The kind in the sibling field `kind`, else this one. The sibling `group` or `apiVersion` must match.
    Typed(&'static str),
    /// The kinds of the resources in the sibling field `resources`.
    Resources,
}

/// The notation of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameForm {
    /// `name`.
    Plain,
    /// `name` or `namespace/name`.
    Qualified,
    /// A host: `name` or `name.namespace.svc…`.
    Host,
    /// A comma-separated list of names.
    List,
}

/// A field that refers to another object. `field` is a pattern as in [`fields`]. `relation` is `None` if a missing
/// object is not an error, because clusters often provide it or it may be created later.
#[derive(Debug)]
struct ReferenceField {
    field: &'static str,
    target: TargetKind,
    relation: Option<Relation>,
    form: NameForm,
}

const fn row(field: &'static str, target: TargetKind, relation: Option<Relation>) -> ReferenceField {
    ReferenceField { field, target, relation, form: NameForm::Plain }
}

impl ReferenceField {
    const fn written(self, form: NameForm) -> Self {
        Self { form, ..self }
    }
}

/// A kind, its group and its fields.
type KindFields = (&'static str, &'static str, &'static [ReferenceField]);

/// The kinds of referenced objects with their groups, built-in kinds first.
pub const KINDS: &[(&str, &str)] = &[
    ("ConfigMap", ""),
    ("Secret", ""),
    ("Service", ""),
    ("ServiceAccount", ""),
    ("PersistentVolumeClaim", ""),
    ("PersistentVolume", ""),
    ("Namespace", ""),
    ("Pod", ""),
    ("ReplicationController", ""),
    ("Endpoints", ""),
    ("EndpointSlice", "discovery.k8s.io"),
    ("Deployment", "apps"),
    ("StatefulSet", "apps"),
    ("DaemonSet", "apps"),
    ("ReplicaSet", "apps"),
    ("Job", "batch"),
    ("CronJob", "batch"),
    ("Ingress", "networking.k8s.io"),
    ("NetworkPolicy", "networking.k8s.io"),
    ("HorizontalPodAutoscaler", "autoscaling"),
    ("PodDisruptionBudget", "policy"),
    ("Role", "rbac.authorization.k8s.io"),
    ("ClusterRole", "rbac.authorization.k8s.io"),
    ("RoleBinding", "rbac.authorization.k8s.io"),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io"),
    ("PriorityClass", "scheduling.k8s.io"),
    ("StorageClass", "storage.k8s.io"),
    ("RuntimeClass", "node.k8s.io"),
    ("APIService", "apiregistration.k8s.io"),
    ("CustomResourceDefinition", "apiextensions.k8s.io"),
    ("MutatingWebhookConfiguration", "admissionregistration.k8s.io"),
    ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io"),
    ("ClusterIssuer", "cert-manager.io"),
    ("ClusterSecretStore", "external-secrets.io"),
    ("ClusterTriggerAuthentication", "keda.sh"),
    ("Gateway", "gateway.networking.k8s.io"),
    ("Issuer", "cert-manager.io"),
    ("Middleware", "traefik.io"),
    ("Rollout", "argoproj.io"),
    ("SecretStore", "external-secrets.io"),
    ("TriggerAuthentication", "keda.sh"),
];

/// What contains the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'k> {
    /// A pod or pod template; paths are relative to its `spec`.
    Pod,
    /// A container in any list of a pod.
    Container,
    /// An object with a kind and group, and its annotations.
    Kind(&'k str, &'k str),
}

/// The fields of a holder.
fn rows(holder: Holder<'_>) -> &'static [ReferenceField] {
    match holder {
        Holder::Pod => table::POD,
        Holder::Container => table::CONTAINER,
        Holder::Kind(kind, group) => {
            of_kind(table::KINDS, kind, group).or_else(|| of_kind(custom::KINDS, kind, group)).unwrap_or_default()
        }
    }
}

/// The fields of a kind in a table.
fn of_kind(table: &'static [KindFields], kind: &str, group: &str) -> Option<&'static [ReferenceField]> {
    let at = table.partition_point(|row| (row.0, row.1) < (kind, group));
    table.get(at).filter(|row| (row.0, row.1) == (kind, group)).map(|row| row.2)
}

/// A reference to another object.
#[derive(Debug, Clone, Copy)]
pub struct ReferencedName<'a> {
    /// How the object is used; `None` if clusters often provide it.
    pub relation: Option<Relation>,
    /// The referenced kind.
    pub kind: &'a str,
    /// The name.
    pub name: &'a str,
    /// The namespace in a sibling field or in the same string.
    pub namespace: Option<&'a str>,
    /// The string that contains the name.
    pub node: &'a Node,
    /// The mapping that contains the string, with further properties of the reference.
    pub beside: &'a Node,
}

impl TargetKind {
    /// The kinds that a name in the mapping `beside` can refer to.
    fn kinds<'a>(self, beside: &'a Node, found: &mut dyn FnMut(&'a str)) {
        match self {
            Self::Named(kind) => found(kind),
            Self::Beside => found(beside["kind"].text()),
            Self::Typed(default) => {
                let kind = beside["kind"].as_str().unwrap_or(default);
                let api_version = beside["apiVersion"].as_str();
                let of_version = |version: &'a str| version.rsplit_once('/').map_or("", |(group, _)| group);
                let group = beside["group"].as_str().or(api_version.map(of_version));
                let own = KINDS.iter().find(|known| known.0 == kind).map(|known| known.1);
                // An extension may serve a kind with the same name in another group.
                if group.is_none_or(|group| own.is_none_or(|own| own == group)) {
                    found(kind);
                }
            }
            Self::Resources => {
                for (resource, kind) in table::RESOURCES {
                    if beside["resources"].items().iter().any(|named| named.text() == *resource) {
                        found(kind);
                    }
                }
            }
        }
    }
}

impl NameForm {
    /// The names in a string, each with its namespace, if any.
    fn names<'t>(self, text: &'t str, found: &mut dyn FnMut(Range<usize>, Option<&'t str>)) {
        match self {
            Self::Plain => found(0..text.len(), None),
            Self::Qualified => match text.split_once('/') {
                Some((namespace, name)) if !name.contains('/') => {
                    found(namespace.len() + 1..text.len(), Some(namespace));
                }
                Some(_) => {}
                None => found(0..text.len(), None),
            },
            Self::Host => {
                // Wildcards match several objects, and upper-case strings are placeholders.
                let is_label = |label: &str| label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                let mut labels = text.split('.');
                match (labels.next(), labels.next(), labels.next()) {
                    _ if !text.split('.').take(2).all(is_label) => {}
                    (Some(name), None, _) => found(0..name.len(), None),
                    (Some(name), Some(namespace), Some("svc")) => found(0..name.len(), Some(namespace)),
                    _ => {}
                }
            }
            Self::List => {
                let mut start = 0;
                for part in text.split(',') {
                    let lead = part.len() - part.trim_start().len();
                    found(start + lead..start + lead + part.trim().len(), None);
                    start += part.len() + 1;
                }
            }
        }
    }
}

impl ReferenceField {
    /// Finds the references in a string.
    fn names<'a>(&self, beside: &'a Node, node: &'a Node, found: &mut dyn FnMut(ReferencedName<'a>)) {
        let Some(text) = node.as_str() else { return };
        let own = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        self.form.names(text, &mut |range, namespace| {
            let name = &text[range];
            let (relation, namespace) = (self.relation, namespace.or(own));
            self.target
                .kinds(beside, &mut |kind| found(ReferencedName { relation, kind, name, namespace, node, beside }));
        });
    }

    /// Renames the references in a string; `None` if none changes.
    fn renamed(&self, beside: &Node, node: &Node, new: &mut Rename<'_>) -> Option<EcoString> {
        let text = node.as_str()?;
        let own = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        let mut changes: Vec<(Range<usize>, EcoString)> = Vec::new();
        self.form.names(text, &mut |range, namespace| {
            let mut names: Vec<EcoString> = Vec::new();
            self.target.kinds(beside, &mut |kind| names.extend(new(kind, namespace.or(own), &text[range.clone()])));
            names.dedup();
            // A name that refers to two objects with different new names is ambiguous and is not changed.
            if let [name] = names.as_slice() {
                changes.push((range, name.clone()));
            }
        });
        if changes.is_empty() {
            return None;
        }
        let (mut renamed, mut from) = (EcoString::new(), 0);
        for (range, name) in changes {
            renamed.push_str(&text[from..range.start]);
            renamed.push_str(&name);
            from = range.end;
        }
        renamed.push_str(&text[from..]);
        Some(renamed)
    }
}

/// Returns the new name of an object, given its kind, the namespace in the reference, and its old name.
pub type Rename<'r> = dyn FnMut(&str, Option<&str>, &str) -> Option<EcoString> + 'r;

/// Finds the references in an object, in a pod spec or in a container.
pub fn names<'a>(node: &'a Node, holder: Holder<'_>, found: &mut dyn FnMut(ReferencedName<'a>)) {
    for row in rows(holder) {
        fields::each(node, row.field, &mut |beside, node| row.names(beside, node, found));
    }
    if matches!(holder, Holder::Kind(..)) {
        for entry in node["metadata"]["annotations"].entries() {
            if let Some(row) = custom::annotation(&entry.key) {
                row.names(Node::absent(), &entry.value, found);
            }
        }
    }
}

/// Finds the references in the fields that a project declares for the kind of an object.
pub fn own_names<'a>(object: &'a Object, own: &'a [OwnReference], found: &mut dyn FnMut(ReferencedName<'a>)) {
    for reference in own.iter().filter(|reference| reference.is_of(object.group(), object.kind())) {
        fields::each(&object.node, &reference.field, &mut |beside, node| {
            if let Some(name) = node.as_str() {
                let namespace = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
                found(ReferencedName {
                    relation: Some(Relation::Uses),
                    kind: &reference.names,
                    name,
                    namespace,
                    node,
                    beside,
                });
            }
        });
    }
}

/// Finds the references in an object, including its pods, the fields that the project declares, and fields of custom
/// resources with common names.
pub fn all_names<'a>(object: &'a Object, own: &'a [OwnReference], found: &mut dyn FnMut(ReferencedName<'a>)) {
    names(&object.node, Holder::Kind(object.kind(), object.group()), found);
    own_names(object, own, found);
    for template in object.pod_templates() {
        names(template.spec, Holder::Pod, found);
        object::containers(template.spec).for_each(|container| names(container.node, Holder::Container, found));
        for entry in template.metadata["annotations"].entries() {
            if let Some(row) = custom::annotation(&entry.key) {
                row.names(Node::absent(), &entry.value, found);
            }
        }
    }
    if object.is_custom() {
        conventions::names(&object.node, found);
    }
}

/// Renames the references that [`all_names`] finds.
pub fn change_names(object: &mut Object, own: &[OwnReference], new: &mut Rename<'_>) {
    let holder = Holder::Kind(&object.id.kind, object.group());
    let mut changes: Vec<(String, &ReferenceField)> =
        rows(holder).iter().map(|row| (row.field.to_owned(), row)).collect();
    for pattern in object.pod_spec_patterns() {
        let field = |field: &str| if pattern.is_empty() { field.to_owned() } else { format!("{pattern}.{field}") };
        changes.extend(table::POD.iter().map(|row| (field(row.field), row)));
        for list in CONTAINERS {
            changes.extend(table::CONTAINER.iter().map(|row| (field(&format!("{list}[].{}", row.field)), row)));
        }
    }
    for (field, row) in changes {
        fields::rewrite(&mut object.node, &field, &mut |beside, node| row.renamed(beside, node, new));
    }
    let own: Vec<_> = own.iter().filter(|reference| reference.is_of(object.group(), object.kind())).collect();
    for reference in own {
        fields::rewrite(&mut object.node, &reference.field, &mut |beside, node| {
            let namespace = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
            new(&reference.names, namespace, node.as_str()?)
        });
    }
    let annotations = std::iter::once("metadata".to_owned()).chain(object.pod_metadata_patterns());
    for metadata in annotations.collect::<Vec<_>>() {
        let keys: Vec<EcoString> = annotated(&object.node, &metadata);
        for key in keys {
            let Some(row) = custom::annotation(&key) else { continue };
            fields::change(&mut object.node, &format!("{metadata}.annotations"), &mut |annotations| {
                if let Some(value) = annotations.get_mut(&key)
                    && let Some(renamed) = row.renamed(Node::absent(), value, new)
                {
                    value.value = renamed.into();
                }
            });
        }
    }
    if object.is_custom() {
        conventions::rename(&mut object.node, new);
    }
}

/// The keys of the annotations at a path that refer to objects.
fn annotated(node: &Node, metadata: &str) -> Vec<EcoString> {
    let mut keys = Vec::new();
    fields::each(node, &format!("{metadata}.annotations"), &mut |_, annotations| {
        let named = annotations.entries().iter().filter(|entry| custom::annotation(&entry.key).is_some());
        keys.extend(named.map(|entry| entry.key.clone()));
    });
    keys
}

/// The lists of containers in a pod spec.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

#[cfg(test)]
mod tests;
