//! The reference graph of a set of manifests, built once: who names what, who selects whom, who listens where, and
//! which hosts stand in texts.
//!
//! A namespace that is left out is the one `kubectl -n` gives. So an object without one is found from everywhere
//! as long as nothing in the very namespace has its name; see [`Graph::find`]. Of several objects of one name that of the
//! file that asks counts: files of a folder may be alternatives.

mod data;
mod image;
mod known;
mod mention;
mod migration;
mod pod;
mod pods;
mod reference;
mod services;
mod variables;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::node::Node;
use crate::object::Object;
use crate::project::OwnReference;
use crate::references::{KINDS, Made};
use crate::service::{Dialect, Service, Services};
use crate::source::FileId;
use crate::suggest;

pub(crate) use data::{data_keys, data_of, text_of};
pub use image::{image_name, image_tail};
pub use known::View;
pub(crate) use known::flag_value;
pub use mention::{Mention, Place, Target, is_declared, is_declared_object};
pub use migration::{By, Migration, scripts};
pub(crate) use migration::{mounted, sql_keys};
pub use pod::{Container, EnvVar, File, Mount, MountSource, Part, Pod};
pub use reference::Reference;
pub(crate) use services::{MOST_PODS, label_selector_matches};
pub use services::{ServiceObject, selects};
pub(crate) use variables::references;

/// What is known of a set of manifests as a whole.
#[derive(Debug)]
pub struct Graph<'a> {
    /// The objects in the order given.
    pub objects: &'a [Object],
    /// Everything with a pod template.
    pub pods: Vec<Pod<'a>>,
    /// The Services.
    pub services: Vec<ServiceObject<'a>>,
    /// Names of other objects.
    pub references: Vec<Reference<'a>>,
    /// Hosts in texts.
    pub mentions: Vec<Mention<'a>>,
    /// The containers of known services.
    pub known: Vec<Known<'a>>,
    /// Config files of known services that no container among them is known to read.
    bare_configs: Vec<Config<'a>>,
    /// What controllers make for custom resources.
    pub made: Made<'a>,
    /// The namespaces that objects stand in, and those that are made. The empty one is left out.
    pub namespaces: BTreeSet<&'a str>,
    /// The descriptions of services.
    known_services: &'a Services,
    /// What lives elsewhere: hosts as `host` or `host:port`, objects as `Kind/name`.
    externals: &'a [String],
    by_name: HashMap<(&'static str, &'a str), Vec<usize>>,
    /// By kind, namespace and name.
    by_place: HashMap<(&'static str, &'a str, &'a str), usize>,
    /// By file, kind, namespace and name.
    by_file: HashMap<(FileId, &'static str, &'a str, &'a str), usize>,
    by_kind: HashMap<&'static str, Vec<&'a str>>,
    by_namespace: HashMap<(&'static str, &'a str), Vec<&'a str>>,
    services_by_pod: Vec<Vec<usize>>,
    /// The labels, by namespace, key and value, whose pods Services may select that are not known to.
    cut_labels: HashSet<(&'a str, &'a str, &'a str)>,
    used: HashSet<usize>,
    /// By the address of the text.
    known_by_config: HashMap<usize, usize>,
    /// By namespace and name; the first of all namespaces under none.
    services_by_name: HashMap<(Option<&'a str>, &'a str), usize>,
    /// By file, namespace and name.
    services_by_file: HashMap<(FileId, &'a str, &'a str), usize>,
    /// By namespace, key and value; those of all namespaces under none.
    pods_by_label: HashMap<(Option<&'a str>, &'a str, &'a str), Vec<usize>>,
    /// Found when a rule first asks.
    migrations: OnceLock<Vec<Migration>>,
    /// Found when a rule first asks.
    by_key: OnceLock<HashMap<Holding<'a>, usize>>,
    /// By the number of the pod. Found when a rule first asks.
    mentions_by_pod: OnceLock<HashMap<usize, Vec<usize>>>,
}

/// The kind and namespace of an object with data, and a key of it; none where any will do.
type Holding<'a> = (&'static str, &'a str, Option<&'a str>);

/// A container of a known service.
#[derive(Debug)]
pub struct Known<'a> {
    /// The number of its pod in [`Graph::pods`].
    pub pod: usize,
    /// The number of its container in the pod.
    pub container: usize,
    /// The service's description.
    pub service: &'a Service,
    /// The config file it reads, where it is among the objects.
    pub config: Option<Config<'a>>,
    /// Whether it reads one that is not looked into, as all together are too large.
    pub unread: bool,
}

/// A config file of a known service that stands in a ConfigMap or Secret.
#[derive(Debug, Clone)]
pub struct Config<'a> {
    /// The service that reads it.
    pub service: &'a Service,
    /// The object it stands in.
    pub object: &'a Object,
    /// The text.
    pub node: &'a Node,
    /// The tree; the spans are offsets in the text. `None` where the text cannot be read.
    pub tree: Option<Node>,
    /// Whether the text holds nothing but that tree.
    pub alone: bool,
    /// The dialect it is written in.
    pub dialect: Option<&'a Dialect>,
    /// Whether no container of the service is known to read it: its keys or its name tell whose it is.
    pub is_bare: bool,
}

/// How many names are looked at for a suggestion.
const MOST_NAMES: usize = 300;

/// The kind of an object, if it is one the graph knows (and not a custom one of the same name).
#[must_use]
pub fn kind_of(object: &Object) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(kind, _)| *kind == object.kind())?;
    (kind.1 == object.group()).then_some(kind.0)
}

/// Whether objects of a kind stand in no namespace.
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
    /// Reads all objects once, with the descriptions of services, what lives elsewhere (hosts as `host` or `host:port`), and
    /// the fields that a project says name objects.
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
            made: Made::of(objects),
            namespaces: BTreeSet::new(),
            by_name: HashMap::with_capacity(objects.len()),
            by_place: HashMap::with_capacity(objects.len()),
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
                graph.by_place.entry((kind, object.namespace(), object.name())).or_insert(index);
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

    /// The object of a kind and name that is reached from a namespace: one of that very namespace, else one that
    /// names none. From no namespace: one that names none or `default`, else one of any namespace.
    #[must_use]
    pub fn find(&self, kind: &'static str, namespace: &str, name: &str) -> Option<&'a Object> {
        self.find_index(kind, namespace, name).map(|index| &self.objects[index])
    }

    /// The same for an object that asks from its own namespace: of several the one of its file.
    #[must_use]
    pub fn find_from(&self, from: &Object, kind: &'static str, namespace: &str, name: &str) -> Option<&'a Object> {
        let file = from.span().file;
        let beside = |namespace: &str| self.by_file.get(&(file, kind, namespace, name)).copied();
        let index = beside(namespace).or_else(|| beside("")).or_else(|| self.find_index(kind, namespace, name))?;
        Some(&self.objects[index])
    }

    fn find_index(&self, kind: &'static str, namespace: &str, name: &str) -> Option<usize> {
        let first = *self.by_name.get(&(kind, name))?.first()?;
        if is_cluster_wide(kind) {
            return Some(first);
        }
        self.reached(first, namespace, |namespace| self.by_place.get(&(kind, namespace, name)).copied())
    }

    /// What is reached from a namespace, of things of one name: the first of all, and those of single namespaces.
    fn reached(&self, first: usize, from: &str, of: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        of(from).or_else(|| match from {
            "" => Some(first),
            // `kubectl -n` may put it there.
            _ => of(""),
        })
    }

    /// Objects of a kind and name, whatever their namespace.
    pub fn elsewhere<'s>(
        &'s self,
        kind: &'static str,
        name: &'s str,
    ) -> impl Iterator<Item = &'a Object> + use<'s, 'a> {
        self.by_name.get(&(kind, name)).into_iter().flatten().map(|index| &self.objects[*index])
    }

    /// The first ConfigMap or Secret in a namespace that has a key, or any.
    pub fn holder(&self, kind: &'static str, namespace: &str, key: Option<&str>) -> Option<&'a Object> {
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

    /// The hosts in texts of a pod, by its number.
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

    /// The names of a kind that are reached from a namespace, for suggestions.
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
            .take(MOST_NAMES)
            .collect()
    }

    /// The name of a kind, reached from a namespace, that is nearest to one that leads nowhere.
    #[must_use]
    pub fn near(&self, kind: &'static str, namespace: &str, name: &str) -> Option<&'a str> {
        suggest::nearest(name, self.names(kind, namespace))
    }

    /// Whether a reference leads to that object.
    #[must_use]
    pub fn is_used(&self, object: &Object) -> bool {
        self.number(object).is_some_and(|index| self.used.contains(&index))
    }

    /// The number of an object of this set.
    #[must_use]
    pub fn number(&self, object: &Object) -> Option<usize> {
        let start = self.objects.as_ptr() as usize;
        let at = std::ptr::from_ref(object) as usize;
        let index = at.checked_sub(start)? / size_of::<Object>();
        (index < self.objects.len()).then_some(index)
    }
}

#[cfg(test)]
mod tests;
