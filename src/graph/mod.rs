//! The reference graph of a set of manifests: references between objects, selected pods, ports, and hosts in strings.
//!
//! An object without a namespace may be applied to any namespace with `kubectl -n`, so it is found from all namespaces
//! unless one of them has an object with the same name; see [`Graph::find`]. If several objects have the same name, the
//! one in the same file takes precedence, since the files of a directory may be alternatives.

mod data;
mod image;
mod mention;
mod migration;
mod pod;
mod pods;
mod recognized;
mod reference;
mod services;
mod variables;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::node::Node;
use crate::object::Object;
use crate::project::OwnReference;
use crate::references::{CreatedObjects, KINDS};
use crate::service::{Dialect, Service, Services};
use crate::source::FileId;
use crate::suggest;

pub(crate) use data::{data_keys, data_of, text_of};
pub use image::{image_name, image_tail};
pub use mention::{Mention, MentionLocation, Target, is_declared, is_declared_object};
pub use migration::{Migration, MigrationKind, scripts};
pub(crate) use migration::{mounted, sql_keys};
pub use pod::{Container, EnvVar, File, FileSource, Mount, MountSource, Pod};
pub use recognized::ServiceContainer;
pub(crate) use recognized::flag_value;
pub use reference::Reference;
pub(crate) use services::{MAX_PODS, label_selector_matches};
pub use services::{ServiceObject, selects};
pub(crate) use variables::references;

/// The reference graph of a set of manifests.
#[derive(Debug)]
pub struct Graph<'a> {
    /// The objects in their original order.
    pub objects: &'a [Object],
    /// The pods and pod templates.
    pub pods: Vec<Pod<'a>>,
    /// The Services.
    pub services: Vec<ServiceObject<'a>>,
    /// References to other objects by name.
    pub references: Vec<Reference<'a>>,
    /// Hosts in strings.
    pub mentions: Vec<Mention<'a>>,
    /// The containers of known services.
    pub known: Vec<RecognizedContainer<'a>>,
    /// Config files of known services without a container that reads them.
    bare_configs: Vec<Config<'a>>,
    /// The objects that controllers create for custom resources.
    pub created: CreatedObjects<'a>,
    /// The namespaces of the objects and the Namespace objects, without the empty one.
    pub namespaces: BTreeSet<&'a str>,
    /// The descriptions of services.
    known_services: &'a Services,
    /// External hosts as `host` or `host:port`, and existing objects as `Kind/name`.
    externals: &'a [String],
    by_name: HashMap<(&'static str, &'a str), Vec<usize>>,
    /// By kind, namespace and name.
    by_namespaced_name: HashMap<(&'static str, &'a str, &'a str), usize>,
    /// By file, kind, namespace and name.
    by_file: HashMap<(FileId, &'static str, &'a str, &'a str), usize>,
    by_kind: HashMap<&'static str, Vec<&'a str>>,
    by_namespace: HashMap<(&'static str, &'a str), Vec<&'a str>>,
    services_by_pod: Vec<Vec<usize>>,
    /// The labels (namespace, key, value) with pods that Services may select beyond the limit.
    cut_labels: HashSet<(&'a str, &'a str, &'a str)>,
    used: HashSet<usize>,
    /// The index of the first container that reads a config file, by the address of its node.
    known_by_config: HashMap<usize, usize>,
    /// By namespace and name; `None` holds the first in any namespace.
    services_by_name: HashMap<(Option<&'a str>, &'a str), usize>,
    /// By file, namespace and name.
    services_by_file: HashMap<(FileId, &'a str, &'a str), usize>,
    /// By namespace, key and value; `None` holds those of all namespaces.
    pods_by_label: HashMap<(Option<&'a str>, &'a str, &'a str), Vec<usize>>,
    /// Computed on first use.
    migrations: OnceLock<Vec<Migration>>,
    /// Computed on first use.
    by_key: OnceLock<HashMap<DataKey<'a>, usize>>,
    /// By the index of the pod. Computed on first use.
    mentions_by_pod: OnceLock<HashMap<usize, Vec<usize>>>,
}

/// The kind and namespace of an object with data, and a key; `None` for any key.
type DataKey<'a> = (&'static str, &'a str, Option<&'a str>);

/// A container of a known service.
#[derive(Debug)]
pub struct RecognizedContainer<'a> {
    /// The index of its pod in [`Graph::pods`].
    pub pod: usize,
    /// The index of the container in the pod.
    pub container: usize,
    /// The description of the service.
    pub service: &'a Service,
    /// The config file it reads, if it is among the objects.
    pub config: Option<Config<'a>>,
    /// Whether its config file is not parsed because the limit of all config files is exceeded.
    pub unread: bool,
}

/// A config file of a known service in a ConfigMap or Secret.
#[derive(Debug, Clone)]
pub struct Config<'a> {
    /// The service that reads it.
    pub service: &'a Service,
    /// The ConfigMap or Secret.
    pub object: &'a Object,
    /// The file contents.
    pub node: &'a Node,
    /// The parsed tree, whose spans are offsets in the file contents; `None` if they cannot be parsed.
    pub tree: Option<Node>,
    /// Whether the file contains a single document.
    pub is_single_document: bool,
    /// The dialect it is written in.
    pub dialect: Option<&'a Dialect>,
    /// Whether no container that reads it was found, so that the service was recognized by the keys.
    pub is_bare: bool,
}

/// The maximum number of names considered for a suggestion.
const MAX_NAMES: usize = 300;

/// The kind of an object, if the graph supports it; `None` for a custom resource with the same kind.
#[must_use]
pub fn kind_of(object: &Object) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(kind, _)| *kind == object.kind())?;
    (kind.1 == object.group()).then_some(kind.0)
}

/// Whether a kind is cluster-scoped.
#[must_use]
pub fn is_cluster_wide(kind: &str) -> bool {
    matches!(
        kind,
        "Namespace"
            | "PersistentVolume"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "PriorityClass"
            | "StorageClass"
            | "RuntimeClass"
            | "APIService"
            | "CustomResourceDefinition"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "ClusterIssuer"
            | "ClusterSecretStore"
            | "ClusterTriggerAuthentication"
    )
}

impl<'a> Graph<'a> {
    /// Builds the graph. `known_services` are the descriptions of services, `externals` are external hosts and existing
    /// objects, and `own` are the references declared by the project.
    #[must_use]
    pub fn build(
        objects: &'a [Object],
        known_services: &'a Services,
        externals: &'a [String],
        own: &'a [OwnReference],
    ) -> Self {
        let mut graph = Self {
            objects,
            known_services,
            externals,
            pods: Vec::new(),
            services: Vec::new(),
            references: Vec::new(),
            mentions: Vec::new(),
            known: Vec::new(),
            bare_configs: Vec::new(),
            created: CreatedObjects::of(objects),
            namespaces: BTreeSet::new(),
            by_name: HashMap::with_capacity(objects.len()),
            by_namespaced_name: HashMap::with_capacity(objects.len()),
            by_file: HashMap::with_capacity(objects.len()),
            by_kind: HashMap::new(),
            by_namespace: HashMap::new(),
            services_by_pod: Vec::new(),
            cut_labels: HashSet::new(),
            used: HashSet::new(),
            known_by_config: HashMap::new(),
            services_by_name: HashMap::new(),
            services_by_file: HashMap::new(),
            pods_by_label: HashMap::new(),
            migrations: OnceLock::new(),
            by_key: OnceLock::new(),
            mentions_by_pod: OnceLock::new(),
        };
        for (index, object) in objects.iter().enumerate() {
            let kind = kind_of(object);
            if let Some(kind) = kind {
                graph.by_name.entry((kind, object.name())).or_default().push(index);
                graph.by_namespaced_name.entry((kind, object.namespace(), object.name())).or_insert(index);
                let file = object.span().file;
                graph.by_file.entry((file, kind, object.namespace(), object.name())).or_insert(index);
                graph.by_kind.entry(kind).or_default().push(object.name());
                graph.by_namespace.entry((kind, object.namespace())).or_default().push(object.name());
            }
            let namespace = if kind == Some("Namespace") { object.name() } else { object.namespace() };
            if !namespace.is_empty() {
                graph.namespaces.insert(namespace);
            }
        }
        graph.add_services();
        graph.add_pods();
        graph.connect_services();
        graph.add_references(own);
        graph.add_known();
        graph.add_mentions();
        graph
    }

    /// The object with a kind and name as seen from a namespace: in that namespace, else without a namespace. From the
    /// empty namespace: without a namespace or in `default`, else in any namespace.
    #[must_use]
    pub fn find(&self, kind: &'static str, namespace: &str, name: &str) -> Option<&'a Object> {
        self.find_index(kind, namespace, name).map(|index| &self.objects[index])
    }

    /// Like [`Graph::find`], but objects in the same file as `from` take precedence.
    #[must_use]
    pub fn find_from(&self, from: &Object, kind: &'static str, namespace: &str, name: &str) -> Option<&'a Object> {
        let file = from.span().file;
        let in_file = |namespace: &str| self.by_file.get(&(file, kind, namespace, name)).copied();
        let index = in_file(namespace).or_else(|| in_file("")).or_else(|| self.find_index(kind, namespace, name))?;
        Some(&self.objects[index])
    }

    fn find_index(&self, kind: &'static str, namespace: &str, name: &str) -> Option<usize> {
        let first = *self.by_name.get(&(kind, name))?.first()?;
        if is_cluster_wide(kind) {
            return Some(first);
        }
        self.visible_from(first, namespace, |namespace| self.by_namespaced_name.get(&(kind, namespace, name)).copied())
    }

    /// Selects among objects with the same name the one seen from a namespace. `first` is the first in any namespace.
    fn visible_from(&self, first: usize, from: &str, of: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        of(from).or_else(|| match from {
            "" => Some(first),
            // It may be applied to that namespace with `kubectl -n`.
            _ => of(""),
        })
    }

    /// The objects with a kind and name in any namespace.
    pub fn in_any_namespace<'s>(
        &'s self,
        kind: &'static str,
        name: &'s str,
    ) -> impl Iterator<Item = &'a Object> + use<'s, 'a> {
        self.by_name.get(&(kind, name)).into_iter().flatten().map(|index| &self.objects[*index])
    }

    /// The first ConfigMap or Secret in a namespace with a key, or with any key.
    pub fn object_with_key(&self, kind: &'static str, namespace: &str, key: Option<&str>) -> Option<&'a Object> {
        let by_key = self.by_key.get_or_init(|| {
            let mut by_key = HashMap::new();
            for (at, object) in self.objects.iter().enumerate() {
                let Some(kind @ ("ConfigMap" | "Secret")) = kind_of(object) else { continue };
                let mut keys = data_keys(object).peekable();
                if keys.peek().is_some() {
                    by_key.entry((kind, object.namespace(), None)).or_insert(at);
                }
                keys.for_each(|key| _ = by_key.entry((kind, object.namespace(), Some(key))).or_insert(at));
            }
            by_key
        });
        by_key.get(&(kind, namespace, key)).map(|at| &self.objects[*at])
    }

    /// The hosts in strings of a pod, by its index.
    pub fn mentions_of(&self, pod: usize) -> impl Iterator<Item = &Mention<'a>> {
        let by_pod = self.mentions_by_pod.get_or_init(|| {
            let mut by_pod: HashMap<usize, Vec<usize>> = HashMap::new();
            for (at, mention) in self.mentions.iter().enumerate() {
                if let Some(pod) = mention.pod {
                    by_pod.entry(pod).or_default().push(at);
                }
            }
            by_pod
        });
        by_pod.get(&pod).into_iter().flatten().map(|at| &self.mentions[*at])
    }

    /// The names of objects of a kind that are seen from a namespace, for suggestions.
    pub fn names(&self, kind: &'static str, namespace: &str) -> Vec<&'a str> {
        let wide = is_cluster_wide(kind) || namespace.is_empty();
        let own = if wide { None } else { self.by_namespace.get(&(kind, namespace)) };
        let without = self.by_namespace.get(&(kind, "")).filter(|_| !wide);
        let all = self.by_kind.get(kind).filter(|_| wide);
        own.into_iter()
            .chain(without)
            .chain(all)
            .flatten()
            .copied()
            .filter(|name| !name.is_empty())
            .take(MAX_NAMES)
            .collect()
    }

    /// The most similar name of an object of a kind that is seen from a namespace.
    #[must_use]
    pub fn nearest_name(&self, kind: &'static str, namespace: &str, name: &str) -> Option<&'a str> {
        suggest::nearest(name, self.names(kind, namespace))
    }

    /// Whether the object is referenced.
    #[must_use]
    pub fn is_used(&self, object: &Object) -> bool {
        self.index_of(object).is_some_and(|index| self.used.contains(&index))
    }

    /// The index of an object in this graph.
    #[must_use]
    pub fn index_of(&self, object: &Object) -> Option<usize> {
        let start = self.objects.as_ptr() as usize;
        let at = std::ptr::from_ref(object) as usize;
        let index = at.checked_sub(start)? / size_of::<Object>();
        (index < self.objects.len()).then_some(index)
    }
}

#[cfg(test)]
mod tests;
