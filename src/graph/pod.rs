//! Pods as rules want to see them: containers with their variables resolved, mounts with what lies under them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::graph::{Config, Graph, Known};
use crate::kube::decode_base64;
use crate::node::{Entry, FEW, Node, Value};
use crate::object::{self, ContainerRole, Object};
use crate::path::address;
use crate::service::Service;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// Something with a pod template.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The workload, or the pod itself.
    pub object: &'a Object,
    /// The pod's labels.
    pub labels: &'a Node,
    /// The pod's annotations.
    pub annotations: &'a Node,
    /// The pod's spec.
    pub spec: &'a Node,
    /// Its containers, init containers first.
    pub containers: Vec<Container<'a>>,
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

    /// Whether it is a Job or CronJob.
    #[must_use]
    pub fn is_job(&self) -> bool {
        matches!(self.object.kind(), "Job" | "CronJob")
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

    /// Whether more than one container mounts a volume.
    #[must_use]
    pub fn mounts_twice(&self, volume: &str) -> bool {
        let users = self.users.get_or_init(|| {
            let mut users: HashMap<EcoString, _> = HashMap::new();
            for (at, container) in self.containers.iter().enumerate() {
                for mount in container.node["volumeMounts"].items() {
                    let (first, others) = users.entry(mount["name"].text().into()).or_insert((at, false));
                    *others |= *first != at;
                }
            }
            users
        });
        users.get(volume).is_some_and(|(_, others)| *others)
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

/// How many bytes come in by `envFrom` to all containers together, each variable counted with what it costs to keep.
/// What is beyond is not known, as if it stood in objects that are not here.
const MOST_INHERITED: usize = 1 << 25;

/// What a variable costs beside its text.
const INHERITED: usize = 16;

/// How many bytes of config files are read for known services together: each of ten thousand containers may be given the
/// same large one. Of a container with one that is beyond, rules about known services say nothing.
const MOST_CONFIG: usize = 1 << 24;

/// How many sources of a projected volume are known; one with more is taken for something else.
const MOST_SOURCES: usize = 32;

/// How many bytes may come in for `$(NAME)` in a text, or in all variables of a container: what names what names others
/// grows without bound.
const MOST_REPLACED: usize = 1 << 14;

/// A text with `$(NAME)` replaced where the variable is known; `room` says how many bytes may still come in, and is gone
/// where one was too long.
fn expand<'t, 'v>(text: &'t str, room: &mut Option<usize>, value: impl Fn(&str) -> Option<&'v str>) -> Cow<'t, str> {
    if !text.as_bytes().contains(&b'$') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        if let Some(inner) = tail.strip_prefix("$(") {
            rest = tail;
            let Some((name, after)) = inner.split_once(')') else { break };
            match (value(name), room.as_mut()) {
                (Some(value), Some(left)) if value.len() <= *left => {
                    *left -= value.len();
                    out.push_str(value);
                }
                // As the kubelet leaves what is not known, whatever stands between the brackets.
                (value, _) => {
                    out.push_str(&tail[..tail.len() - after.len()]);
                    if value.is_some() {
                        *room = None;
                    }
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = tail.strip_prefix("$$").unwrap_or(&tail[1..]);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What variables hold. Only what is written in `env` itself is expanded, by what stands before it: a Secret's or a
/// ConfigMap's text stays as it is.
fn texts<'a>(env: &[EnvVar<'a>]) -> Vec<Option<Cow<'a, str>>> {
    let mut texts: Vec<Option<Cow<'a, str>>> = Vec::with_capacity(env.len());
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(env.len());
    let mut room = Some(MOST_REPLACED);
    for (at, var) in env.iter().enumerate() {
        let text = var.value.and_then(Node::as_str).map(|text| match var.entry["value"].is_null() {
            true => Cow::Borrowed(text),
            false => expand(text, &mut room, |name| texts[*known.get(name)?].as_deref()),
        });
        // Once something was too long, nobody knows what was made from it.
        texts.push(text.filter(|text| room.is_some() || matches!(text, Cow::Borrowed(_))));
        known.insert(&var.name, at);
    }
    texts
}

impl<'a> Container<'a> {
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
        let mut room = Some(MOST_REPLACED);
        expand(text, &mut room, |name| self.var(name)?.text.as_deref())
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

    /// Whether the container may write at a path: under a volume that takes writes.
    #[must_use]
    pub fn is_writable(&self, path: &str) -> bool {
        self.mount_of(path).is_some_and(|mount| {
            mount.node["readOnly"].as_bool() != Some(true) && !matches!(mount.source, MountSource::Files(..))
        })
    }
}

/// The keys of a ConfigMap's or Secret's data.
pub(crate) fn data_keys(object: &Object) -> impl Iterator<Item = &str> {
    ["data", "stringData", "binaryData"]
        .into_iter()
        .flat_map(|field| object.node[field].entries())
        .map(|entry| entry.key.as_str())
}

/// A key of a ConfigMap's or Secret's data. `stringData` wins over `data`.
pub(crate) fn data_of<'a>(object: &'a Object, key: &str) -> Option<(&'a str, &'a Node)> {
    DATA_FIELDS.into_iter().find_map(|field| {
        let Value::Mapping(mapping) = &object.node[field].value else { return None };
        mapping.entry(key).map(|entry| (entry.key.as_str(), datum(object, field, entry)))
    })
}

/// The fields with the data of a ConfigMap or Secret; an earlier one wins over a later one.
const DATA_FIELDS: [&str; 3] = ["stringData", "data", "binaryData"];

/// What is known of an entry of a field of data: nothing of what is encoded.
fn datum<'a>(object: &Object, field: &str, entry: &'a Entry) -> &'a Node {
    let encoded = field == "binaryData" || (field == "data" && object.kind() == "Secret");
    if encoded { Node::absent() } else { &entry.value }
}

/// The text of a key of a Secret or ConfigMap, base64 decoded.
#[must_use]
pub(crate) fn text_of<'a>(object: &'a Object, key: &str) -> Option<Cow<'a, str>> {
    let (_, node) = data_of(object, key)?;
    if let Some(text) = node.as_str() {
        return Some(Cow::Borrowed(text));
    }
    let encoded = object.node["data"].get(key)?.as_str()?;
    String::from_utf8(decode_base64(encoded)?).ok().map(Cow::Owned)
}

/// The repository of an image, without tag and digest.
#[must_use]
pub fn image_name(image: &str) -> &str {
    let image = image.trim();
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rfind(':') {
        Some(at) if !image[at..].contains('/') => &image[..at],
        _ => image,
    }
}

/// The last part of an image's repository: `postgres` for `docker.io/library/postgres:16`.
#[must_use]
pub fn image_tail(image: &str) -> &str {
    let name = image_name(image);
    name.rsplit('/').next().unwrap_or(name)
}

impl<'a> Graph<'a> {
    pub(super) fn add_pods(&mut self) {
        let mut room = MOST_INHERITED;
        for (index, object) in self.objects.iter().enumerate() {
            let Some(template) = object.pod_template() else { continue };
            let spec = &template["spec"];
            let volumes = self.volumes(object, spec);
            let containers = object::containers(spec)
                .map(|container| self.container(object, container, &volumes, &mut room))
                .collect();
            let pod = Pod {
                object,
                labels: &template["metadata"]["labels"],
                annotations: &template["metadata"]["annotations"],
                spec,
                containers,
                declared: OnceLock::new(),
                users: OnceLock::new(),
            };
            // Pods of Jobs are selected as well; the rules tell them apart.
            for entry in pod.labels.entries() {
                for namespace in [None, Some(pod.namespace())] {
                    let label = (namespace, entry.key.as_str(), entry.value.text());
                    self.pods_by_label.entry(label).or_default().push(self.pods.len());
                }
            }
            self.pods_by_object.insert(index, self.pods.len());
            self.pods.push(pod);
        }
    }

    fn volumes(&self, object: &'a Object, spec: &'a Node) -> HashMap<&'a str, MountSource<'a>> {
        let mut volumes = HashMap::new();
        for volume in spec["volumes"].items() {
            let part = |kind, source: &'a Node, field: &str| Part {
                kind,
                name: &source[field],
                object: self.find(kind, object.namespace(), source[field].text()),
                items: &source["items"],
                listed: listed(&source["items"]),
                optional: source["optional"].as_bool() == Some(true),
            };
            let source = if volume["configMap"].is_set() {
                MountSource::Files(volume, vec![part("ConfigMap", &volume["configMap"], "name")])
            } else if volume["secret"].is_set() {
                MountSource::Files(volume, vec![part("Secret", &volume["secret"], "secretName")])
            } else if volume["projected"].is_set() {
                let sources = volume["projected"]["sources"].items();
                let files = |source: &&Node| source["configMap"].is_set() || source["secret"].is_set();
                if sources.len() <= MOST_SOURCES && sources.iter().all(|source| files(&source)) {
                    let parts = sources.iter().map(|source| {
                        if source["configMap"].is_set() {
                            part("ConfigMap", &source["configMap"], "name")
                        } else {
                            part("Secret", &source["secret"], "name")
                        }
                    });
                    MountSource::Files(volume, parts.collect())
                } else {
                    MountSource::Opaque(volume)
                }
            } else {
                MountSource::Opaque(volume)
            };
            volumes.insert(volume["name"].text(), source);
        }
        for claim in object.node.at(&["spec", "volumeClaimTemplates"]).items() {
            volumes.insert(claim.at(&["metadata", "name"]).text(), MountSource::Opaque(claim));
        }
        volumes
    }

    fn container(
        &self,
        object: &'a Object,
        container: object::Container<'a>,
        volumes: &HashMap<&'a str, MountSource<'a>>,
        room: &mut usize,
    ) -> Container<'a> {
        let node = container.node;
        let namespace = object.namespace();
        let (mut env, mut env_open, mut cut) = (Vec::new(), false, false);
        for entry in node["envFrom"].items() {
            let prefix = entry["prefix"].text();
            for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                if entry[field].is_null() {
                    continue;
                }
                let Some(source) = self.find(kind, namespace, entry[field]["name"].text()) else {
                    env_open = true;
                    continue;
                };
                env_open |= data_keys(source).next().is_none();
                for key in data_keys(source) {
                    let value = data_of(source, key).map(|(_, node)| node).filter(|node| node.is_set());
                    let cost = INHERITED + key.len() + value.map_or(0, |value| value.text().len());
                    let Some(left) = room.checked_sub(cost) else {
                        cut = true;
                        break;
                    };
                    *room = left;
                    let name = if prefix.is_empty() { Cow::Borrowed(key) } else { format!("{prefix}{key}").into() };
                    env.push(EnvVar { name, entry, value, text: None, object: source, own: false });
                }
            }
        }
        if cut {
            // Of one name the last counts, and nobody knows which it is.
            env.clear();
            env_open = true;
        }
        for entry in node["env"].items() {
            let from = &entry["valueFrom"];
            let (name, value) = (entry["name"].text().into(), entry.get("value"));
            let mut var = EnvVar { name, entry, value, text: None, object, own: true };
            for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                if from[field].is_set()
                    && let Some(source) = self.find(kind, namespace, from[field]["name"].text())
                    && let Some((_, value)) = data_of(source, from[field]["key"].text())
                {
                    var.value = Some(value).filter(|value| value.is_set());
                    var.object = source;
                }
            }
            env.push(var);
        }
        let texts = texts(&env);
        env.iter_mut().zip(texts).for_each(|(var, text)| var.text = text);
        let mounts = node["volumeMounts"].items().iter().map(|mount| Mount {
            node: mount,
            path: mount["mountPath"].text(),
            sub_path: mount["subPath"].text(),
            source: volumes.get(mount["name"].text()).cloned().unwrap_or(MountSource::Missing),
        });
        let mounts: Vec<Mount<'a>> = mounts.collect();
        // A later one hides an earlier one, and what `env` sets stands behind what comes in.
        let (mut counting, mut mounted) = (HashMap::new(), HashMap::new());
        if env.len() > FEW {
            counting.extend(env.iter().enumerate().map(|(at, var)| (var.name.clone(), at)));
        }
        if mounts.len() > FEW {
            mounted.extend(mounts.iter().enumerate().map(|(at, mount)| (mount.path.trim_end_matches('/'), at)));
        }
        Container { node, role: container.role, env, env_open, mounts, counting, mounted }
    }

    pub(super) fn add_known(&mut self) {
        let mut known = Vec::new();
        let mut room = MOST_CONFIG;
        for (at, pod) in self.pods.iter().enumerate() {
            if !pod.is_long_running() {
                continue;
            }
            let alone = pod.running().count() == 1;
            for (number, container) in pod.containers.iter().enumerate() {
                if !matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar) {
                    continue;
                }
                let found = self.known_services.iter().find(|service| recognizes(service, pod, container, alone));
                if let Some(service) = found {
                    let file = config_file(service, container);
                    let left = room.checked_sub(file.map_or(0, |(_, text)| text.text().len()));
                    let config = file.filter(|_| left.is_some()).map(|file| config(service, file));
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
    }
}

/// Programs whose image tells what they are, whatever the container is called.
const WELL_KNOWN: &[&str] = &[
    "postgres",
    "postgresql",
    "postgis",
    "timescaledb",
    "redis",
    "valkey",
    "mysql",
    "mariadb",
    "mongo",
    "mongodb",
    "nginx",
    "envoy",
    "busybox",
    "alpine",
    "curl",
    "kubectl",
    "oauth2-proxy",
    "oauth-proxy",
    "ose-oauth-proxy",
    "haproxy",
    "traefik",
    "goose",
    "flyway",
    "migrate",
    "liquibase",
];

fn recognizes(service: &Service, pod: &Pod<'_>, container: &Container<'_>, alone: bool) -> bool {
    let is = |names: &[String], name: &str| names.iter().any(|known| known == name);
    let tail = image_tail(container.image());
    if is(&service.recognize.images, tail) {
        return true;
    }
    if WELL_KNOWN.contains(&tail) {
        return false;
    }
    if is(&service.recognize.containers, container.name())
        || (alone && is(&service.recognize.workloads, pod.object.name()))
    {
        return true;
    }
    let path = service.config_file.as_ref().and_then(|file| file.env.as_ref()).and_then(|env| container.var_text(env));
    path.is_some_and(|path| service.recognize.path_prefixes.iter().any(|prefix| path.starts_with(prefix)))
}

/// Where a known container looks for its config: the path it is told, else the one a flag that it does not read
/// names, else the usual one.
pub(crate) fn config_path<'c>(service: &'c Service, container: &Container<'_>) -> Cow<'c, str> {
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
    let words: Vec<&str> = container.words().map(Node::text).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix(flag)?;
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

fn config<'a>(service: &Service, (object, node): (&'a Object, &'a Node)) -> Config<'a> {
    let loaded = yaml::load_text(node.text(), FileId(u32::MAX - 1), Dialect::Kubectl);
    let failed = loaded.findings.iter().any(|finding| finding.severity == crate::finding::Severity::Error);
    let alone = loaded.documents.len() == 1;
    let tree = loaded.documents.into_iter().next().filter(|tree| !failed && matches!(tree.value, Value::Mapping(_)));
    let dialect = tree.as_ref().and_then(|tree| service.dialect_of(tree)).map_or(0, |dialect| {
        service.dialects.iter().position(|other| std::ptr::eq(other, dialect)).unwrap_or_default()
    });
    Config { object, node, tree, alone, dialect }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the variables `env`, a YAML list, and of an argument.
    fn expanded(env: &str, argument: &str) -> (Vec<String>, String) {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, env: {env}}}]}}\n"
        );
        let node = yaml::load_text(&text, FileId(0), Dialect::Strict).documents.remove(0);
        let objects = [Object::new(node)];
        let services = crate::service::Services::default();
        let graph = Graph::build(&objects, &services, &[]);
        let container = &graph.pods[0].containers[0];
        let texts = container.env.iter().map(|var| var.text.as_deref().unwrap_or("?").to_owned()).collect();
        (texts, container.expand(argument).into_owned())
    }

    #[test]
    fn variables_are_replaced_by_what_stands_before_them() {
        let env = "[{name: A, value: one}, {name: A, value: $(A)two}, {name: B, value: $$(A)-$(A)-$(C)}, {name: C, value: x}]";
        let (texts, argument) = expanded(env, "$(B) $(C) $(D) $(cat $(C)) $($");
        assert_eq!(texts, ["one", "onetwo", "$(A)-onetwo-$(C)", "x"]);
        assert_eq!(argument, "$(A)-onetwo-$(C) x $(D) $(cat $(C)) $($");
    }

    #[test]
    fn variables_that_name_variables_stay_small() {
        let many = |name: String| format!("$({name})").repeat(40);
        let chain = |first: &str| {
            let links = (1..20).map(|at| format!("{{name: A{at}, value: {}}}", many(format!("A{}", at - 1))));
            format!("[{{name: A0, value: \"{first}\"}}, {}]", links.collect::<Vec<_>>().join(", "))
        };
        // Nothing that grows, and yet 40 to the power of 19 steps for one that follows every name anew.
        let (texts, argument) = expanded(&chain(""), "$(A19)");
        assert!(texts.iter().all(String::is_empty) && argument.is_empty());
        let (texts, argument) = expanded(&chain("x"), &many("A2".to_owned()));
        assert_eq!(texts[2].len(), 40 * 40);
        assert!(texts[3..].iter().all(|text| text == "?"));
        assert!(texts.iter().map(String::len).sum::<usize>() < 2 * MOST_REPLACED);
        assert!(argument.len() < 2 * MOST_REPLACED);
    }
}
