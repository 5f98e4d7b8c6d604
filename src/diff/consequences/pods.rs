//! Pods that restart, Jobs that run, replicas that go.

use foldhash::{HashSet, HashSetExt};

use crate::diff::consequences::{Consequence, and, restarts, shrinks};
use crate::diff::{Change, FieldChange, Step, What};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::Object;
use crate::updates::Effect;

/// How many reasons are worth naming.
const MOST_REASONS: usize = 3;

/// Whether applying the change makes new pods by itself.
pub(super) fn restarts_pods(change: &Change<'_>) -> bool {
    matches!(change.object().kind(), "Deployment" | "StatefulSet" | "DaemonSet")
        && change.old.is_some()
        && change.effect() == Some(Effect::Pods)
}

pub(super) fn tell(change: &Change<'_>, found: &mut Vec<Consequence>) {
    let (Some(old), Some(new)) = (change.old, change.new) else {
        if let (None, Some(new)) = (change.old, change.new)
            && new.kind() == "Job"
        {
            found.push(restarts(Severity::Note, "runs once"));
        }
        return;
    };
    if change.renamed.is_some() {
        return;
    }
    replicas(old, new, found);
    let Some(path) = new.copied_place() else { return };
    let mut why = reasons(change, path);
    if why.is_empty() && change.effect() == Some(Effect::Pods) {
        why.push("pod template".to_owned());
    }
    if why.is_empty() {
        if change.below(path).next().is_some() {
            found.push(restarts(Severity::Note, "no restart: equivalent values"));
        }
        return;
    }
    let why = and(&why);
    let spec = &new.node["spec"];
    let consequence = match new.kind() {
        "CronJob" => restarts(Severity::Note, format!("from the next run on: {why}")),
        "ReplicaSet" | "ReplicationController" => restarts(Severity::Warning, format!("only new pods get it: {why}")),
        // A Job of the same name cannot change; that it is refused is told elsewhere.
        "Job" | "PodTemplate" => return,
        "Deployment" if spec["paused"].as_bool() == Some(true) => {
            restarts(Severity::Warning, format!("nothing restarts while it is paused: {why}"))
        }
        "StatefulSet" | "DaemonSet" if spec["updateStrategy"]["type"].text() == "OnDelete" => {
            restarts(Severity::Warning, format!("pods get it only when they are deleted (OnDelete): {why}"))
        }
        _ if spec["replicas"].as_i64() == Some(0) => return,
        _ => restarts(Severity::Note, format!("pods restart: {why}{}", meanwhile(new))),
    };
    found.push(consequence);
}

/// What a restart means for those who use the pods.
fn meanwhile(object: &Object) -> &'static str {
    let spec = &object.node["spec"];
    let alone = spec["replicas"].as_i64().unwrap_or(1) == 1;
    match object.kind() {
        "Deployment" if spec["strategy"]["type"].text() == "Recreate" => "; all stop before new ones start",
        "StatefulSet" if alone => "; with one replica it is unavailable meanwhile",
        _ => "",
    }
}

/// What changes in the pods, in words.
fn reasons(change: &Change<'_>, path: &'static [&'static str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut reasons: Vec<String> =
        change.below(path).filter(|field| !field.equivalent).map(|field| reason(field, path.len())).collect();
    reasons.retain(|reason| seen.insert(reason.clone()));
    if reasons.len() > MOST_REASONS {
        let more = reasons.len() - MOST_REASONS + 1;
        reasons.truncate(MOST_REASONS - 1);
        reasons.push(format!("{more} more fields"));
    }
    reasons
}

fn reason(field: &FieldChange<'_>, skipped: usize) -> String {
    let key = field.key();
    if field.follows {
        return format!("new {}", names(field));
    }
    match field.path.as_slice() {
        [.., Step::Key(parent), Step::Data(key)] if parent == "annotations" && key.starts_with("checksum/") => {
            "checksum annotation".to_owned()
        }
        [.., Step::Key(parent), Step::Data(key)] if parent == "annotations" || parent == "labels" => {
            format!("{} `{key}`", parent.trim_end_matches('s'))
        }
        [.., Step::Item { label: Some(container), .. }, Step::Key(key)] if key == "image" => {
            format!("image of `{container}`")
        }
        [.., Step::Key(list), Step::Item { label: Some(name), .. }, Step::Key(_)]
        | [.., Step::Key(list), Step::Item { label: Some(name), .. }]
            if list == "env" =>
        {
            format!("variable `{name}`")
        }
        path => {
            let rest = crate::diff::shown(path.get(skipped..).unwrap_or_default());
            let rest = rest.strip_prefix("spec.").unwrap_or(&rest);
            let order = if matches!(field.what, What::Reordered(..) | What::Rearranged(..)) { "order of " } else { "" };
            if rest.is_empty() { key.to_owned() } else { format!("{order}`{rest}`") }
        }
    }
}

/// What a field that follows an object names.
fn names(field: &FieldChange<'_>) -> String {
    let name = field.before().map(Node::text).unwrap_or_default();
    format!("`{}`", crate::bundle::bare_name(name).unwrap_or(name))
}

fn replicas(old: &Object, new: &Object, found: &mut Vec<Consequence>) {
    if !matches!(new.kind(), "Deployment" | "StatefulSet" | "ReplicaSet") {
        return;
    }
    // Absent is one.
    let number = |object: &Object| object.node["spec"]["replicas"].as_i64().unwrap_or(1);
    let (before, after) = (number(old), number(new));
    if after == 0 && before > 0 {
        found.push(shrinks(Severity::Warning, "all pods stop: no replicas left"));
    } else if after < before {
        found.push(shrinks(Severity::Note, format!("{} of {before} pods stop", before - after)));
    }
}
