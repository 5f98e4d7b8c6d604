//! Which fields name other objects: one place, for giving objects new names and for looking them up.
//!
//! The tables of [`table`] are for built-in kinds, those of [`custom`] for custom resources and annotations; a project
//! adds fields of its own. [`conventions`] knows what custom resources of any kind usually call such fields.

mod conventions;
mod custom;
mod producers;
mod table;

use std::ops::Range;

use ecow::EcoString;

use crate::fields;
use crate::node::Node;
use crate::object::{self, Object};
use crate::project::OwnReference;

pub use producers::{Keys, Made, Produced};

/// How one object needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// A volume is made of it.
    Volume,
    /// A variable is read from it.
    Env,
    /// All variables are read from it.
    EnvFrom,
    /// The image is pulled with it.
    ImagePull,
    /// The pod runs as it.
    Account,
    /// The pod has its priority.
    Priority,
    /// The pod runs by it.
    Runtime,
    /// Traffic goes to it.
    Backend,
    /// Traffic is encrypted with it.
    Tls,
    /// It is scaled.
    Scale,
    /// It gives the pods their names.
    Governing,
    /// It is bound.
    Role,
    /// It is bound to.
    Subject,
    /// The API server calls it: a webhook, or an API of its own.
    Webhook,
    /// A controller reads it.
    Uses,
    /// A controller reads it, and it usually belongs to the cluster: a Gateway, a ClusterIssuer.
    Platform,
}

/// What a field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// An object of this kind.
    Named(&'static str),
    /// An object of the kind that stands beside the name as `kind`, whatever its group.
    Beside,
    /// An object of the kind that stands beside the name as `kind`, else of this one; what stands there as `group` or
    /// `apiVersion` must fit.
    Typed(&'static str),
    /// An object of a kind whose resource stands beside the list of names, in `resources`.
    Resources,
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By itself.
    Plain,
    /// By itself, or as `namespace/name`.
    Qualified,
    /// As a host: `name`, or `name.namespace.svc` with more behind it.
    Host,
    /// Several, with commas.
    List,
}

/// A field that names another object, and how that is needed; `None` where clusters often bring their own or it may
/// come later, so that nothing can be said of one that is missing. The field is a pattern as in [`fields`].
#[derive(Debug)]
struct Row {
    field: &'static str,
    target: Target,
    relation: Option<Relation>,
    form: Form,
}

const fn row(field: &'static str, target: Target, relation: Option<Relation>) -> Row {
    Row { field, target, relation, form: Form::Plain }
}

impl Row {
    const fn written(self, form: Form) -> Self {
        Self { form, ..self }
    }
}

/// The fields of a kind: its name, its group, the rows.
type OfKind = (&'static str, &'static str, &'static [Row]);

/// The kinds that references lead to, with their groups, those of Kubernetes first.
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

/// Who has the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'k> {
    /// Every pod and pod template; the path starts at its `spec`.
    Pod,
    /// Every container of a pod, whichever list it stands in.
    Container,
    /// Objects of one kind of a group, with their annotations.
    Kind(&'k str, &'k str),
}

/// The rows of a holder.
fn rows(holder: Holder<'_>) -> &'static [Row] {
    match holder {
        Holder::Pod => table::POD,
        Holder::Container => table::CONTAINER,
        Holder::Kind(kind, group) => {
            of_kind(table::KINDS, kind, group).or_else(|| of_kind(custom::KINDS, kind, group)).unwrap_or_default()
        }
    }
}

/// The rows of a kind in a table.
fn of_kind(table: &'static [OfKind], kind: &str, group: &str) -> Option<&'static [Row]> {
    let at = table.partition_point(|row| (row.0, row.1) < (kind, group));
    table.get(at).filter(|row| (row.0, row.1) == (kind, group)).map(|row| row.2)
}

/// A name of another object.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    /// How the other is needed; `None` where clusters often bring it.
    pub relation: Option<Relation>,
    /// The kind that is named.
    pub kind: &'a str,
    /// The name.
    pub name: &'a str,
    /// The namespace beside it, or before it.
    pub namespace: Option<&'a str>,
    /// The text it stands in.
    pub node: &'a Node,
    /// The mapping it stands in: what else is said of the other stands there.
    pub beside: &'a Node,
}

impl Target {
    /// The kinds that a name can stand for which stands in `beside`.
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
                // Extensions may serve another kind of that name.
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

impl Form {
    /// The names in a text, each with the namespace that stands before or behind it.
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
                // Wildcards stand for many, and what is written in capitals for what is filled in.
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

impl Row {
    /// What the row finds in a text.
    fn names<'a>(&self, beside: &'a Node, node: &'a Node, found: &mut dyn FnMut(Name<'a>)) {
        let Some(text) = node.as_str() else { return };
        let own = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        self.form.names(text, &mut |range, namespace| {
            let name = &text[range];
            let (relation, namespace) = (self.relation, namespace.or(own));
            self.target.kinds(beside, &mut |kind| found(Name { relation, kind, name, namespace, node, beside }));
        });
    }

    /// The text with new names; `None` where all of them stay.
    fn renamed(&self, beside: &Node, node: &Node, new: &mut Rename<'_>) -> Option<EcoString> {
        let text = node.as_str()?;
        let own = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        let mut changes: Vec<(Range<usize>, EcoString)> = Vec::new();
        self.form.names(text, &mut |range, namespace| {
            let mut names: Vec<EcoString> = Vec::new();
            self.target.kinds(beside, &mut |kind| names.extend(new(kind, namespace.or(own), &text[range.clone()])));
            names.dedup();
            // What stands for two objects that now have two names stays, for a person to decide.
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

/// Gives the new name of an object: its kind, the namespace that is named with it, and its name so far.
pub type Rename<'r> = dyn FnMut(&str, Option<&str>, &str) -> Option<EcoString> + 'r;

/// Finds the names of other objects in an object of a kind, in the `spec` of a pod or in a container of it.
pub fn names<'a>(node: &'a Node, holder: Holder<'_>, found: &mut dyn FnMut(Name<'a>)) {
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

/// Finds the names in the fields that a project declares for the kind of an object.
pub fn own_names<'a>(object: &'a Object, own: &'a [OwnReference], found: &mut dyn FnMut(Name<'a>)) {
    for reference in own.iter().filter(|reference| reference.is_of(object.group(), object.kind())) {
        fields::each(&object.node, &reference.field, &mut |beside, node| {
            if let Some(name) = node.as_str() {
                let namespace = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
                found(Name { relation: Some(Relation::Uses), kind: &reference.names, name, namespace, node, beside });
            }
        });
    }
}

/// Finds the names of other objects in a whole object, its pods' and those of the project's own fields included, also
/// where only the usual words for such fields tell.
pub fn all_names<'a>(object: &'a Object, own: &'a [OwnReference], found: &mut dyn FnMut(Name<'a>)) {
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

/// Gives what [`all_names`] finds new names.
pub fn change_names(object: &mut Object, own: &[OwnReference], new: &mut Rename<'_>) {
    let holder = Holder::Kind(&object.id.kind, object.group());
    let mut changes: Vec<(String, &Row)> = rows(holder).iter().map(|row| (row.field.to_owned(), row)).collect();
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

/// The annotations in some places that name objects.
fn annotated(node: &Node, metadata: &str) -> Vec<EcoString> {
    let mut keys = Vec::new();
    fields::each(node, &format!("{metadata}.annotations"), &mut |_, annotations| {
        let named = annotations.entries().iter().filter(|entry| custom::annotation(&entry.key).is_some());
        keys.extend(named.map(|entry| entry.key.clone()));
    });
    keys
}

/// The lists of a pod spec that hold containers.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

#[cfg(test)]
mod tests;
