//! Tells symptoms from root causes: an object may only wait for another one that has a cause.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::{self, Options};
use crate::finding::{ObjectRef, Severity};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{Cause, Stage, parse_path};
use crate::status::cluster::{Cluster, Template};
use crate::status::rules;
use crate::status::state::{self, ObjectState};

/// Removes the causes that are symptoms of others, and lists their objects with those.
pub(super) fn remove<'a>(cluster: &Cluster<'a>, causes: &mut Vec<Cause>) {
    let may_be_symptom = |cause: &Cause| matches!(cause.stage, Stage::Wait | Stage::Probe);
    if !causes.iter().any(may_be_symptom) {
        return;
    }
    // The causes by the names under which others refer to their objects, and the causes that explain any wait.
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, cause) in causes.iter().enumerate().filter(|(_, cause)| cause.stage < Stage::Scale) {
        service_names(cluster, &cause.affected).for_each(|name| by_name.entry(name).or_default().push(at));
    }
    let root_causes: Vec<usize> = (0..causes.len()).filter(|at| causes[*at].stage < Stage::Probe).collect();
    let none = HashSet::default();
    let mut removed: Vec<bool> = vec![false; causes.len()];
    let mut because: Vec<(usize, ObjectRef)> = Vec::new();
    for (at, cause) in causes.iter().enumerate().filter(|(_, cause)| may_be_symptom(cause)) {
        let id = &cause.affected;
        let Some(object) = cluster.get(&id.kind, &id.namespace, &id.name) else { continue };
        let strings = strings_naming_others(cluster, object, cause);
        let words = words(&strings);
        let is_other = |other: &usize| !removed[*other] && causes[*other].affected != cause.affected;
        let named = words.iter().filter_map(|word| by_name.get(word)).flatten().copied().filter(is_other).min();
        let waits = cause.stage == Stage::Wait && ![&rules::CRASH, &rules::INIT_CRASH].contains(&cause.rule);
        // An init container that waits most likely waits for the workload that fails.
        let other = named.or_else(|| root_causes.iter().copied().find(|other| waits && is_other(other)));
        removed[at] = other.is_some() || (waits && waits_for_progressing_workload(cluster, object, cause, &none));
        because.extend(other.map(|other| (other, id.clone())));
    }
    for (other, affected) in because {
        let quote = format!("also affected: {affected}");
        if !causes[other].quotes.contains(&quote) {
            causes[other].quotes.push(quote);
        }
    }
    let mut removed = removed.into_iter();
    causes.retain(|_| !removed.next().unwrap_or_default());
}

/// The names under which others refer to an object: its own, and those of the Services that select its pods.
fn service_names<'a>(cluster: &Cluster<'a>, id: &'a ObjectRef) -> impl Iterator<Item = &'a str> {
    let object = cluster.get(&id.kind, &id.namespace, &id.name);
    let services = object.into_iter().flat_map(|object| cluster.services(object)).map(Object::name);
    std::iter::once(id.name.as_str()).chain(services)
}

/// Whether an object refers to a workload that is progressing and is not one of `explained`, the objects with a cause.
pub(super) fn waits_for_progressing_workload<'a>(
    cluster: &Cluster<'a>,
    object: &'a Object,
    cause: &Cause,
    explained: &HashSet<ObjectRef>,
) -> bool {
    let namespace = object.namespace();
    let strings = strings_naming_others(cluster, object, cause);
    let words = words(&strings);
    let named = words.iter().flat_map(|word| {
        let workloads = WORKLOADS.iter().filter_map(|kind| cluster.get(kind, namespace, word));
        let service = cluster.get("Service", namespace, word);
        workloads.chain(service.into_iter().flat_map(|service| cluster.selected(service)))
    });
    let others = named.map(|other| cluster.top(other)).filter(|other| other.id != object.id);
    let mut others = others.filter(|other| !explained.contains(&other.id));
    others.any(|other| other.kind() != "Pod" && state::of(cluster, other).0 == ObjectState::Progressing)
}

/// The kinds that others wait for.
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet"];

/// The words that may be names: runs of letters, digits, `-` and `_`, and such runs joined by dots.
fn words<'t>(strings: &[&'t str]) -> HashSet<&'t str> {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let dotted = strings.iter().flat_map(|string| string.split(move |c: char| !is_name_char(c) && c != '.'));
    let dotted = dotted.map(|run| run.trim_matches('.')).filter(|run| !run.is_empty());
    dotted.flat_map(|run| run.split('.').chain([run])).collect()
}

/// The strings in which an object may name others: its containers, the ConfigMaps it uses, and the messages of its
/// cause.
fn strings_naming_others<'t, 'a: 't>(cluster: &Cluster<'a>, object: &'a Object, cause: &'t Cause) -> Vec<&'t str> {
    let mut found: Vec<&str> = cause.quotes.iter().map(String::as_str).collect();
    found.push(&cause.message);
    let Some(template) = Template::of(cluster, object) else { return found };
    for container in template.spec["initContainers"].items().iter().chain(template.spec["containers"].items()) {
        for field in ["command", "args", "env"] {
            add_strings(&container[field], &mut found);
        }
        for from in container["envFrom"].items() {
            add_config_map(cluster, object, from["configMapRef"]["name"].text(), &mut found);
        }
        for env in container["env"].items() {
            add_config_map(cluster, object, env["valueFrom"]["configMapKeyRef"]["name"].text(), &mut found);
        }
    }
    for volume in template.spec["volumes"].items() {
        add_config_map(cluster, object, volume["configMap"]["name"].text(), &mut found);
    }
    found
}

fn add_config_map<'a>(cluster: &Cluster<'a>, object: &Object, name: &str, found: &mut Vec<&'a str>) {
    if let Some(map) = cluster.get("ConfigMap", object.namespace(), name) {
        add_strings(&map.node["data"], found);
    }
}

fn add_strings<'a>(node: &'a Node, found: &mut Vec<&'a str>) {
    match &node.value {
        Value::String(string) => found.push(string),
        Value::Sequence(items) => items.iter().for_each(|item| add_strings(item, found)),
        Value::Mapping(mapping) => mapping.iter().for_each(|entry| add_strings(&entry.value, found)),
        _ => {}
    }
}

/// Checks the manifests of failing containers: a finding may be the reason, with a more precise location.
pub(super) fn explain(manifests: &[Object], causes: &mut [Cause]) {
    let is_vague = |cause: &Cause| {
        [&rules::CRASH, &rules::INIT_CRASH, &rules::JOB_FAILED, &rules::CREDENTIALS].contains(&cause.rule)
    };
    if !causes.iter().any(is_vague) {
        return;
    }
    let options = Options { only: vec!["wiring".to_owned()], ..Options::default() };
    let findings = check::check(manifests, &options);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    for cause in causes.iter_mut().filter(|cause| is_vague(cause)) {
        let Some(workload) = manifests.iter().find(|object| has_kind_and_name(object, cause)) else { continue };
        let mut names: Vec<&str> = Vec::new();
        if let Some(spec) = workload.pod_spec() {
            add_strings(spec, &mut names);
        }
        let is_relevant = |finding: &&&crate::finding::Finding| {
            let Some(id) = &finding.object else { return false };
            let own = id.kind == workload.id.kind && id.name == workload.id.name;
            let config = matches!(id.kind.as_str(), "ConfigMap" | "Secret") && names.contains(&id.name.as_str());
            // A finding in another container does not explain this one.
            let field = parse_path(&finding.field);
            let other = own && is_same_container(&field, &cause.field) == Some(false);
            (own && !other) || config
        };
        if let Some(finding) = errors.iter().find(is_relevant)
            && let Some(id) = &finding.object
        {
            cause.message = format!("{}; manifest: {}", cause.message, finding.message);
            if !finding.help.is_empty() {
                cause.help.clone_from(&finding.help);
            }
            cause.object = id.clone();
            cause.field = parse_path(&finding.field);
        }
    }
}

fn has_kind_and_name(object: &Object, cause: &Cause) -> bool {
    object.id.kind == cause.object.kind && object.id.name == cause.object.name
}

/// Whether two fields are in the same container; `None` if one of them is not in a container.
fn is_same_container(field: &FieldPath, other: &FieldPath) -> Option<bool> {
    let container = |path: &FieldPath| {
        let at = path.0.iter().position(|segment| {
            matches!(segment, crate::path::Segment::Field(name) if name == "containers" || name == "initContainers")
        })?;
        path.0.get(at..at + 2).map(<[_]>::to_vec)
    };
    Some(container(field)? == container(other)?)
}
