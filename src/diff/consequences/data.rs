//! ConfigMaps and Secrets that change, and the pods that read them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::diff::consequences::{Consequence, and, restarts};
use crate::diff::{Change, Step};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::{Object, containers};

/// How a pod reads an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reads {
    /// Not what changed of it.
    No,
    /// As files that follow it.
    Files,
    /// When it starts, and never again.
    AtStart,
}

/// The pods of a new set, by what they may read.
pub(super) struct Readers<'a> {
    /// By namespace, kind and name of a ConfigMap or Secret, each object once, in order.
    named: HashMap<(&'a str, &'static str, &'a str), Vec<&'a Object>>,
    /// The addresses of the objects whose pods are new, or made anew by the changes.
    anew: HashSet<*const Object>,
}

impl<'a> Readers<'a> {
    /// `restarting`: the objects of the new set whose pods are made anew by the changes.
    pub(super) fn of(changes: &[Change<'_>], restarting: &[&Object], new: &'a [Object]) -> Self {
        let added = changes.iter().filter(|change| change.old.is_none()).filter_map(|change| change.new);
        let anew = added.chain(restarting.iter().copied()).map(std::ptr::from_ref).collect();
        let mut named: HashMap<_, Vec<&Object>> = HashMap::new();
        for user in new {
            let Some(spec) = user.pod_spec() else { continue };
            for (kind, name) in names(spec) {
                let users = named.entry((user.namespace(), kind, name)).or_default();
                if !users.last().is_some_and(|last| std::ptr::eq(*last, user)) {
                    users.push(user);
                }
            }
        }
        Self { named, anew }
    }
}

/// The ConfigMaps and Secrets that a pod names as variables or volumes.
fn names(spec: &Node) -> impl Iterator<Item = (&'static str, &str)> {
    let containers = containers(spec).flat_map(|container| {
        let all = container.node["envFrom"].items().iter();
        let all = all
            .flat_map(|entry| [("ConfigMap", &entry["configMapRef"]["name"]), ("Secret", &entry["secretRef"]["name"])]);
        let keys = container.node["env"].items().iter().map(|entry| &entry["valueFrom"]);
        let keys = keys.flat_map(|from| {
            [("ConfigMap", &from["configMapKeyRef"]["name"]), ("Secret", &from["secretKeyRef"]["name"])]
        });
        all.chain(keys)
    });
    let volumes = spec["volumes"].items().iter().flat_map(|volume| {
        let projected = volume["projected"]["sources"].items().iter();
        let projected = projected
            .flat_map(|source| [("ConfigMap", &source["configMap"]["name"]), ("Secret", &source["secret"]["name"])]);
        [("ConfigMap", &volume["configMap"]["name"]), ("Secret", &volume["secret"]["secretName"])]
            .into_iter()
            .chain(projected)
    });
    containers.chain(volumes).filter_map(|(kind, name)| Some((kind, name.as_str()?)))
}

pub(super) fn tell(change: &Change<'_>, readers: &Readers<'_>, found: &mut Vec<Consequence>) {
    let (Some(object), Some(_), None) = (change.new, change.old, change.renamed) else { return };
    if object.group() != "" || !matches!(object.kind(), "ConfigMap" | "Secret") {
        return;
    }
    let keys: BTreeSet<&str> = change
        .fields
        .iter()
        .filter_map(|field| match field.path.as_slice() {
            [Step::Key(data), Step::Key(key), ..] if matches!(&**data, "data" | "binaryData" | "stringData") => {
                Some(key.as_str())
            }
            _ => None,
        })
        .collect();
    // An immutable one is refused, which is told elsewhere.
    if keys.is_empty() || object.node["immutable"].as_bool() == Some(true) {
        return;
    }
    let (mut anew, mut stale, mut live, mut later) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let kind = if object.kind() == "Secret" { "Secret" } else { "ConfigMap" };
    for user in readers.named.get(&(object.namespace(), kind, object.name())).into_iter().flatten() {
        let Some(spec) = user.pod_spec() else { continue };
        let reads = reads(spec, object, &keys);
        if reads == Reads::No {
            continue;
        }
        let name = user.id.to_string();
        if let Some(variable) = first_start(spec, object, &keys) {
            let message = format!("{name} keeps its own: it reads `{variable}` only while its volume is empty");
            let help = "change it in the database as well, before whoever logs in with the new one restarts";
            found.push(restarts(Severity::Warning, message).with_help(help));
            continue;
        }
        match user.kind() {
            "CronJob" => later.push(name),
            // It has run, or is new and will read what is there.
            "Job" => {}
            _ if readers.anew.contains(&std::ptr::from_ref(*user)) => anew.push(name),
            _ if reads == Reads::AtStart => stale.push(name),
            _ => live.push(name),
        }
    }
    if !anew.is_empty() {
        found.push(restarts(Severity::Note, format!("{} restarts and reads it", and(&anew))));
    }
    if !stale.is_empty() {
        let message =
            format!("{} keeps the old values: it reads them at its start, and nothing restarts it", and(&stale));
        let namespace =
            if object.namespace().is_empty() { String::new() } else { format!(" -n {}", object.namespace()) };
        let names: Vec<String> = stale.iter().map(|name| name.to_lowercase()).collect();
        let help = format!("kubectl rollout restart {}{namespace}", names.join(" "));
        found.push(restarts(Severity::Warning, message).with_help(help));
    }
    if !live.is_empty() {
        let message =
            format!("the files in running pods of {} change within about a minute; nothing restarts them", and(&live));
        found.push(
            restarts(Severity::Warning, message).with_help("a process that reads them only once keeps the old ones"),
        );
    }
    if !later.is_empty() {
        found.push(restarts(Severity::Note, format!("{} reads it from the next run on", and(&later))));
    }
}

/// Variables that the images of databases read when they make their files, and never again.
const FIRST_START: &[&str] = &[
    "MARIADB_PASSWORD",
    "MARIADB_ROOT_PASSWORD",
    "MONGO_INITDB_ROOT_PASSWORD",
    "MYSQL_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
];

/// The variable by which a changed key reaches a database that has long been set up.
fn first_start<'a>(spec: &'a Node, object: &Object, keys: &BTreeSet<&str>) -> Option<&'a str> {
    let source = if object.kind() == "Secret" { "secretKeyRef" } else { "configMapKeyRef" };
    let entries = containers(spec).flat_map(|container| container.node["env"].items());
    let named = entries.filter(|entry| {
        let source = &entry["valueFrom"][source];
        source["name"].text() == object.name() && keys.contains(source["key"].text())
    });
    named.map(|entry| entry["name"].text()).find(|name| FIRST_START.contains(name))
}

/// How the pod reads the changed keys of an object.
fn reads(spec: &Node, object: &Object, keys: &BTreeSet<&str>) -> Reads {
    let (secret, name) = (object.kind() == "Secret", object.name());
    let (of_key, of_all) = if secret { ("secretKeyRef", "secretRef") } else { ("configMapKeyRef", "configMapRef") };
    let mut reads = Reads::No;
    for container in containers(spec) {
        let from = container.node["envFrom"].items().iter().any(|entry| entry[of_all]["name"].text() == name);
        let by_key = container.node["env"].items().iter().any(|entry| {
            let source = &entry["valueFrom"][of_key];
            source["name"].text() == name && keys.contains(source["key"].text())
        });
        if from || by_key {
            return Reads::AtStart;
        }
    }
    for volume in spec["volumes"].items() {
        let own = if secret { (&volume["secret"], "secretName") } else { (&volume["configMap"], "name") };
        let projected = volume["projected"]["sources"].items().iter();
        let projected = projected.map(|source| (if secret { &source["secret"] } else { &source["configMap"] }, "name"));
        let read = std::iter::once(own).chain(projected).any(|(source, field)| {
            let items = source["items"].items();
            source[field].text() == name
                && (items.is_empty() || items.iter().any(|item| keys.contains(item["key"].text())))
        });
        if !read {
            continue;
        }
        let volume = volume["name"].text();
        for mount in containers(spec).flat_map(|container| container.node["volumeMounts"].items()) {
            if mount["name"].text() == volume {
                // A mount of one path in the volume never follows it.
                let fixed = mount["subPath"].is_set() || mount["subPathExpr"].is_set();
                reads = reads.max(if fixed { Reads::AtStart } else { Reads::Files });
            }
        }
    }
    reads
}
