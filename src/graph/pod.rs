//! Pods as rules want to see them: containers with their variables resolved, mounts with what lies under them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::graph::data::{data_keys, data_of};
use crate::graph::variables;
use crate::node::{FEW, Node};
use crate::object::{self, ContainerRole, Object, PodTemplate};

/// Something with a pod template.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The workload, or the pod itself.
    pub object: &'a Object,
    /// The pod's metadata.
    pub metadata: &'a Node,
    /// The pod's labels.
    pub labels: &'a Node,
    /// The pod's annotations.
    pub annotations: &'a Node,
    /// The pod's spec.
    pub spec: &'a Node,
    /// Its containers, init containers first.
    pub containers: Vec<Container<'a>>,
    /// Whether it ends by itself, as a Job's.
    ends: bool,
    /// Found when a rule first asks.
    declared: OnceLock<Declared>,
    /// The number of the container that mounts each volume first, and whether others do. Found when a rule first asks.
    users: OnceLock<HashMap<EcoString, (usize, bool)>>,
}

/// The ports that the running containers of a pod declare.
#[derive(Debug, Default)]
struct Declared {
    /// The number of the container that declares each first, and whether others do.
    by_number: HashMap<i64, (usize, bool)>,
    /// The first of each name.
    by_name: HashMap<EcoString, i64>,
}

/// A container.
#[derive(Debug)]
pub struct Container<'a> {
    /// The container.
    pub node: &'a Node,
    /// Which list it stands in.
    pub role: ContainerRole,
    /// Its variables in the order they are set; a later one of the same name wins.
    pub env: Vec<EnvVar<'a>>,
    /// Whether variables come from an object that is not among the manifests.
    pub env_open: bool,
    /// Its mounts.
    pub mounts: Vec<Mount<'a>>,
    /// The numbers of the variables that count, by name, where there are more than a few.
    counting: HashMap<Cow<'a, str>, usize>,
    /// The numbers of its mounts, by where they are mounted, where there are more than a few.
    mounted: HashMap<&'a str, usize>,
}

/// A variable of a container.
#[derive(Debug, Clone)]
pub struct EnvVar<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The entry of `env`, or of `envFrom`.
    pub entry: &'a Node,
    /// The text of its value, where it is known; `$(NAME)` is not replaced.
    pub value: Option<&'a Node>,
    /// What it holds, `$(NAME)` replaced; `None` where it is not known.
    pub text: Option<Cow<'a, str>>,
    /// The object the value stands in.
    pub object: &'a Object,
    /// Whether it stands in `env` (and not in `envFrom`).
    pub own: bool,
}

/// A mount of a container.
#[derive(Debug)]
pub struct Mount<'a> {
    /// The entry of `volumeMounts`.
    pub node: &'a Node,
    /// Where it is mounted.
    pub path: &'a str,
    /// The key or folder of the volume that is mounted; empty for all of it.
    pub sub_path: &'a str,
    /// What is mounted.
    pub source: MountSource<'a>,
}

impl Mount<'_> {
    /// Whether the container may write there.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.node["readOnly"].as_bool() != Some(true) && !matches!(self.source, MountSource::Files(..))
    }
}

/// What a volume holds.
#[derive(Debug, Clone)]
pub enum MountSource<'a> {
    /// Keys of ConfigMaps and Secrets: the volume, and its parts.
    Files(&'a Node, Vec<Part<'a>>),
    /// Anything else: empty folders, disks, hosts.
    Opaque(&'a Node),
    /// No volume of that name.
    Missing,
}

/// A ConfigMap or Secret in a volume.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// `ConfigMap` or `Secret`.
    pub kind: &'static str,
    /// The name node.
    pub name: &'a Node,
    /// The object, if it is among the manifests.
    pub object: Option<&'a Object>,
    /// `items`, if it names some.
    pub items: &'a Node,
    /// The keys of more than a few items, by path.
    listed: Option<Arc<HashMap<&'a str, &'a str>>>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// What stands at a path in a container.
#[derive(Debug)]
pub enum File<'a> {
    /// No mount covers it: it stands in the image, or nowhere.
    Unmounted,
    /// A mount whose files are not known.
    Opaque,
    /// A mount of an object that is not among the manifests.
    Absent {
        /// `ConfigMap` or `Secret`.
        kind: &'static str,
        /// The name node.
        name: &'a Node,
    },
    /// A mount whose objects lack that file.
    Lacking {
        /// The mount.
        mount: &'a Node,
        /// The file the mount lacks.
        key: String,
        /// The object that is mounted.
        object: &'a Object,
    },
    /// There it is.
    Found {
        /// The object.
        object: &'a Object,
        /// The key of its data.
        key: &'a str,
        /// The text; for binary data and unreadable base64 the static null.
        node: &'a Node,
    },
}

impl<'a> Part<'a> {
    /// What a source of a volume, a ConfigMap or Secret, brings into it; its name stands in `field`.
    pub(super) fn new(kind: &'static str, source: &'a Node, field: &str, object: Option<&'a Object>) -> Self {
        Self {
            kind,
            name: &source[field],
            object,
            items: &source["items"],
            listed: listed(&source["items"]),
            optional: source["optional"].as_bool() == Some(true),
        }
    }

    /// The key of the object that stands at a path of the volume.
    fn key<'k>(&'k self, path: &'k str) -> Option<&'k str> {
        match (&self.listed, self.items.items()) {
            (_, []) => Some(path),
            (Some(listed), _) => listed.get(path).copied(),
            (None, items) => items.iter().find(|item| item["path"].text() == path).map(|item| item["key"].text()),
        }
    }
}

/// The keys that items give paths, where they are more than a few.
fn listed(items: &Node) -> Option<Arc<HashMap<&str, &str>>> {
    // Backwards, so that the first of a path stays.
    let keys = || items.items().iter().rev().map(|item| (item["path"].text(), item["key"].text()));
    (items.items().len() > FEW).then(|| Arc::new(keys().collect()))
}

impl<'a> Pod<'a> {
    /// The pod of an object, whose template that is.
    pub(super) fn new(object: &'a Object, template: PodTemplate<'a>, containers: Vec<Container<'a>>) -> Self {
        Self {
            object,
            metadata: template.metadata,
            labels: &template.metadata["labels"],
            annotations: &template.metadata["annotations"],
            spec: template.spec,
            containers,
            ends: template.ends,
            declared: OnceLock::new(),
            users: OnceLock::new(),
        }
    }

    /// Its namespace; may be empty.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        self.object.namespace()
    }

    /// Whether it runs until somebody stops it.
    #[must_use]
    pub fn is_long_running(&self) -> bool {
        let ends = matches!(self.spec["restartPolicy"].text(), "Never" | "OnFailure");
        !self.is_job() && (self.object.kind() != "Pod" || !ends)
    }

    /// Whether it is of a Job or CronJob, or of a custom resource of that kind.
    #[must_use]
    pub const fn is_job(&self) -> bool {
        self.ends
    }

    /// The containers that run beside each other.
    pub fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers
            .iter()
            .filter(|container| matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar))
    }

    fn declared(&self) -> &Declared {
        self.declared.get_or_init(|| {
            let mut declared = Declared::default();
            for (at, container) in self.running().enumerate() {
                for (port, number) in container.ports() {
                    let (first, others) = declared.by_number.entry(number).or_insert((at, false));
                    *others |= *first != at;
                    declared.by_name.entry(port["name"].text().into()).or_insert(number);
                }
            }
            declared
        })
    }

    /// Whether a running container declares a port.
    #[must_use]
    pub fn declares(&self, port: i64) -> bool {
        self.declared().by_number.contains_key(&port)
    }

    /// Whether more than one running container declares a port.
    #[must_use]
    pub fn shares(&self, port: i64) -> bool {
        self.declared().by_number.get(&port).is_some_and(|(_, others)| *others)
    }

    /// Whether a running container declares any port.
    #[must_use]
    pub fn declares_any(&self) -> bool {
        !self.declared().by_number.is_empty()
    }

    fn users(&self) -> &HashMap<EcoString, (usize, bool)> {
        self.users.get_or_init(|| {
            let mut users: HashMap<EcoString, _> = HashMap::new();
            for (at, container) in self.containers.iter().enumerate() {
                for mount in container.node["volumeMounts"].items() {
                    let (first, others) = users.entry(mount["name"].text().into()).or_insert((at, false));
                    *others |= *first != at;
                }
            }
            users
        })
    }

    /// Whether a container mounts a volume.
    #[must_use]
    pub fn mounts(&self, volume: &str) -> bool {
        self.users().contains_key(volume)
    }

    /// Whether more than one container mounts a volume.
    #[must_use]
    pub fn mounts_twice(&self, volume: &str) -> bool {
        self.users().get(volume).is_some_and(|(_, others)| *others)
    }

    /// The number of a port that a running container names.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<i64> {
        self.declared().by_name.get(name).copied()
    }

    /// How many pods there are to be.
    #[must_use]
    pub fn replicas(&self) -> i64 {
        self.object.node.at(&["spec", "replicas"]).as_i64().unwrap_or(1)
    }
}

/// The kernel takes no longer path (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

impl<'a> Container<'a> {
    /// A container with variables and mounts in their order.
    pub(super) fn new(
        container: object::Container<'a>,
        env: Vec<EnvVar<'a>>,
        env_open: bool,
        mounts: Vec<Mount<'a>>,
    ) -> Self {
        // A later one hides an earlier one, and what `env` sets stands behind what comes in.
        let (mut counting, mut mounted) = (HashMap::new(), HashMap::new());
        if env.len() > FEW {
            counting.extend(env.iter().enumerate().map(|(at, var)| (var.name.clone(), at)));
        }
        if mounts.len() > FEW {
            mounted.extend(mounts.iter().enumerate().map(|(at, mount)| (mount.path.trim_end_matches('/'), at)));
        }
        Self { node: container.node, role: container.role, env, env_open, mounts, counting, mounted }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.node["name"].text()
    }

    /// Its image.
    #[must_use]
    pub fn image(&self) -> &'a str {
        self.node["image"].text()
    }

    /// The variable of that name that counts.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&EnvVar<'a>> {
        match self.env.len() {
            0..=FEW => self.env.iter().rfind(|var| var.name == name),
            _ => self.counting.get(name).map(|at| &self.env[*at]),
        }
    }

    /// The value of a variable, `$(NAME)` replaced; `None` where it is not known.
    #[must_use]
    pub fn var_text(&self, name: &str) -> Option<String> {
        self.var(name)?.text.as_deref().map(str::to_owned)
    }

    /// A text of `env`, `args` or `command` with `$(NAME)` replaced where the variable is known.
    #[must_use]
    pub fn expand<'t>(&self, text: &'t str) -> Cow<'t, str> {
        variables::expand(text, |name| self.var(name)?.text.as_deref())
    }

    /// `command` and `args` in order.
    pub fn words(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.node["command"].items().iter().chain(self.node["args"].items())
    }

    /// The ports it declares.
    pub fn ports(&self) -> impl Iterator<Item = (&'a Node, i64)> + use<'a> {
        self.node["ports"].items().iter().filter_map(|port| Some((port, port["containerPort"].as_i64()?)))
    }

    /// The ports that its probes ask, by number or name.
    pub fn probe_ports(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let probes = ["readinessProbe", "livenessProbe", "startupProbe"].map(|probe| &self.node[probe]);
        let ports =
            probes.into_iter().flat_map(|probe| ["httpGet", "tcpSocket", "grpc"].map(|way| &probe[way]["port"]));
        ports.filter(|port| port.is_set())
    }

    /// The number of a port it names.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<i64> {
        self.ports().find(|(port, _)| port["name"].text() == name).map(|(_, number)| number)
    }

    /// The mount that covers a path: the one with the longest path. None does where the path is too long for Linux.
    #[must_use]
    pub fn mount_of(&self, path: &str) -> Option<&Mount<'a>> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let above = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
        std::iter::once(path).chain(above).find_map(|folder| match self.mounts.len() {
            0..=FEW => self.mounts.iter().rfind(|mount| mount.path.trim_end_matches('/') == folder),
            _ => self.mounted.get(folder).map(|at| &self.mounts[*at]),
        })
    }

    /// What stands at a path.
    #[must_use]
    pub fn file(&self, path: &str) -> File<'a> {
        let Some(mount) = self.mount_of(path) else { return File::Unmounted };
        let MountSource::Files(_, parts) = &mount.source else { return File::Opaque };
        let below = path[mount.path.trim_end_matches('/').len()..].trim_start_matches('/');
        let wanted = match (mount.sub_path, below) {
            ("", below) => below.to_owned(),
            (sub_path, "") => sub_path.to_owned(),
            (sub_path, below) => format!("{}/{below}", sub_path.trim_end_matches('/')),
        };
        if wanted.is_empty() {
            return File::Opaque;
        }
        let mut absent = None;
        let mut lacking = None;
        for part in parts {
            let key = part.key(&wanted);
            let Some(object) = part.object else {
                if key.is_some() {
                    absent = Some(part);
                }
                continue;
            };
            if let Some((key, node)) = key.and_then(|key| data_of(object, key)) {
                return File::Found { object, key, node };
            }
            // A Secret without data is filled by somebody else.
            if data_keys(object).next().is_none() && object.kind() == "Secret" {
                return File::Opaque;
            }
            lacking.get_or_insert(object);
        }
        match (absent, lacking) {
            (Some(part), _) if part.optional => File::Opaque,
            (Some(part), _) => File::Absent { kind: part.kind, name: part.name },
            (None, Some(object)) => File::Lacking { mount: mount.node, key: wanted, object },
            (None, None) => File::Opaque,
        }
    }

    /// Whether the container may write at a path: under a volume that takes writes. `/var/run` is a link to `/run` in most
    /// images.
    #[must_use]
    pub fn is_writable(&self, path: &str) -> bool {
        let at = |path: &str| self.mount_of(path).is_some_and(Mount::is_writable);
        let linked = match path.strip_prefix("/var/run") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(format!("/run{rest}")),
            _ => path
                .strip_prefix("/run")
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .map(|rest| format!("/var/run{rest}")),
        };
        at(path) || linked.is_some_and(|path| at(&path))
    }
}
