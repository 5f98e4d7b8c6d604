//! Consequences told from causes: what waits for something that has a cause of its own.

use crate::check::{self, Options};
use crate::finding::Severity;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{Cause, Stage, parse_path};
use crate::status::cluster::{Cluster, Template, selects};
use crate::status::rules;
use crate::status::state::{self, State};

/// Takes out the causes that are consequences of others, and says so beside these.
pub(super) fn drop<'a>(cluster: &Cluster<'a>, causes: &mut Vec<Cause>) {
    let soft = |cause: &Cause| matches!(cause.stage, Stage::Wait | Stage::Probe);
    if !causes.iter().any(soft) {
        return;
    }
    let names: Vec<Vec<&str>> = causes.iter().map(|cause| names(cluster, cause)).collect();
    let mut dropped: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, cause) in causes.iter().enumerate().filter(|(_, cause)| soft(cause)) {
        let Some(object) = cluster.get(&cause.affected.kind, &cause.affected.namespace, &cause.affected.name) else {
            continue;
        };
        let texts = texts(cluster, object, cause);
        let mentions = |names: &[&str]| names.iter().any(|name| texts.iter().any(|text| mentions(text, name)));
        let waits = cause.rule == &rules::INIT_WAITS;
        let others = causes
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at && !dropped.iter().any(|(gone, _)| gone == other));
        let other = others
            .clone()
            .filter(|(_, other)| other.affected != cause.affected && other.stage < Stage::Scale)
            .find(|(index, _)| mentions(&names[*index]));
        // An init container that waits, waits for something; where something else is broken, most likely for that.
        let other = other.or_else(|| {
            let hard = |other: &Cause| other.stage < Stage::Probe && other.affected != cause.affected;
            others.clone().find(|(_, other)| waits && hard(other))
        });
        match other {
            Some((other, _)) => dropped.push((at, Some(other))),
            None if waits && waits_for_one_on_its_way(cluster, object, &texts) => dropped.push((at, None)),
            None => {}
        }
    }
    for (at, other) in &dropped {
        if let Some(other) = other {
            let words = format!("also not ready because of it: {}", causes[*at].affected);
            if !causes[*other].words.contains(&words) {
                causes[*other].words.push(words);
            }
        }
    }
    let mut at = 0;
    causes.retain(|_| {
        at += 1;
        !dropped.iter().any(|(gone, _)| gone + 1 == at)
    });
}

/// What others call the object of a cause: its name, and the Services that lead to its pods.
fn names<'a>(cluster: &Cluster<'a>, cause: &'a Cause) -> Vec<&'a str> {
    let id = &cause.affected;
    let mut names = vec![id.name.as_str()];
    if let Some(object) = cluster.get(&id.kind, &id.namespace, &id.name) {
        names.extend(services(cluster, object));
    }
    names
}

fn services<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<&'a str> {
    let Some(template) = object.pod_template() else { return Vec::new() };
    let labels = &template["metadata"]["labels"];
    let all = cluster.all("Service").filter(|service| service.namespace() == object.namespace());
    all.filter(|service| selects(service, labels)).map(Object::name).collect()
}

/// Whether an object mentions a workload that is not ready yet, and has no cause.
fn waits_for_one_on_its_way<'a>(cluster: &Cluster<'a>, object: &'a Object, texts: &[&str]) -> bool {
    let workloads = cluster.record.objects.iter().filter(|other| other.pod_place().is_some());
    let others = workloads.filter(|other| {
        other.namespace() == object.namespace()
            && other.kind() != "Pod"
            && other.name() != object.name()
            && cluster.top(other).name() == other.name()
            && state::of(cluster, other).0 == State::Progressing
    });
    others.into_iter().any(|other| {
        let mut names = services(cluster, other);
        names.push(other.name());
        names.iter().any(|name| texts.iter().any(|text| mentions(text, name)))
    })
}

/// The texts in which an object may name others: its containers, the ConfigMaps it uses, and its last words.
fn texts<'a>(cluster: &Cluster<'a>, object: &'a Object, cause: &'a Cause) -> Vec<&'a str> {
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

/// Whether a text has a name as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
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
