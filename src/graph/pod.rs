//! Pods for rules: containers with resolved variables, and mounts with their sources.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::graph::data::{data_keys, data_of};
use crate::graph::variables;
use crate::node::{FEW, Node};
use crate::object::{self, ContainerRole, Object, PodTemplate};

/// A pod or the pod template of a workload.
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
    /// Whether it runs to completion, like the pods of a Job.
    ends: bool,
    /// Computed on first use.
    declared: OnceLock<DeclaredPorts>,
    /// For each volume, the index of the first container that mounts it, and whether others do. Computed on first use.
    users: OnceLock<HashMap<EcoString, (usize, bool)>>,
}

/// The ports that the running containers of a pod declare.
#[derive(Debug, Default)]
struct DeclaredPorts {
    /// For each number, the index of the first container that declares it, and whether others do.
    by_number: HashMap<i64, (usize, bool)>,
    /// The number of the first port with each name.
    by_name: HashMap<EcoString, i64>,
}

/// A container of a pod.
#[derive(Debug)]
pub struct Container<'a> {
    /// The node of the container.
    pub node: &'a Node,
    /// The role of the container.
    pub role: ContainerRole,
    /// Its variables in order; a later one overrides an earlier one with the same name.
    pub env: Vec<EnvVar<'a>>,
    /// Whether it has variables from objects that are not among the manifests.
    pub env_open: bool,
    /// Its mounts.
    pub mounts: Vec<Mount<'a>>,
    /// The indices of the effective variables by name, if there are more than a few.
    effective: HashMap<Cow<'a, str>, usize>,
    /// The indices of its mounts by mount path, if there are more than a few.
    mounted: HashMap<&'a str, usize>,
}

/// A variable of a container.
#[derive(Debug, Clone)]
pub struct EnvVar<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The entry of `env`, or of `envFrom`.
    pub entry: &'a Node,
    /// The node with its value, without expansion of `$(NAME)`, if it is known.
    pub value: Option<&'a Node>,
    /// The expanded value; `None` if it is not known.
    pub text: Option<Cow<'a, str>>,
    /// The object that contains the value.
    pub object: &'a Object,
    /// Whether it is defined in `env`, not in `envFrom`.
    pub own: bool,
}

/// A mount of a container.
#[derive(Debug)]
pub struct Mount<'a> {
    /// The entry of `volumeMounts`.
    pub node: &'a Node,
    /// The mount path.
    pub path: &'a str,
    /// The mounted key or directory of the volume; empty for the whole volume.
    pub sub_path: &'a str,
    /// The source of the volume.
    pub source: MountSource<'a>,
}

impl Mount<'_> {
    /// Whether the container may write there.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.node["readOnly"].as_bool() != Some(true) && !matches!(self.source, MountSource::Files(..))
    }
}

/// The source of a volume.
#[derive(Debug, Clone)]
pub enum MountSource<'a> {
    /// Keys of ConfigMaps and Secrets: the volume and its sources.
    Files(&'a Node, Vec<FileSource<'a>>),
    /// Any other volume: `emptyDir`, claims, `hostPath` …
    Opaque(&'a Node),
    /// There is no volume with that name.
    Missing,
}

/// A ConfigMap or Secret in a volume.
#[derive(Debug, Clone)]
pub struct FileSource<'a> {
    /// `ConfigMap` or `Secret`.
    pub kind: &'static str,
    /// The node with the name.
    pub name: &'a Node,
    /// The object, if it is among the manifests.
    pub object: Option<&'a Object>,
    /// The node of `items`.
    pub items: &'a Node,
    /// The keys of the items by path, if there are more than a few.
    key_index: Option<Arc<HashMap<&'a str, &'a str>>>,
    /// Whether it is optional.
    pub optional: bool,
}

/// The file at a path in a container.
#[derive(Debug)]
pub enum File<'a> {
    /// The path is not below a mount: the file is in the image, or does not exist.
    Unmounted,
    /// The path is below a mount whose files are not known.
    Opaque,
    /// The path is below a mount of an object that is not among the manifests.
    Absent {
        /// `ConfigMap` or `Secret`.
        kind: &'static str,
        /// The node with the name.
        name: &'a Node,
    },
    /// The path is below a mount whose objects do not contain the file.
    Lacking {
        /// The mount.
        mount: &'a Node,
        /// The missing file.
        key: String,
        /// The mounted object.
        object: &'a Object,
    },
    /// The file is a key of an object.
    Found {
        /// The object.
        object: &'a Object,
        /// The key of its data.
        key: &'a str,
        /// The file contents; the absent node for binary data and invalid base64.
        node: &'a Node,
    },
}

impl<'a> FileSource<'a> {
    /// Creates the source for a ConfigMap or Secret whose name is in `field`.
    pub(super) fn new(kind: &'static str, source: &'a Node, field: &str, object: Option<&'a Object>) -> Self {
        Self {
            kind,
            name: &source[field],
            object,
            items: &source["items"],
            key_index: key_index(&source["items"]),
            optional: source["optional"].as_bool() == Some(true),
        }
    }

    /// The key of the object at a path of the volume.
    fn key<'k>(&'k self, path: &'k str) -> Option<&'k str> {
        match (&self.key_index, self.items.items()) {
            (_, []) => Some(path),
            (Some(index), _) => index.get(path).copied(),
            (None, items) => items.iter().find(|item| item["path"].text() == path).map(|item| item["key"].text()),
        }
    }
}

/// Indexes items by path, if there are more than a few.
fn key_index(items: &Node) -> Option<Arc<HashMap<&str, &str>>> {
    // In reverse, so that the first item with a path takes precedence.
    let keys = || items.items().iter().rev().map(|item| (item["path"].text(), item["key"].text()));
    (items.items().len() > FEW).then(|| Arc::new(keys().collect()))
}

impl<'a> Pod<'a> {
    /// Creates the pod of an object from its template.
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

    /// Whether it is expected to keep running.
    #[must_use]
    pub fn is_long_running(&self) -> bool {
        let ends = matches!(self.spec["restartPolicy"].text(), "Never" | "OnFailure");
        !self.is_job() && (self.object.kind() != "Pod" || !ends)
    }

    /// Whether it belongs to a Job or CronJob, or to a similar custom resource.
    #[must_use]
    pub const fn is_job(&self) -> bool {
        self.ends
    }

    /// The main containers and sidecars.
    pub fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers
            .iter()
            .filter(|container| matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar))
    }

    fn declared(&self) -> &DeclaredPorts {
        self.declared.get_or_init(|| {
            let mut declared = DeclaredPorts::default();
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
    pub fn is_declared_twice(&self, port: i64) -> bool {
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
    pub fn is_mounted_twice(&self, volume: &str) -> bool {
        self.users().get(volume).is_some_and(|(_, others)| *others)
    }

    /// The number of a named port of a running container.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<i64> {
        self.declared().by_name.get(name).copied()
    }

    /// The desired number of pods.
    #[must_use]
    pub fn replicas(&self) -> i64 {
        self.object.node.at(&["spec", "replicas"]).as_i64().unwrap_or(1)
    }
}

/// The maximum length of a path in Linux (`PATH_MAX`).
const MAX_PATH_LENGTH: usize = 4096;

impl<'a> Container<'a> {
    /// Creates a container with variables and mounts in order.
    pub(super) fn new(
        container: object::Container<'a>,
        env: Vec<EnvVar<'a>>,
        env_open: bool,
        mounts: Vec<Mount<'a>>,
    ) -> Self {
        // A later variable overrides an earlier one; those of `env` follow those of `envFrom`.
        let (mut effective, mut mounted) = (HashMap::new(), HashMap::new());
        if env.len() > FEW {
            effective.extend(env.iter().enumerate().map(|(at, var)| (var.name.clone(), at)));
        }
        if mounts.len() > FEW {
            mounted.extend(mounts.iter().enumerate().map(|(at, mount)| (mount.path.trim_end_matches('/'), at)));
        }
        Self { node: container.node, role: container.role, env, env_open, mounts, effective, mounted }
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

    /// The effective variable with a name.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&EnvVar<'a>> {
        match self.env.len() {
            0..=FEW => self.env.iter().rfind(|var| var.name == name),
            _ => self.effective.get(name).map(|at| &self.env[*at]),
        }
    }

    /// The expanded value of a variable; `None` if it is not known.
    #[must_use]
    pub fn var_text(&self, name: &str) -> Option<String> {
        self.var(name)?.text.as_deref().map(str::to_owned)
    }

    /// Expands `$(NAME)` in a string of `env`, `args` or `command`.
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

    /// The ports of its probes, as numbers or names.
    pub fn probe_ports(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let probes = ["readinessProbe", "livenessProbe", "startupProbe"].map(|probe| &self.node[probe]);
        let ports =
            probes.into_iter().flat_map(|probe| ["httpGet", "tcpSocket", "grpc"].map(|way| &probe[way]["port"]));
        ports.filter(|port| port.is_set())
    }

    /// The number of a named port.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<i64> {
        self.ports().find(|(port, _)| port["name"].text() == name).map(|(_, number)| number)
    }

    /// The mount that contains a path: the one with the longest mount path. `None` if the path is too long for Linux.
    #[must_use]
    pub fn mount_of(&self, path: &str) -> Option<&Mount<'a>> {
        if path.len() > MAX_PATH_LENGTH {
            return None;
        }
        let above = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
        std::iter::once(path).chain(above).find_map(|folder| match self.mounts.len() {
            0..=FEW => self.mounts.iter().rfind(|mount| mount.path.trim_end_matches('/') == folder),
            _ => self.mounted.get(folder).map(|at| &self.mounts[*at]),
        })
    }

    /// The file at a path.
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
            // A Secret without data is populated by a controller.
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

    /// Whether a path is below a writable volume. `/var/run` is a symbolic link to `/run` in most images.
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
