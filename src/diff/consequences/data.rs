//! ConfigMaps and Secrets that change, and the pods that read them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::diff::consequences::schema::FIRST_START;
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

/// One way by which a pod reads an object.
enum Way<'a> {
    /// All of it as variables.
    Variables,
    /// A key of it as a variable: the key, and the variable's name.
    Variable(&'a str, &'a str),
    /// As files: the items of the volume, and how its mounts follow it.
    Files(&'a [Node], Reads),
}

/// A pod that may read an object, with all the ways.
struct Reader<'a> {
    user: &'a Object,
    ways: Vec<Way<'a>>,
}

/// The kind, name and way of something that a pod reads.
type Read<'a> = (&'static str, &'a str, Way<'a>);

/// The pods of a new set, by what they may read.
pub(super) struct Readers<'a> {
    /// By namespace, kind and name of a ConfigMap or Secret, each pod once, in order.
    named: HashMap<(&'a str, &'static str, &'a str), Vec<Reader<'a>>>,
    /// The addresses of the objects whose pods are new, or made anew by the changes.
    anew: HashSet<*const Object>,
}

impl<'a> Readers<'a> {
    /// `restarting`: the objects of the new set whose pods are made anew by the changes.
    pub(super) fn of(changes: &[Change<'_>], restarting: &[&Object], new: &'a [Object]) -> Self {
        let added = changes.iter().filter(|change| change.old.is_none()).filter_map(|change| change.new);
        let anew = added.chain(restarting.iter().copied()).map(std::ptr::from_ref).collect();
        let mut named: HashMap<_, Vec<Reader<'a>>> = HashMap::new();
        for user in new {
            let templates = user.pod_templates();
            let reads = templates.iter().flat_map(|template| variables(template.spec).chain(files(template.spec)));
            for (kind, name, way) in reads {
                let readers = named.entry((user.namespace(), kind, name)).or_default();
                match readers.last_mut().filter(|last| std::ptr::eq(last.user, user)) {
                    Some(last) => last.ways.push(way),
                    None => readers.push(Reader { user, ways: vec![way] }),
                }
            }
        }
        Self { named, anew }
    }
}

/// The ConfigMaps and Secrets that a pod names as variables.
fn variables(spec: &Node) -> impl Iterator<Item = Read<'_>> {
    let reads = containers(spec).flat_map(|container| {
        let all = container.node["envFrom"].items().iter().flat_map(|entry| {
            [("ConfigMap", "configMapRef"), ("Secret", "secretRef")]
                .map(|(kind, source)| (kind, &entry[source]["name"], Way::Variables))
        });
        let keys = container.node["env"].items().iter().flat_map(|entry| {
            [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")].map(|(kind, source)| {
                let source = &entry["valueFrom"][source];
                (kind, &source["name"], Way::Variable(source["key"].text(), entry["name"].text()))
            })
        });
        all.chain(keys)
    });
    reads.filter_map(|(kind, name, way)| Some((kind, name.as_str()?, way)))
}

/// Those that it names as volumes.
fn files(spec: &Node) -> impl Iterator<Item = Read<'_>> {
    let mut mounted: HashMap<&str, Reads> = HashMap::new();
    for mount in containers(spec).flat_map(|container| container.node["volumeMounts"].items()) {
        // A mount of one path in the volume never follows it.
        let fixed = mount["subPath"].is_set() || mount["subPathExpr"].is_set();
        let reads = mounted.entry(mount["name"].text()).or_insert(Reads::Files);
        *reads = (*reads).max(if fixed { Reads::AtStart } else { Reads::Files });
    }
    let reads = spec["volumes"].items().iter().flat_map(move |volume| {
        let mounted = mounted.get(volume["name"].text()).copied().unwrap_or(Reads::No);
        let projected = volume["projected"]["sources"]
            .items()
            .iter()
            .flat_map(|source| [("ConfigMap", &source["configMap"], "name"), ("Secret", &source["secret"], "name")]);
        [("ConfigMap", &volume["configMap"], "name"), ("Secret", &volume["secret"], "secretName")]
            .into_iter()
            .chain(projected)
            .map(move |(kind, source, field)| (kind, &source[field], Way::Files(source["items"].items(), mounted)))
    });
    reads.filter_map(|(kind, name, way)| Some((kind, name.as_str()?, way)))
}

pub(super) fn tell<'a>(change: &Change<'a>, readers: &mut Readers<'a>, found: &mut Vec<Consequence>) {
    let (Some(object), Some(_), None) = (change.new, change.old, change.renamed) else { return };
    if object.group() != "" || !matches!(object.kind(), "ConfigMap" | "Secret") {
        return;
    }
    let keys: BTreeSet<&str> = change
        .fields
        .iter()
        .filter(|field| !field.equivalent)
        .filter_map(|field| match field.path.as_slice() {
            [Step::Key(data), Step::Data(key), ..] if matches!(&**data, "data" | "binaryData" | "stringData") => {
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
    // Told at the first of objects that have one name.
    for reader in readers.named.remove(&(object.namespace(), kind, object.name())).into_iter().flatten() {
        let (user, reads) = (reader.user, reader.reads(&keys));
        if reads == Reads::No {
            continue;
        }
        let name = user.id.to_string();
        if let Some(variable) = reader.first_start(&keys) {
            let message = format!("{name} keeps its value: it reads `{variable}` only when its volume is empty");
            let help = "change it in the database as well, before clients restart with the new one";
            found.push(restarts(Severity::Warning, message).with_help(help));
            continue;
        }
        match user.kind() {
            "CronJob" => later.push(name),
            // It has run, or is new and will read what is there.
            "Job" => {}
            _ if readers.anew.contains(&std::ptr::from_ref(user)) => anew.push(name),
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

impl<'a> Reader<'a> {
    /// How it reads the changed keys of the object.
    fn reads(&self, keys: &BTreeSet<&str>) -> Reads {
        let way = |way: &Way<'_>| match way {
            Way::Variables => Reads::AtStart,
            Way::Variable(key, _) if keys.contains(key) => Reads::AtStart,
            Way::Files(items, reads)
                if items.is_empty() || items.iter().any(|item| keys.contains(item["key"].text())) =>
            {
                *reads
            }
            Way::Variable(..) | Way::Files(..) => Reads::No,
        };
        self.ways.iter().map(way).max().unwrap_or(Reads::No)
    }

    /// The variable by which a changed key reaches a database that has long been set up.
    fn first_start(&self, keys: &BTreeSet<&str>) -> Option<&'a str> {
        self.ways.iter().find_map(|way| match way {
            Way::Variable(key, name) if keys.contains(key) && FIRST_START.contains(name) => Some(*name),
            _ => None,
        })
    }
}
