//! Consequences told from causes: what waits for something that has a cause of its own.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::{self, Options};
use crate::finding::{ObjectRef, Severity};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{Cause, Stage, parse_path};
use crate::status::cluster::{Cluster, Template};
use crate::status::rules;
use crate::status::state::{self, State};

/// Takes out the causes that are consequences of others, and says so beside these.
pub(super) fn drop<'a>(cluster: &Cluster<'a>, causes: &mut Vec<Cause>) {
    let soft = |cause: &Cause| matches!(cause.stage, Stage::Wait | Stage::Probe);
    if !causes.iter().any(soft) {
        return;
    }
    // The causes by what others call their objects, and those that explain any wait.
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, cause) in causes.iter().enumerate().filter(|(_, cause)| cause.stage < Stage::Scale) {
        names(cluster, &cause.affected).for_each(|name| by_name.entry(name).or_default().push(at));
    }
    let hard: Vec<usize> = (0..causes.len()).filter(|at| causes[*at].stage < Stage::Probe).collect();
    let none = HashSet::default();
    let mut dropped: Vec<bool> = vec![false; causes.len()];
    let mut because: Vec<(usize, ObjectRef)> = Vec::new();
    for (at, cause) in causes.iter().enumerate().filter(|(_, cause)| soft(cause)) {
        let id = &cause.affected;
        let Some(object) = cluster.get(&id.kind, &id.namespace, &id.name) else { continue };
        let texts = texts(cluster, object, cause);
        let words = words(&texts);
        let is_other = |other: &usize| !dropped[*other] && causes[*other].affected != cause.affected;
        let named = words.iter().filter_map(|word| by_name.get(word)).flatten().copied().filter(is_other).min();
        let waits = cause.stage == Stage::Wait && ![&rules::CRASH, &rules::INIT_CRASH].contains(&cause.rule);
        // An init container that waits, waits for something; where something else is broken, most likely for that.
        let other = named.or_else(|| hard.iter().copied().find(|other| waits && is_other(other)));
        dropped[at] = other.is_some() || (waits && waits_for_one_on_its_way(cluster, object, cause, &none));
        because.extend(other.map(|other| (other, id.clone())));
    }
    for (other, affected) in because {
        let words = format!("also not ready because of it: {affected}");
        if !causes[other].words.contains(&words) {
            causes[other].words.push(words);
        }
    }
    let mut dropped = dropped.into_iter();
    causes.retain(|_| !dropped.next().unwrap_or_default());
}

/// What others call an object: its name, and the Services that lead to its pods.
fn names<'a>(cluster: &Cluster<'a>, id: &'a ObjectRef) -> impl Iterator<Item = &'a str> {
    let object = cluster.get(&id.kind, &id.namespace, &id.name);
    let services = object.into_iter().flat_map(|object| cluster.services(object)).map(Object::name);
    std::iter::once(id.name.as_str()).chain(services)
}

/// Whether an object names a workload that is not ready yet and, as far as is known, has no cause: none of `explained`.
pub(super) fn waits_for_one_on_its_way<'a>(
    cluster: &Cluster<'a>,
    object: &'a Object,
    cause: &Cause,
    explained: &HashSet<ObjectRef>,
) -> bool {
    let namespace = object.namespace();
    let texts = texts(cluster, object, cause);
    let words = words(&texts);
    let named = words.iter().flat_map(|word| {
        let workloads = WORKLOADS.iter().filter_map(|kind| cluster.get(kind, namespace, word));
        let service = cluster.get("Service", namespace, word);
        workloads.chain(service.into_iter().flat_map(|service| cluster.selected(service)))
    });
    let others = named.map(|other| cluster.top(other)).filter(|other| other.id != object.id);
    let mut others = others.filter(|other| !explained.contains(&other.id));
    others.any(|other| other.kind() != "Pod" && state::of(cluster, other).0 == State::Progressing)
}

/// The kinds that others wait for.
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet"];

/// The words of some texts that may be names: runs of letters, digits, `-` and `_`, and those with dots between them.
fn words<'t>(texts: &[&'t str]) -> HashSet<&'t str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let dotted = texts.iter().flat_map(|text| text.split(move |c: char| !is_part(c) && c != '.'));
    let dotted = dotted.map(|run| run.trim_matches('.')).filter(|run| !run.is_empty());
    dotted.flat_map(|run| run.split('.').chain([run])).collect()
}

/// The texts in which an object may name others: its containers, the ConfigMaps it uses, and its last words.
fn texts<'t, 'a: 't>(cluster: &Cluster<'a>, object: &'a Object, cause: &'t Cause) -> Vec<&'t str> {
    let mut texts: Vec<&str> = cause.words.iter().map(String::as_str).collect();
    texts.push(&cause.message);
    let Some(template) = Template::of(cluster, object) else { return texts };
    for container in template.spec["initContainers"].items().iter().chain(template.spec["containers"].items()) {
        for field in ["command", "args", "env"] {
            strings(&container[field], &mut texts);
        }
        for from in container["envFrom"].items() {
            config(cluster, object, from["configMapRef"]["name"].text(), &mut texts);
        }
        for env in container["env"].items() {
            config(cluster, object, env["valueFrom"]["configMapKeyRef"]["name"].text(), &mut texts);
        }
    }
    for volume in template.spec["volumes"].items() {
        config(cluster, object, volume["configMap"]["name"].text(), &mut texts);
    }
    texts
}

fn config<'a>(cluster: &Cluster<'a>, object: &Object, name: &str, texts: &mut Vec<&'a str>) {
    if let Some(map) = cluster.get("ConfigMap", object.namespace(), name) {
        strings(&map.node["data"], texts);
    }
}

fn strings<'a>(node: &'a Node, texts: &mut Vec<&'a str>) {
    match &node.value {
        Value::String(text) => texts.push(text),
        Value::Sequence(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::Mapping(mapping) => mapping.iter().for_each(|entry| strings(&entry.value, texts)),
        _ => {}
    }
}

/// Looks for what the checks of manifests say of a container that fails: there may be the reason, and its line.
pub(super) fn explain(manifests: &[Object], causes: &mut [Cause]) {
    let vague = |cause: &Cause| {
        [&rules::CRASH, &rules::INIT_CRASH, &rules::JOB_FAILED, &rules::CREDENTIALS].contains(&cause.rule)
    };
    if !causes.iter().any(vague) {
        return;
    }
    let options = Options { only: vec!["wiring".to_owned()], ..Options::default() };
    let findings = check::check(manifests, &options);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    for cause in causes.iter_mut().filter(|cause| vague(cause)) {
        let Some(workload) = manifests.iter().find(|object| same(object, cause)) else { continue };
        let mut names: Vec<&str> = Vec::new();
        if let Some(spec) = workload.pod_spec() {
            strings(spec, &mut names);
        }
        let about = |finding: &&&crate::finding::Finding| {
            let Some(id) = &finding.object else { return false };
            let own = id.kind == workload.id.kind && id.name == workload.id.name;
            let config = matches!(id.kind.as_str(), "ConfigMap" | "Secret") && names.contains(&id.name.as_str());
            // Of its other containers it says nothing.
            let field = parse_path(&finding.field);
            let other = own && is_container(&field, &cause.field) == Some(false);
            (own && !other) || config
        };
        if let Some(finding) = errors.iter().find(about)
            && let Some(id) = &finding.object
        {
            cause.message = format!("{}; in the manifest: {}", cause.message, finding.message);
            if !finding.help.is_empty() {
                cause.help.clone_from(&finding.help);
            }
            cause.object = id.clone();
            cause.field = parse_path(&finding.field);
        }
    }
}

fn same(object: &Object, cause: &Cause) -> bool {
    object.id.kind == cause.object.kind && object.id.name == cause.object.name
}

/// Whether a field lies in the same container as another; `None` where one of them lies in none.
fn is_container(field: &FieldPath, of: &FieldPath) -> Option<bool> {
    let container = |path: &FieldPath| {
        let at = path.0.iter().position(|segment| {
            matches!(segment, crate::path::Segment::Field(name) if name == "containers" || name == "initContainers")
        })?;
        path.0.get(at..at + 2).map(<[_]>::to_vec)
    };
    Some(container(field)? == container(of)?)
}
