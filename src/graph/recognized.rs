//! The containers of known services and their config files.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::finding::Severity;
use crate::formats::version::Version;
use crate::graph::data::data_of;
use crate::graph::image::{image_name, image_tail};
use crate::graph::{Config, Container, File, Graph, MountSource, Pod, RecognizedContainer, kind_of};
use crate::node::{Node, Value};
use crate::object::{ContainerRole, Object};
use crate::path::address;
use crate::service::{self, ConfigFile, Description, Dialect, KeyType, Service, Services, Sign};
use crate::software;
use crate::source::FileId;
use crate::yaml;

/// The maximum size in bytes of all config files of known services. Rules about known services skip containers beyond
/// the limit.
const MAX_CONFIG_BYTES: usize = 1 << 24;

/// A container of a known service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceContainer<'g, 'a> {
    /// The index of its pod.
    pub at: usize,
    /// The pod.
    pub pod: &'g Pod<'a>,
    /// The container.
    pub container: &'g Container<'a>,
    /// The description of the service.
    pub service: &'a Service,
    /// The config file it reads, if it is among the objects.
    pub config: Option<&'g Config<'a>>,
    /// Whether its config file is not parsed because the limit is exceeded.
    unread: bool,
    /// The dialect of its config.
    pub dialect: Option<&'a Dialect>,
    services: &'a Services,
}

impl<'a> Graph<'a> {
    pub(super) fn add_known(&mut self) {
        let mut known = Vec::new();
        let mut room = MAX_CONFIG_BYTES;
        // Each file is parsed once for a service; clones of a tree share their nodes.
        let mut read: HashMap<(usize, *const Service), Config<'a>> = HashMap::new();
        for (at, pod) in self.pods.iter().enumerate() {
            if !pod.is_long_running() {
                continue;
            }
            let alone = pod.running().count() == 1;
            for (number, container) in pod.containers.iter().enumerate() {
                if !matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar) {
                    continue;
                }
                let mut found = self.known_services.iter().filter(|known| recognizes(known, pod, container, alone));
                if let Some(service) = found.next().map(Description::service) {
                    let file = config_file(service, container);
                    let left = room.checked_sub(file.map_or(0, |(_, text)| text.text().len()));
                    let config = file.filter(|_| left.is_some()).map(|file| {
                        let read = read.entry((address(file.1), std::ptr::from_ref(service)));
                        read.or_insert_with(|| config(self.known_services, service, file)).clone()
                    });
                    known.push(RecognizedContainer {
                        pod: at,
                        container: number,
                        service,
                        config,
                        unread: left.is_none(),
                    });
                    room = left.unwrap_or(room);
                }
            }
        }
        for (at, known) in known.iter().enumerate() {
            if let Some(config) = &known.config {
                self.known_by_config.entry(address(config.node)).or_insert(at);
            }
        }
        self.known = known;
        self.add_bare_configs(room);
    }

    /// Finds config files in ConfigMaps without a container that reads them.
    fn add_bare_configs(&mut self, mut room: usize) {
        for object in self.objects.iter().filter(|object| kind_of(object) == Some("ConfigMap")) {
            for entry in object.node["data"].entries() {
                let text = entry.value.text();
                let is_config = [".yaml", ".yml", ".json"].iter().any(|end| entry.key.ends_with(end));
                if !is_config || self.known_by_config.contains_key(&address(&entry.value)) {
                    continue;
                }
                let found = self.known_services.iter().find(|known| mentions_key(known, text));
                let Some(service) = found.map(Description::service) else { continue };
                let Some(left) = room.checked_sub(text.len()) else { return };
                room = left;
                let config = Config { is_bare: true, ..config(self.known_services, service, (object, &entry.value)) };
                if config.has_own_key() {
                    self.bare_configs.push(config);
                }
            }
        }
    }

    /// The config files of known services, without duplicates.
    pub fn configs(&self) -> impl Iterator<Item = &Config<'a>> {
        let mut seen = HashSet::new();
        let known = self.known().filter_map(|view| view.config);
        let known = known.filter(move |config| seen.insert((address(config.node), std::ptr::from_ref(config.service))));
        known.chain(&self.bare_configs)
    }

    /// The descriptions of services.
    #[must_use]
    pub fn descriptions(&self) -> &'a Services {
        self.known_services
    }

    /// The containers of known services, except those beyond the limit for config files.
    pub fn known(&self) -> impl Iterator<Item = ServiceContainer<'_, 'a>> {
        self.all_known().filter(|view| !view.unread)
    }

    /// All containers of known services.
    pub(crate) fn all_known(&self) -> impl Iterator<Item = ServiceContainer<'_, 'a>> {
        self.known.iter().map(|known| self.view(known))
    }

    /// The containers of known services in a pod, by its index.
    pub fn known_of(&self, pod: usize) -> impl Iterator<Item = ServiceContainer<'_, 'a>> {
        // They are ordered by pod.
        let first = self.known.partition_point(|known| known.pod < pod);
        let own = self.known[first..].iter().take_while(move |known| known.pod == pod);
        own.map(|known| self.view(known))
    }

    /// The container with an index in the pod with an index, if it is one of a known service.
    pub fn known_as(&self, pod: usize, container: usize) -> Option<ServiceContainer<'_, 'a>> {
        let at = self.known.binary_search_by_key(&(pod, container), |known| (known.pod, known.container)).ok()?;
        Some(self.view(&self.known[at]))
    }

    /// The first container that reads a config file.
    pub fn known_by_config(&self, text: &Node) -> Option<ServiceContainer<'_, 'a>> {
        let at = self.known_by_config.get(&address(text))?;
        Some(self.view(&self.known[*at]))
    }

    fn view<'g>(&'g self, known: &'g RecognizedContainer<'a>) -> ServiceContainer<'g, 'a> {
        let pod = &self.pods[known.pod];
        let container = &pod.containers[known.container];
        let service = known.service;
        let config = known.config.as_ref();
        let dialect = match config {
            Some(config) if config.tree.is_some() => config.dialect,
            _ => guess(self.known_services, service, container),
        };
        let services = self.known_services;
        ServiceContainer { at: known.pod, pod, container, service, config, unread: known.unread, dialect, services }
    }
}

/// The dialect that matches the ports and probes of a container best, if there is no config.
fn guess<'s>(services: &Services, service: &'s Service, container: &Container<'_>) -> Option<&'s Dialect> {
    let score = |dialect: &Dialect| {
        let ports = container
            .ports()
            .filter(|(_, port)| dialect.endpoints.iter().any(|end| i64::from(end.default) == *port))
            .count();
        let probes = ["readinessProbe", "livenessProbe", "startupProbe"]
            .iter()
            .filter(|probe| {
                let path = container.node[**probe]["httpGet"]["path"].text();
                dialect.endpoints.iter().any(|end| end.paths.iter().any(|served| served == path))
            })
            .count();
        ports + probes
    };
    let mut best: Option<(&Dialect, usize)> = None;
    for dialect in service.dialects_of(services.version_of(service)) {
        let count = score(dialect);
        // A single match is not significant: `metrics` on 9090 is common.
        if best.is_none_or(|(_, most)| count > most + 1) {
            best = Some((dialect, count));
        }
    }
    best.map(|(dialect, _)| dialect)
}

impl<'g, 'a> ServiceContainer<'g, 'a> {
    /// The workload.
    #[must_use]
    pub fn object(&self) -> &'a Object {
        self.pod.object
    }

    /// The node for findings about the container as a whole.
    #[must_use]
    pub fn name_node(&self) -> &'a Node {
        &self.container.node["name"]
    }

    /// The description of its config file.
    #[must_use]
    pub fn file(&self) -> Option<&'a ConfigFile> {
        self.service.config_file.as_ref()
    }

    /// The path of its config file, explicit or default; `None` if it reads none.
    #[must_use]
    pub fn config_path(&self) -> Option<String> {
        let default = self.file().filter(|file| file.default).map(|file| file.path.clone());
        self.explicit_config_path().or(default)
    }

    /// The path of its config file in the environment variable or flag that it reads.
    #[must_use]
    pub fn explicit_config_path(&self) -> Option<String> {
        let file = self.file()?;
        let from_env = file.env.as_ref().and_then(|env| self.container.var_text(env));
        from_env
            .or_else(|| file.flag.as_ref().and_then(|flag| flag_value(self.container, flag)))
            .filter(|path| !path.is_empty())
    }

    /// Whether it requires a config file. Some releases start without the default one.
    #[must_use]
    pub fn needs_file(&self) -> bool {
        self.file().is_some_and(|file| !file.default) || self.explicit_config_path().is_some()
    }

    /// The path at which its config file is expected.
    #[must_use]
    pub fn path(&self) -> Cow<'a, str> {
        expected_config_path(self.service, self.container)
    }

    /// The tree of its config.
    #[must_use]
    pub fn tree(&self) -> Option<&'g Node> {
        self.config.and_then(|config| config.tree.as_ref())
    }

    /// A value of its config; the absent node if it is not set.
    #[must_use]
    pub fn value(&self, key: &str) -> &'g Node {
        self.config.map_or(Node::absent(), |config| config.value(key))
    }

    /// The host of a dependency according to its config; empty if it is not set.
    #[must_use]
    pub fn host_of(&self, dependency: &service::Dependency) -> &'g str {
        match (&dependency.host_key, &dependency.address_key) {
            (Some(key), _) => self.value(key).text(),
            (None, Some(key)) => self.value(key).text().rsplit_once(':').map_or("", |(host, _)| host),
            (None, None) => "",
        }
    }

    /// The ports it listens on with their endpoints.
    pub fn listeners(&self) -> impl Iterator<Item = (i64, &'a service::Endpoint)> {
        let (view, version) = (*self, self.services.version_of(self.service));
        let port = move |end: &service::Endpoint| {
            let value = end.key.as_ref().map_or(Node::absent(), |key| view.value(key));
            // Listen addresses such as `:8081` and `0.0.0.0:8081`.
            let number = |text: &str| text.rsplit(':').next().and_then(|port| port.parse().ok());
            let flag = end.flag.as_ref().and_then(|flag| flag_value(view.container, flag));
            let set = flag.and_then(|text| number(&text)).or_else(|| value.as_i64()).or_else(|| number(value.text()));
            set.filter(|port| *port > 0).unwrap_or(i64::from(end.default))
        };
        let applies = move |end: &&service::Endpoint| {
            version.is_none_or(|version| version.is_within(end.since.as_ref(), end.until.as_ref()))
        };
        let endpoints = self.dialect.map_or(&[][..], |dialect| &dialect.endpoints);
        endpoints.iter().filter(applies).map(move |end| (port(end), end))
    }

    /// The ports it listens on with the served paths.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(i64, &'a [String])> {
        self.listeners().map(|(port, end)| (port, end.paths.as_slice())).collect()
    }

    /// Whether it may listen on a port; true if its config and its ports are not known.
    #[must_use]
    pub fn listens_on(&self, port: i64) -> bool {
        self.unread
            || self.endpoints().iter().any(|(open, _)| *open == port)
            || (self.tree().is_none() && self.endpoints().is_empty())
    }

    /// Whether a path is in an `emptyDir` that nothing fills: no other container mounts it, and the container runs the
    /// command of its image.
    #[must_use]
    pub fn is_never_filled(&self, path: &str) -> bool {
        let Some(mount) = self.container.mount_of(path) else { return false };
        let MountSource::Opaque(volume) = &mount.source else { return false };
        let name = mount.node["name"].text();
        volume["emptyDir"].is_set() && self.container.node["command"].is_null() && !self.pod.is_mounted_twice(name)
    }

    /// The configured version of the service.
    #[must_use]
    pub fn version(&self) -> Option<&'a Version> {
        self.services.version_of(self.service)
    }

    /// The config keys of a type with their values.
    pub fn keys(&self, kind: KeyType) -> impl Iterator<Item = (&'a str, &'g Node)> {
        let view = *self;
        self.dialect
            .into_iter()
            .flat_map(|dialect| &dialect.config)
            .filter(move |(_, key)| key.kind == kind)
            .map(move |(path, _)| (path.as_str(), view.value(path)))
    }
}

impl<'a> Config<'a> {
    /// A value of the config; the absent node if it is not set.
    #[must_use]
    pub fn value(&self, key: &str) -> &Node {
        self.tree.as_ref().map_or(Node::absent(), |tree| service::at(tree, key))
    }

    /// The severity of an error in the config, given that the service may not read it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        if self.is_bare { Severity::Warning } else { Severity::Error }
    }

    /// Whether it has a key that only the config of its service has.
    fn has_own_key(&self) -> bool {
        self.service.recognize.config_keys.iter().any(|key| self.value(key).is_set())
    }
}

/// Whether a container is recognized as one of a service.
fn recognizes(known: &Description, pod: &Pod<'_>, container: &Container<'_>, alone: bool) -> bool {
    let tail = image_tail(container.image());
    let by_image = known.has(Sign::Image, tail);
    // A known public image takes precedence over the name of the container.
    let by_name =
        || known.has(Sign::Container, container.name()) || (alone && known.has(Sign::Workload, pod.object.name()));
    let by_path = || {
        let (variable, flag) = known.named_by();
        let path = variable.and_then(|name| container.var_text(name));
        let path = path.or_else(|| flag.and_then(|flag| flag_value(container, flag)));
        path.is_some_and(|path| known.has_path(&path))
    };
    (by_image || !software::is_known(container.image()) && (by_name() || by_path()))
        && is_in_context(known, pod, container)
}

/// Whether the required context of a service with a common name is present.
fn is_in_context(known: &Description, pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let mut words = known.context().peekable();
    if words.peek().is_none() {
        return true;
    }
    let labels = [&pod.object.node["metadata"]["labels"], pod.labels];
    let is_present = |word: &str| {
        let is_within = |text: &str| text.contains(word);
        is_within(image_name(container.image()))
            || is_within(pod.namespace())
            || labels.iter().any(|labels| labels.entries().iter().any(|label| is_within(label.value.text())))
    };
    words.any(is_present) || {
        let file = config_file(known.service(), container);
        file.is_some_and(|(_, text)| mentions_key(known, text.text()))
    }
}

/// Whether a file may contain a config key that only the service has: it contains the last segment of the key.
fn mentions_key(known: &Description, text: &str) -> bool {
    known.config_keys().any(|key| text.contains(key.rsplit('.').next().unwrap_or(key)))
}

/// The path at which a container is expected to read its config: the explicit path, else the one in a flag that it
/// ignores, else the usual one.
fn expected_config_path<'c>(service: &'c Service, container: &Container<'_>) -> Cow<'c, str> {
    let Some(file) = &service.config_file else { return Cow::Borrowed("") };
    let from_env = file.env.as_ref().and_then(|env| container.var_text(env));
    if let Some(path) = from_env.filter(|path| !path.is_empty()) {
        return path.into();
    }
    let flags = file.flag.iter().chain(&file.ignored_flags);
    for flag in flags {
        if let Some(path) = flag_value(container, flag) {
            return path.into();
        }
    }
    Cow::Borrowed(&file.path)
}

/// The value of a flag: `--flag=value` or `--flag value`.
pub(crate) fn flag_value(container: &Container<'_>, flag: &str) -> Option<String> {
    // Flags of Go programs may have one dash or two.
    let flag = flag.trim_start_matches('-');
    let words: Vec<&str> = container.words().map(Node::text).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix('-')?.trim_start_matches('-').strip_prefix(flag)?;
        if let Some(value) = rest.strip_prefix('=') {
            return Some(container.expand(value).into_owned());
        }
        rest.is_empty().then(|| words.get(at + 1).map(|next| container.expand(next).into_owned()))?
    })
}

/// The config file that a container reads: the object that contains it, and the node with its contents.
fn config_file<'a>(service: &Service, container: &Container<'a>) -> Option<(&'a Object, &'a Node)> {
    let path = expected_config_path(service, container);
    match container.file(&path) {
        File::Found { object, node, .. } if node.is_set() => Some((object, node)),
        // Not at the expected path: use a mounted file with the usual name.
        File::Unmounted | File::Lacking { .. } => container.mounts.iter().find_map(|mount| match &mount.source {
            MountSource::Files(_, parts) => parts.iter().find_map(|part| {
                let (_, node) = data_of(part.object?, service.config_key())?;
                node.is_set().then_some((part.object?, node))
            }),
            _ => None,
        }),
        _ => None,
    }
}

fn config<'a>(services: &Services, service: &'a Service, (object, node): (&'a Object, &'a Node)) -> Config<'a> {
    let loaded = yaml::load_text(node.text(), FileId(u32::MAX - 1), yaml::Dialect::Kubectl);
    let failed = !loaded.is_readable_by_all();
    let is_single_document = loaded.documents.len() == 1;
    let tree = loaded.documents.into_iter().next().filter(|tree| !failed && matches!(tree.value, Value::Mapping(_)));
    let version = services.version_of(service);
    let dialect = match &tree {
        Some(tree) => service.dialect_of(tree, version),
        None => service.dialects_of(version).next(),
    };
    Config { service, object, node, tree, is_single_document, dialect, is_bare: false }
}
