//! Objects that `kubectl apply` leaves behind, and capacity that is lost.

use foldhash::{HashMap, HashSet};

use crate::diff::consequences::{Consequence, delete_command, renames, shrinks};
use crate::diff::{Difference, ObjectChange, PathStep, RenameKind};
use crate::finding::{RuleId, Severity};
use crate::formats::quantity::Quantity;
use crate::node::Node;
use crate::object::Object;
use crate::yaml::json;

pub(super) fn add(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    match (change.old, change.new) {
        (Some(old), None) => removed(old, found),
        (Some(old), Some(new)) if change.renamed.is_some() => renamed(old, new, change.renamed, found),
        (Some(old), Some(_)) => {
            add_reductions(old.kind(), change, found);
            add_retained_keys(change, found);
        }
        _ => {}
    }
}

/// The object is removed from the manifests but remains in the cluster.
fn removed(old: &Object, found: &mut Vec<Consequence>) {
    if old.is_kind_config() {
        return;
    }
    let remains = "remains in the cluster: `kubectl apply` does not delete objects";
    let message = match old.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" => format!("{remains}, and its pods keep running"),
        "CronJob" => format!("{remains}, and it keeps creating Jobs"),
        "HorizontalPodAutoscaler" => format!("{remains}, and it keeps scaling"),
        "NetworkPolicy" => format!("{remains}, and it keeps blocking traffic"),
        _ => remains.to_owned(),
    };
    found.push(renames(Severity::Warning, message).with_help(delete_command(old)));
}

fn renamed(old: &Object, new: &Object, kind: Option<RenameKind>, found: &mut Vec<Consequence>) {
    if kind == Some(RenameKind::ContentHash) {
        let message = match new.kind() {
            "Job" => "runs again under its new name; the old Job remains".to_owned(),
            kind => format!("a new {kind} is created; the old one remains for pods that still use it"),
        };
        let rule = if new.kind() == "Job" { RuleId::ChangeRestarts } else { RuleId::ChangeRenames };
        found.push(Consequence::new(rule, Severity::Note, message));
        return;
    }
    let old_name = if old.namespace() == new.namespace() {
        old.id.to_string()
    } else {
        format!("{} in namespace `{}`", old.id, old.namespace())
    };
    let effect = match old.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" => ", and both run",
        "Service" => "; clients must be updated to the new name",
        "PersistentVolumeClaim" => ", and so does its data: the new claim is empty",
        _ => "",
    };
    found.push(renames(Severity::Warning, format!("{old_name} is left behind{effect}")).with_help(delete_command(old)));
    if old.kind() == "StatefulSet" && old.node["spec"]["volumeClaimTemplates"].is_set() {
        found.push(shrinks(
            Severity::Warning,
            "its pods get new, empty volumes: claim names contain the name of the StatefulSet",
        ));
    }
}

/// Storage that a rejected change would shrink.
pub(super) fn add_storage_loss(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    let (Some(old), Some(new)) = (change.old, change.new) else { return };
    let (from, to) = (&old.node, &new.node);
    match old.kind() {
        "PersistentVolumeClaim" => storage(&from["spec"], &to["spec"], "", found),
        "StatefulSet" => {
            let [from, to] = [from, to].map(|set| set["spec"]["volumeClaimTemplates"].items());
            let name = |claim: &Node| claim["metadata"]["name"].text().to_owned();
            // In reverse, so that the first claim with a name takes precedence.
            let after: HashMap<String, &Node> = to.iter().rev().map(|claim| (name(claim), claim)).collect();
            for claim in from {
                let name = name(claim);
                if let Some(after) = after.get(&name) {
                    storage(&claim["spec"], &after["spec"], &name, found);
                }
            }
        }
        _ => {}
    }
}

/// Keys that are removed from `stringData` but remain in `data`, since the API server only merges `stringData` into it.
pub(super) fn add_retained_keys(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    if (change.object().group(), change.object().kind()) != ("", "Secret") {
        return;
    }
    for field in
        change.fields.iter().filter(|field| field.equivalent && matches!(field.difference, Difference::Removed(_)))
    {
        if let [PathStep::Field(field), PathStep::MapKey(key)] = field.path.as_slice()
            && field == "stringData"
            && change.new.is_some_and(|new| new.node["data"][key.as_str()].is_null())
        {
            let message = format!(
                "key `{key}` remains in the Secret: removing it from `stringData` does not remove it from `data`"
            );
            found.push(renames(Severity::Warning, message).with_help("delete the Secret, or use `data` instead"));
        }
    }
}

/// Permissions and quotas that are reduced.
fn add_reductions(kind: &str, change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    let Some((from, to)) = change.stored() else { return };
    match kind {
        "Role" | "ClusterRole" => {
            let after: HashSet<_> = to["rules"].items().iter().map(grants).collect();
            let is_reduced = from["rules"].items().iter().any(|rule| !after.contains(&grants(rule)));
            if is_reduced && to["rules"].items().len() <= from["rules"].items().len() {
                found.push(shrinks(Severity::Note, "changes or removes permissions immediately"));
            }
        }
        "ResourceQuota" => {
            for entry in from["spec"]["hard"].entries() {
                let (before, after) =
                    (Quantity::of(&entry.value), Quantity::of(&to["spec"]["hard"][entry.key.as_str()]));
                if let (Some(before), Some(after)) = (before, after)
                    && after < before
                {
                    let message = format!("lowers `{}`; running pods are kept, new ones may be rejected", entry.key);
                    found.push(shrinks(Severity::Warning, message));
                }
            }
        }
        _ => {}
    }
}

/// A normalized rule of a Role, for comparison.
fn grants(rule: &Node) -> [String; 5] {
    ["apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs"].map(|field| {
        let mut all: Vec<String> = rule[field].items().iter().map(json).collect();
        all.sort();
        all.concat()
    })
}

fn storage(old: &Node, new: &Node, claim: &str, found: &mut Vec<Consequence>) {
    let request = |spec: &Node| Quantity::of(spec.at(&["resources", "requests", "storage"]));
    if let (Some(before), Some(after)) = (request(old), request(new))
        && after < before
    {
        let which = if claim.is_empty() { String::new() } else { format!(" of `{claim}`") };
        let message = format!("the volume{which} would shrink, but volumes can only be expanded");
        found.push(
            shrinks(Severity::Error, message)
                .with_help("back up the data, delete the claim, and restore the data into a new one"),
        );
    }
}
