//! What `kubectl apply` cannot do, and what it leaves behind.

use foldhash::{HashMap, HashSet};

use crate::diff::consequences::{Consequence, delete, renames, shrinks};
use crate::diff::{Change, Renamed, Step, What};
use crate::finding::{RuleId, Severity};
use crate::formats::quantity::Quantity;
use crate::node::Node;
use crate::object::Object;
use crate::yaml::json;

pub(super) fn tell(change: &Change<'_>, found: &mut Vec<Consequence>) {
    match (change.old, change.new) {
        (Some(old), None) => gone(old, found),
        (Some(old), Some(new)) if change.renamed.is_some() => renamed(old, new, change.renamed, found),
        (Some(old), Some(_)) => {
            smaller(old.kind(), change, found);
            stays(change, found);
        }
        _ => {}
    }
}

/// Gone from the manifests, and not from the cluster.
fn gone(old: &Object, found: &mut Vec<Consequence>) {
    if old.is_kind_config() {
        return;
    }
    let stays = "stays in the cluster: `kubectl apply` deletes nothing";
    let message = match old.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" => format!("{stays}, and its pods keep running"),
        "CronJob" => format!("{stays}, and it keeps running on schedule"),
        "HorizontalPodAutoscaler" => format!("{stays}, and it keeps scaling"),
        "NetworkPolicy" => format!("{stays}, and it keeps holding traffic back"),
        _ => stays.to_owned(),
    };
    found.push(renames(Severity::Warning, message).with_help(delete(old)));
}

fn renamed(old: &Object, new: &Object, how: Option<Renamed>, found: &mut Vec<Consequence>) {
    if how == Some(Renamed::ByContent) {
        let message = match new.kind() {
            "Job" => "runs again, under its new name; the old Job stays".to_owned(),
            kind => format!("a new {kind} is created; the old one stays for pods that still use it"),
        };
        let rule = if new.kind() == "Job" { RuleId::ChangeRestarts } else { RuleId::ChangeRenames };
        found.push(Consequence::new(rule, Severity::Note, message));
        return;
    }
    let shown = if old.namespace() == new.namespace() {
        old.id.to_string()
    } else {
        format!("{} in namespace `{}`", old.id, old.namespace())
    };
    let and = match old.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" => ", and both run",
        "Service" => "; clients must be updated to the new name",
        "PersistentVolumeClaim" => ", and so does its data: the new claim is empty",
        _ => "",
    };
    found.push(renames(Severity::Warning, format!("{shown} is left behind{and}")).with_help(delete(old)));
    if old.kind() == "StatefulSet" && old.node["spec"]["volumeClaimTemplates"].is_set() {
        found.push(shrinks(
            Severity::Warning,
            "its pods get new, empty volumes: claim names contain the StatefulSet's name",
        ));
    }
}

/// What would be lost, told beside a refusal.
pub(super) fn lost(change: &Change<'_>, found: &mut Vec<Consequence>) {
    let (Some(old), Some(new)) = (change.old, change.new) else { return };
    let (from, to) = (&old.node, &new.node);
    match old.kind() {
        "PersistentVolumeClaim" => storage(&from["spec"], &to["spec"], "", found),
        "StatefulSet" => {
            let [from, to] = [from, to].map(|set| set["spec"]["volumeClaimTemplates"].items());
            let name = |claim: &Node| claim["metadata"]["name"].text().to_owned();
            // Backwards, so that the first of a name stays.
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

/// Keys that are gone from `stringData`, from which the server only adds to `data`.
pub(super) fn stays(change: &Change<'_>, found: &mut Vec<Consequence>) {
    if (change.object().group(), change.object().kind()) != ("", "Secret") {
        return;
    }
    for field in change.fields.iter().filter(|field| field.equivalent && matches!(field.what, What::Removed(_))) {
        if let [Step::Key(place), Step::Data(key)] = field.path.as_slice()
            && place == "stringData"
            && change.new.is_some_and(|new| new.node["data"][key.as_str()].is_null())
        {
            let message = format!(
                "key `{key}` stays in the Secret: removing it from `stringData` does not remove it from `data`"
            );
            found.push(renames(Severity::Warning, message).with_help("delete the Secret, or write it with `data`"));
        }
    }
}

/// Lists and amounts that matter where they shrink.
fn smaller(kind: &str, change: &Change<'_>, found: &mut Vec<Consequence>) {
    let Some((from, to)) = change.stored() else { return };
    match kind {
        "Role" | "ClusterRole" => {
            let after: HashSet<_> = to["rules"].items().iter().map(grants).collect();
            let less = from["rules"].items().iter().any(|rule| !after.contains(&grants(rule)));
            if less && to["rules"].items().len() <= from["rules"].items().len() {
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
                    let message = format!("lowers `{}`; running pods stay, new ones may be rejected", entry.key);
                    found.push(shrinks(Severity::Warning, message));
                }
            }
        }
        _ => {}
    }
}

/// What tells a rule of a role from others.
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
        let message = format!("the volume{which} would shrink; volumes can only be expanded");
        found.push(shrinks(Severity::Error, message).with_help("back up the data, delete the claim, restore"));
    }
}
