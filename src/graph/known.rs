//! The containers of known services, with what their descriptions say put beside what the manifests say.

use std::borrow::Cow;

use crate::graph::pod::{config_path, flag_value};
use crate::graph::{Config, Container, Graph, Known, MountSource, Pod};
use crate::node::Node;
use crate::object::Object;
use crate::path::address;
use crate::service::{self, ConfigFile, Dialect, KeyType, Service};

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
}

impl<'a> Graph<'a> {
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
            Some(config) if config.tree.is_some() => service.dialects.get(config.dialect),
            _ => guess(service, container),
        };
        View { at: known.pod, pod, container, service, config, unread: known.unread, dialect }
    }
}

/// The dialect that a container's ports and probes fit best, where no config tells.
fn guess<'s>(service: &'s Service, container: &Container<'_>) -> Option<&'s Dialect> {
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
    for dialect in &service.dialects {
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

    /// The path it is told in the way it reads; `None` where it is not told.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let file = self.file()?;
        let told = file.env.as_ref().and_then(|env| self.container.var_text(env));
        told.or_else(|| file.flag.as_ref().and_then(|flag| flag_value(self.container, flag)))
            .filter(|path| !path.is_empty())
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
        self.tree().map_or(Node::absent(), |tree| service::at(tree, key))
    }

    /// The ports it listens on, each with the paths it serves there.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(i64, &'a [String])> {
        let Some(dialect) = self.dialect else { return Vec::new() };
        let port = |end: &service::Endpoint| {
            let set = end.key.as_ref().and_then(|key| self.value(key).as_i64()).filter(|port| *port > 0);
            set.unwrap_or(i64::from(end.default))
        };
        dialect.endpoints.iter().map(|end| (port(end), end.paths.as_slice())).collect()
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
