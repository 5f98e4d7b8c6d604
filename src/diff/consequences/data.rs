//! Changed ConfigMaps and Secrets, and the pods that use them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::diff::consequences::schema::INIT_ONLY_VARIABLES;
use crate::diff::consequences::{Consequence, join_and, restarts};
use crate::diff::{ObjectChange, PathStep};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::{Object, containers};

/// When the changed keys of an object reach a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Propagation {
    /// Never: it does not use them.
    Never,
    /// Its mounted files are updated.
    LiveFiles,
    /// Only when it starts.
    AtStart,
}

/// A use of an object by a pod.
enum Usage<'a> {
    /// All keys as environment variables.
    AllVariables,
    /// A key as an environment variable: the key and the name of the variable.
    Variable(&'a str, &'a str),
    /// As files: the items of the volume, and whether its mounts are updated.
    Files(&'a [Node], Propagation),
}

/// A workload that uses an object.
struct Consumer<'a> {
    workload: &'a Object,
    usages: Vec<Usage<'a>>,
}

/// The kind, the name and the usage of an object by a pod.
type ObjectUsage<'a> = (&'static str, &'a str, Usage<'a>);

/// The workloads of the new objects by the ConfigMaps and Secrets they use.
pub(super) struct Consumers<'a> {
    /// The workloads by namespace, kind and name of a ConfigMap or Secret, without duplicates.
    by_object: HashMap<(&'a str, &'static str, &'a str), Vec<Consumer<'a>>>,
    /// The addresses of the workloads whose pods are added or replaced by the changes.
    with_new_pods: HashSet<*const Object>,
}

impl<'a> Consumers<'a> {
    /// Indexes the new objects. `restarting` are those whose pods are replaced by the changes.
    pub(super) fn of(changes: &[ObjectChange<'_>], restarting: &[&Object], new: &'a [Object]) -> Self {
        let added = changes.iter().filter(|change| change.old.is_none()).filter_map(|change| change.new);
        let with_new_pods = added.chain(restarting.iter().copied()).map(std::ptr::from_ref).collect();
        let mut by_object: HashMap<_, Vec<Consumer<'a>>> = HashMap::new();
        for workload in new {
            let templates = workload.pod_templates();
            let usages = templates.iter().flat_map(|template| variables(template.spec).chain(files(template.spec)));
            for (kind, name, usage) in usages {
                let consumers = by_object.entry((workload.namespace(), kind, name)).or_default();
                match consumers.last_mut().filter(|last| std::ptr::eq(last.workload, workload)) {
                    Some(last) => last.usages.push(usage),
                    None => consumers.push(Consumer { workload, usages: vec![usage] }),
                }
            }
        }
        Self { by_object, with_new_pods }
    }
}

/// The ConfigMaps and Secrets that a pod uses as environment variables.
fn variables(spec: &Node) -> impl Iterator<Item = ObjectUsage<'_>> {
    let usages = containers(spec).flat_map(|container| {
        let all = container.node["envFrom"].items().iter().flat_map(|entry| {
            [("ConfigMap", "configMapRef"), ("Secret", "secretRef")]
                .map(|(kind, source)| (kind, &entry[source]["name"], Usage::AllVariables))
        });
        let keys = container.node["env"].items().iter().flat_map(|entry| {
            [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")].map(|(kind, source)| {
                let source = &entry["valueFrom"][source];
                (kind, &source["name"], Usage::Variable(source["key"].text(), entry["name"].text()))
            })
        });
        all.chain(keys)
    });
    usages.filter_map(|(kind, name, usage)| Some((kind, name.as_str()?, usage)))
}

/// The ConfigMaps and Secrets that a pod uses as volumes.
fn files(spec: &Node) -> impl Iterator<Item = ObjectUsage<'_>> {
    let mut mounted: HashMap<&str, Propagation> = HashMap::new();
    for mount in containers(spec).flat_map(|container| container.node["volumeMounts"].items()) {
        // The kubelet does not update subPath mounts.
        let is_sub_path = mount["subPath"].is_set() || mount["subPathExpr"].is_set();
        let propagation = mounted.entry(mount["name"].text()).or_insert(Propagation::LiveFiles);
        *propagation = (*propagation).max(if is_sub_path { Propagation::AtStart } else { Propagation::LiveFiles });
    }
    let usages = spec["volumes"].items().iter().flat_map(move |volume| {
        let mounted = mounted.get(volume["name"].text()).copied().unwrap_or(Propagation::Never);
        let projected = volume["projected"]["sources"]
            .items()
            .iter()
            .flat_map(|source| [("ConfigMap", &source["configMap"], "name"), ("Secret", &source["secret"], "name")]);
        [("ConfigMap", &volume["configMap"], "name"), ("Secret", &volume["secret"], "secretName")]
            .into_iter()
            .chain(projected)
            .map(move |(kind, source, field)| (kind, &source[field], Usage::Files(source["items"].items(), mounted)))
    });
    usages.filter_map(|(kind, name, usage)| Some((kind, name.as_str()?, usage)))
}

pub(super) fn add<'a>(change: &ObjectChange<'a>, consumers: &mut Consumers<'a>, found: &mut Vec<Consequence>) {
    let (Some(object), Some(_), None) = (change.new, change.old, change.renamed) else { return };
    if object.group() != "" || !matches!(object.kind(), "ConfigMap" | "Secret") {
        return;
    }
    let keys: BTreeSet<&str> = change
        .fields
        .iter()
        .filter(|field| !field.equivalent)
        .filter_map(|field| match field.path.as_slice() {
            [PathStep::Field(data), PathStep::MapKey(key), ..]
                if matches!(&**data, "data" | "binaryData" | "stringData") =>
            {
                Some(key.as_str())
            }
            _ => None,
        })
        .collect();
    // A change of an immutable object is rejected, which is reported elsewhere.
    if keys.is_empty() || object.node["immutable"].as_bool() == Some(true) {
        return;
    }
    let (mut restarted, mut stale, mut live, mut next_run) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let kind = if object.kind() == "Secret" { "Secret" } else { "ConfigMap" };
    // Only reported for the first of several objects with the same name.
    for consumer in consumers.by_object.remove(&(object.namespace(), kind, object.name())).into_iter().flatten() {
        let (workload, propagation) = (consumer.workload, consumer.propagation(&keys));
        if propagation == Propagation::Never {
            continue;
        }
        let name = workload.id.to_string();
        if let Some(variable) = consumer.init_only_variable(&keys) {
            let message = format!("{name} keeps the old value: it only reads `{variable}` when its volume is empty");
            let help = "change the value in the database as well, before clients restart with the new one";
            found.push(restarts(Severity::Warning, message).with_help(help));
            continue;
        }
        match workload.kind() {
            "CronJob" => next_run.push(name),
            // It has already run, or is new and reads the new values.
            "Job" => {}
            _ if consumers.with_new_pods.contains(&std::ptr::from_ref(workload)) => restarted.push(name),
            _ if propagation == Propagation::AtStart => stale.push(name),
            _ => live.push(name),
        }
    }
    if !restarted.is_empty() {
        let verbs = if restarted.len() == 1 { "restarts and reads" } else { "restart and read" };
        let message = format!("{} {verbs} the new values", join_and(&restarted));
        found.push(restarts(Severity::Note, message));
    }
    if !stale.is_empty() {
        let (keeps, reads) =
            if stale.len() == 1 { ("keeps", "it only reads them") } else { ("keep", "they only read them") };
        let message = format!("{} {keeps} the old values until restarted: {reads} at startup", join_and(&stale));
        let namespace =
            if object.namespace().is_empty() { String::new() } else { format!(" -n {}", object.namespace()) };
        let names: Vec<String> = stale.iter().map(|name| name.to_lowercase()).collect();
        let help = format!("kubectl rollout restart {}{namespace}", names.join(" "));
        found.push(restarts(Severity::Warning, message).with_help(help));
    }
    if !live.is_empty() {
        let message = format!(
            "files in running pods of {} are updated within about a minute, without a restart",
            join_and(&live)
        );
        found.push(
            restarts(Severity::Warning, message)
                .with_help("restart the pods if the program reads the files only at startup"),
        );
    }
    if !next_run.is_empty() {
        let reads = if next_run.len() == 1 { "reads" } else { "read" };
        let message = format!("{} {reads} the new values in the next run", join_and(&next_run));
        found.push(restarts(Severity::Note, message));
    }
}

impl<'a> Consumer<'a> {
    /// When the changed keys reach its pods.
    fn propagation(&self, keys: &BTreeSet<&str>) -> Propagation {
        let of_usage = |usage: &Usage<'_>| match usage {
            Usage::AllVariables => Propagation::AtStart,
            Usage::Variable(key, _) if keys.contains(key) => Propagation::AtStart,
            Usage::Files(items, propagation)
                if items.is_empty() || items.iter().any(|item| keys.contains(item["key"].text())) =>
            {
                *propagation
            }
            Usage::Variable(..) | Usage::Files(..) => Propagation::Never,
        };
        self.usages.iter().map(of_usage).max().unwrap_or(Propagation::Never)
    }

    /// The variable with a changed key that is only read when the volume is empty.
    fn init_only_variable(&self, keys: &BTreeSet<&str>) -> Option<&'a str> {
        self.usages.iter().find_map(|usage| match usage {
            Usage::Variable(key, name) if keys.contains(key) && INIT_ONLY_VARIABLES.contains(name) => Some(*name),
            _ => None,
        })
    }
}
