//! The containers of known services, with what their descriptions say put beside what the manifests say.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::finding::Severity;
use crate::formats::version::Version;
use crate::graph::data::data_of;
use crate::graph::image::{image_name, image_tail};
use crate::graph::{Config, Container, File, Graph, Known, MountSource, Pod, kind_of};
use crate::node::{Node, Value};
use crate::object::{ContainerRole, Object};
use crate::path::address;
use crate::service::{self, ConfigFile, Description, Dialect, KeyType, Service, Services, Sign};
use crate::software;
use crate::source::FileId;
use crate::yaml;

/// How many bytes of config files are read for known services together: each of ten thousand containers may be given the
/// same large one. Of a container with one that is beyond, rules about known services say nothing.
const MOST_CONFIG: usize = 1 << 24;

/// A container of a known service.
#[derive(Debug, Clone, Copy)]
pub struct View<'g, 'a> {
    /// The number of its pod.
    pub at: usize,
    /// The pod.
    pub pod: &'g Pod<'a>,
    /// The container.
    pub container: &'g Container<'a>,
    /// The description.
    pub service: &'a Service,
    /// The config file it reads, where it is among the objects.
    pub config: Option<&'g Config<'a>>,
    /// Whether it reads one that is not looked into.
    unread: bool,
    /// The dialect of its config.
    pub dialect: Option<&'a Dialect>,
    services: &'a Services,
}

impl<'a> Graph<'a> {
    pub(super) fn add_known(&mut self) {
        let mut known = Vec::new();
        let mut room = MOST_CONFIG;
        // What a service reads from a text, once for all its containers: copies of trees share their parts.
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
                    known.push(Known { pod: at, container: number, service, config, unread: left.is_none() });
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

    /// Finds the config files that stand in ConfigMaps without a container that is known to read them.
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

    /// The config files of known services, each once.
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

    /// The containers of known services, but for those whose config is not looked into.
    pub fn known(&self) -> impl Iterator<Item = View<'_, 'a>> {
        self.all_known().filter(|view| !view.unread)
    }

    /// All containers of known services.
    pub(crate) fn all_known(&self) -> impl Iterator<Item = View<'_, 'a>> {
        self.known.iter().map(|known| self.view(known))
    }

    /// Those of one pod, by its number.
    pub fn known_of(&self, pod: usize) -> impl Iterator<Item = View<'_, 'a>> {
        // They stand in the order of their pods.
        let first = self.known.partition_point(|known| known.pod < pod);
        let own = self.known[first..].iter().take_while(move |known| known.pod == pod);
        own.map(|known| self.view(known))
    }

    /// The one that is the container of that number, in the pod of that number.
    pub fn known_as(&self, pod: usize, container: usize) -> Option<View<'_, 'a>> {
        let at = self.known.binary_search_by_key(&(pod, container), |known| (known.pod, known.container)).ok()?;
        Some(self.view(&self.known[at]))
    }

    /// The first that reads that text as its config.
    pub fn known_by_config(&self, text: &Node) -> Option<View<'_, 'a>> {
        let at = self.known_by_config.get(&address(text))?;
        Some(self.view(&self.known[*at]))
    }

    fn view<'g>(&'g self, known: &'g Known<'a>) -> View<'g, 'a> {
        let pod = &self.pods[known.pod];
        let container = &pod.containers[known.container];
        let service = known.service;
        let config = known.config.as_ref();
        let dialect = match config {
            Some(config) if config.tree.is_some() => config.dialect,
            _ => guess(self.known_services, service, container),
        };
        let services = self.known_services;
        View { at: known.pod, pod, container, service, config, unread: known.unread, dialect, services }
    }
}

/// The dialect that a container's ports and probes fit best, where no config tells.
fn guess<'s>(services: &Services, service: &'s Service, container: &Container<'_>) -> Option<&'s Dialect> {
    let fits = |dialect: &Dialect| {
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
        let count = fits(dialect);
        // `metrics` on 9090 is declared by everybody; it tells nothing.
        if best.is_none_or(|(_, most)| count > most + 1) {
            best = Some((dialect, count));
        }
    }
    best.map(|(dialect, _)| dialect)
}

impl<'g, 'a> View<'g, 'a> {
    /// The workload.
    #[must_use]
    pub fn object(&self) -> &'a Object {
        self.pod.object
    }

    /// Where findings about the container as a whole point.
    #[must_use]
    pub fn name_node(&self) -> &'a Node {
        &self.container.node["name"]
    }

    /// What is known of its config file.
    #[must_use]
    pub fn file(&self) -> Option<&'a ConfigFile> {
        self.service.config_file.as_ref()
    }

    /// The path it is told in the way it reads, or reads where it is not told; `None` where it reads none.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let default = self.file().filter(|file| file.default).map(|file| file.path.clone());
        self.named().or(default)
    }

    /// The path it is told in the way it reads.
    #[must_use]
    pub fn named(&self) -> Option<String> {
        let file = self.file()?;
        let told = file.env.as_ref().and_then(|env| self.container.var_text(env));
        told.or_else(|| file.flag.as_ref().and_then(|flag| flag_value(self.container, flag)))
            .filter(|path| !path.is_empty())
    }

    /// Whether it certainly reads a config file: releases differ in whether they start without the one that nothing names.
    #[must_use]
    pub fn needs_file(&self) -> bool {
        self.file().is_some_and(|file| !file.default) || self.named().is_some()
    }

    /// Where its config is looked for, told or not.
    #[must_use]
    pub fn path(&self) -> Cow<'a, str> {
        config_path(self.service, self.container)
    }

    /// The tree of its config.
    #[must_use]
    pub fn tree(&self) -> Option<&'g Node> {
        self.config.and_then(|config| config.tree.as_ref())
    }

    /// A value of its config; the static null where it is not there.
    #[must_use]
    pub fn value(&self, key: &str) -> &'g Node {
        self.config.map_or(Node::absent(), |config| config.value(key))
    }

    /// The host of something it connects to, by its config; empty where that does not say.
    #[must_use]
    pub fn host_of(&self, dependency: &service::Dependency) -> &'g str {
        match (&dependency.host_key, &dependency.address_key) {
            (Some(key), _) => self.value(key).text(),
            (None, Some(key)) => self.value(key).text().rsplit_once(':').map_or("", |(host, _)| host),
            (None, None) => "",
        }
    }

    /// The ports it listens on, each with what it serves there.
    pub fn listeners(&self) -> impl Iterator<Item = (i64, &'a service::Endpoint)> {
        let (view, version) = (*self, self.services.version_of(self.service));
        let port = move |end: &service::Endpoint| {
            let value = end.key.as_ref().map_or(Node::absent(), |key| view.value(key));
            // `:8081` and `0.0.0.0:8081` are addresses to listen on.
            let number = |text: &str| text.rsplit(':').next().and_then(|port| port.parse().ok());
            let flag = end.flag.as_ref().and_then(|flag| flag_value(view.container, flag));
            let set = flag.and_then(|text| number(&text)).or_else(|| value.as_i64()).or_else(|| number(value.text()));
            set.filter(|port| *port > 0).unwrap_or(i64::from(end.default))
        };
        let holds = move |end: &&service::Endpoint| {
            version.is_none_or(|version| version.is_within(end.since.as_ref(), end.until.as_ref()))
        };
        let endpoints = self.dialect.map_or(&[][..], |dialect| &dialect.endpoints);
        endpoints.iter().filter(holds).map(move |end| (port(end), end))
    }

    /// The ports it listens on, each with the paths it serves there.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(i64, &'a [String])> {
        self.listeners().map(|(port, end)| (port, end.paths.as_slice())).collect()
    }

    /// Whether it may listen on a port. Where its config is not in sight, the ports it declares count as well.
    #[must_use]
    pub fn listens_on(&self, port: i64) -> bool {
        self.unread
            || self.endpoints().iter().any(|(open, _)| *open == port)
            || (self.tree().is_none() && self.endpoints().is_empty())
    }

    /// Whether a path of its container is in an empty folder that nothing in the pod could fill: no other container
    /// mounts it, and the command is the image'a own.
    #[must_use]
    pub fn is_never_filled(&self, path: &str) -> bool {
        let Some(mount) = self.container.mount_of(path) else { return false };
        let MountSource::Opaque(volume) = &mount.source else { return false };
        let name = mount.node["name"].text();
        volume["emptyDir"].is_set() && self.container.node["command"].is_null() && !self.pod.mounts_twice(name)
    }

    /// The version that runs, where a person says so.
    #[must_use]
    pub fn version(&self) -> Option<&'a Version> {
        self.services.version_of(self.service)
    }

    /// The config keys of a type, with their values where they are set.
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
    /// A value of it; the static null where it is not there.
    #[must_use]
    pub fn value(&self, key: &str) -> &Node {
        self.tree.as_ref().map_or(Node::absent(), |tree| service::at(tree, key))
    }

    /// The severity of a fault that is certain where the service reads the file.
    #[must_use]
    pub fn severity(&self) -> Severity {
        if self.is_bare { Severity::Warning } else { Severity::Error }
    }

    /// Whether it has a key that only the config of its service has.
    fn has_own_key(&self) -> bool {
        self.service.recognize.config_keys.iter().any(|key| self.value(key).is_set())
    }
}

/// Whether a container is one of a service.
fn recognizes(known: &Description, pod: &Pod<'_>, container: &Container<'_>, alone: bool) -> bool {
    let tail = image_tail(container.image());
    let by_image = known.has(Sign::Image, tail);
    // A public image tells what it is, whatever the container is called.
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

/// Whether something beside a service's names, where they are common words, says that it is meant.
fn is_in_context(known: &Description, pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let mut words = known.context().peekable();
    if words.peek().is_none() {
        return true;
    }
    let labels = [&pod.object.node["metadata"]["labels"], pod.labels];
    let stands = |word: &str| {
        let is_within = |text: &str| text.contains(word);
        is_within(image_name(container.image()))
            || is_within(pod.namespace())
            || labels.iter().any(|labels| labels.entries().iter().any(|label| is_within(label.value.text())))
    };
    words.any(stands) || {
        let file = config_file(known.service(), container);
        file.is_some_and(|(_, text)| mentions_key(known, text.text()))
    }
}

/// Whether a text may hold a config key that only the service has: its last part stands in the text.
fn mentions_key(known: &Description, text: &str) -> bool {
    known.config_keys().any(|key| text.contains(key.rsplit('.').next().unwrap_or(key)))
}

/// Where a known container looks for its config: the path it is told, else the one a flag that it does not read
/// names, else the usual one.
fn config_path<'c>(service: &'c Service, container: &Container<'_>) -> Cow<'c, str> {
    let Some(file) = &service.config_file else { return Cow::Borrowed("") };
    let told = file.env.as_ref().and_then(|env| container.var_text(env));
    if let Some(path) = told.filter(|path| !path.is_empty()) {
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
    // Go's flags have one dash or two.
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

/// The file that a known container reads its config from: the object it stands in, and the text.
fn config_file<'a>(service: &Service, container: &Container<'a>) -> Option<(&'a Object, &'a Node)> {
    let path = config_path(service, container);
    match container.file(&path) {
        File::Found { object, node, .. } if node.is_set() => Some((object, node)),
        // Not at its path: the file of the usual name in whatever is mounted is still meant.
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
    let alone = loaded.documents.len() == 1;
    let tree = loaded.documents.into_iter().next().filter(|tree| !failed && matches!(tree.value, Value::Mapping(_)));
    let version = services.version_of(service);
    let dialect = match &tree {
        Some(tree) => service.dialect_of(tree, version),
        None => service.dialects_of(version).next(),
    };
    Config { service, object, node, tree, alone, dialect, is_bare: false }
}
