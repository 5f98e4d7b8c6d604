//! Restarts of pods, runs of Jobs, and replicas that stop.

use foldhash::{HashSet, HashSetExt};

use crate::diff::consequences::{Consequence, join_and, restarts, shrinks};
use crate::diff::{Difference, FieldChange, ObjectChange, PathStep};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::Object;
use crate::updates::Effect;

/// The maximum number of reasons in a message.
const MAX_REASONS: usize = 3;

/// Whether applying the change makes the controller replace the pods.
pub(super) fn restarts_pods(change: &ObjectChange<'_>) -> bool {
    matches!(change.object().kind(), "Deployment" | "StatefulSet" | "DaemonSet")
        && change.old.is_some()
        && change.effect() == Some(Effect::Pods)
}

pub(super) fn add(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
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
    let Some(path) = new.copied_path() else { return };
    let mut reasons = reasons(change, path);
    if reasons.is_empty() && change.effect() == Some(Effect::Pods) {
        reasons.push("pod template".to_owned());
    }
    if reasons.is_empty() {
        if change.below(path).next().is_some() {
            found.push(restarts(Severity::Note, "no restart: equivalent values"));
        }
        return;
    }
    let reasons = join_and(&reasons);
    let spec = &new.node["spec"];
    let consequence = match new.kind() {
        "CronJob" => restarts(Severity::Note, format!("takes effect with the next run: {reasons}")),
        "ReplicaSet" | "ReplicationController" => {
            restarts(Severity::Warning, format!("takes effect only for new pods: {reasons}"))
        }
        // A change of a Job is rejected, which is reported elsewhere.
        "Job" | "PodTemplate" => return,
        "Deployment" if spec["paused"].as_bool() == Some(true) => {
            restarts(Severity::Warning, format!("no restart while the rollout is paused: {reasons}"))
        }
        "StatefulSet" | "DaemonSet" if spec["updateStrategy"]["type"].text() == "OnDelete" => {
            restarts(Severity::Warning, format!("takes effect only when pods are deleted (OnDelete): {reasons}"))
        }
        _ if spec["replicas"].as_i64() == Some(0) => return,
        _ => restarts(Severity::Note, format!("pods restart: {reasons}{}", disruption(new))),
    };
    found.push(consequence);
}

/// The disruption during a restart.
fn disruption(object: &Object) -> &'static str {
    let spec = &object.node["spec"];
    let is_single = spec["replicas"].as_i64().unwrap_or(1) == 1;
    match object.kind() {
        "Deployment" if spec["strategy"]["type"].text() == "Recreate" => "; all old pods stop before new ones start",
        "StatefulSet" if is_single => "; unavailable during the restart, with one replica",
        _ => "",
    }
}

/// The changes of the pod template, as short descriptions.
fn reasons(change: &ObjectChange<'_>, path: &'static [&'static str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut reasons: Vec<String> =
        change.below(path).filter(|field| !field.equivalent).map(|field| reason(field, path.len())).collect();
    reasons.retain(|reason| seen.insert(reason.clone()));
    if reasons.len() > MAX_REASONS {
        let more = reasons.len() - MAX_REASONS + 1;
        reasons.truncate(MAX_REASONS - 1);
        reasons.push(format!("{more} more fields"));
    }
    reasons
}

fn reason(field: &FieldChange<'_>, skipped: usize) -> String {
    let key = field.key();
    if field.follows_rename {
        return format!("new {}", referenced_name(field));
    }
    match field.path.as_slice() {
        [.., PathStep::Field(parent), PathStep::MapKey(key)]
            if parent == "annotations" && key.starts_with("checksum/") =>
        {
            "checksum annotation".to_owned()
        }
        [.., PathStep::Field(parent), PathStep::MapKey(key)] if parent == "annotations" || parent == "labels" => {
            format!("{} `{key}`", parent.trim_end_matches('s'))
        }
        [.., PathStep::Item { label: Some(container), .. }, PathStep::Field(key)] if key == "image" => {
            format!("image of `{container}`")
        }
        [.., PathStep::Field(list), PathStep::Item { label: Some(name), .. }, PathStep::Field(_)]
        | [.., PathStep::Field(list), PathStep::Item { label: Some(name), .. }]
            if list == "env" =>
        {
            format!("variable `{name}`")
        }
        path => {
            let rest = crate::diff::labeled_path(path.get(skipped..).unwrap_or_default());
            let rest = rest.strip_prefix("spec.").unwrap_or(&rest);
            let order = if matches!(field.difference, Difference::Reordered(..) | Difference::Rearranged(..)) {
                "order of "
            } else {
                ""
            };
            if rest.is_empty() { key.to_owned() } else { format!("{order}`{rest}`") }
        }
    }
}

/// The name of the referenced object without its content hash.
fn referenced_name(field: &FieldChange<'_>) -> String {
    let name = field.before().map(Node::text).unwrap_or_default();
    format!("`{}`", crate::bundle::bare_name(name).unwrap_or(name))
}

fn replicas(old: &Object, new: &Object, found: &mut Vec<Consequence>) {
    if !matches!(new.kind(), "Deployment" | "StatefulSet" | "ReplicaSet") {
        return;
    }
    // The default is 1.
    let number = |object: &Object| object.node["spec"]["replicas"].as_i64().unwrap_or(1);
    let (before, after) = (number(old), number(new));
    if after == 0 && before > 0 {
        found.push(shrinks(Severity::Warning, "all pods stop: scaled to zero"));
    } else if after < before {
        found.push(shrinks(Severity::Note, format!("{} of {before} pods stop", before - after)));
    }
}
