//! Groups objects into components: a workload with the objects that it uses, that select it, or that share its name.

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::matching::{MatchedObject, OwnWords};
use crate::node::Node;
use crate::object::Object;
use crate::references;

/// The component of each class; empty for a class that belongs to none, or if there is only one workload.
#[derive(Debug, Default)]
pub(super) struct Components {
    /// The component of each class, by index.
    pub(super) of: Vec<EcoString>,
    /// The name of the only workload, or the common prefix of all workload names. Field names leave it out.
    pub(super) app: EcoString,
}

impl Components {
    pub(super) fn find(classes: &[MatchedObject<'_>], words: &[OwnWords]) -> Self {
        let names: Vec<String> = classes.iter().map(|class| plain_name(class, words)).collect();
        let workloads: Vec<usize> = (0..classes.len())
            .filter(|at| !classes[*at].first().pod_templates().is_empty() && !is_job(classes[*at].first()))
            .collect();
        let mut of = vec![EcoString::new(); classes.len()];
        let app = common_prefix(workloads.iter().map(|at| names[*at].as_str()));
        if workloads.len() < 2 {
            return Self { of, app: workloads.first().map_or_else(EcoString::new, |at| names[*at].as_str().into()) };
        }
        let mut by_object: HashMap<(&str, &str), usize> = HashMap::new();
        for (at, class) in classes.iter().enumerate() {
            by_object.insert((class.first().kind(), class.first().name()), at);
        }
        for at in &workloads {
            of[*at] = short(&names[*at], &app);
        }
        // An object that several workloads use belongs to none of them.
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); classes.len()];
        for at in &workloads {
            let object = classes[*at].first();
            references::all_names(object, &[], &mut |name| {
                if let Some(named) = by_object.get(&(name.kind, name.name)) {
                    users[*named].push(*at);
                }
            });
            let labels = object.pod_templates().first().map(|template| &template.metadata["labels"]);
            for (other, class) in classes.iter().enumerate() {
                if labels.is_some_and(|labels| selects(class.first(), labels)) {
                    users[other].push(*at);
                }
                let target = class.first().node.at(&["spec", "scaleTargetRef"]);
                if target["kind"].text() == object.kind() && target["name"].text() == object.name() {
                    users[other].push(*at);
                }
            }
        }
        for at in 0..classes.len() {
            users[at].dedup();
            if !of[at].is_empty() {
                continue;
            }
            if let [user] = users[at].as_slice() {
                of[at] = of[*user].clone();
            } else if users[at].is_empty() {
                // The workload with the longest name that is a prefix of its name.
                let named = workloads.iter().filter(|workload| {
                    let name = names[**workload].as_str();
                    names[at] == name
                        || names[at].strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '.', ':']))
                });
                let longest = named.max_by_key(|workload| names[**workload].len());
                of[at] = longest.map_or_else(EcoString::new, |workload| of[*workload].clone());
            }
        }
        Self { of, app }
    }

    /// The name of a class's template file, without folder and extension.
    pub(super) fn file(&self, number: usize, class: &MatchedObject<'_>) -> String {
        let object = class.first();
        let component = &self.of[number];
        match object.kind() {
            "CustomResourceDefinition" => "crds".to_owned(),
            _ if !component.is_empty() => component.to_string(),
            "Namespace" => "namespace".to_owned(),
            "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" | "ServiceAccount"
                if self.of.iter().any(|component| !component.is_empty()) =>
            {
                "rbac".to_owned()
            }
            _ if self.of.iter().any(|component| !component.is_empty()) => "common".to_owned(),
            _ if self.app.is_empty() => "objects".to_owned(),
            _ => self.app.to_string(),
        }
    }
}

fn is_job(object: &Object) -> bool {
    matches!(object.kind(), "Job" | "Pod")
}

/// The name of a class without the words that identify a copy, and without words that differ between the copies, such
/// as a hash.
pub(super) fn plain_name(class: &MatchedObject<'_>, words: &[OwnWords]) -> String {
    let is_sign = |c: char| matches!(c, '-' | '.' | ':' | '_' | '\u{1}');
    let names = class.objects.iter().zip(words).filter_map(|(object, words)| Some((object.as_ref()?.name(), words)));
    let mut normal = names.map(|(name, words)| words.normalize(name));
    let first = normal.next().unwrap_or_else(|| class.first().name().to_owned());
    let mut plain: Vec<&str> = first.split(is_sign).filter(|part| !part.is_empty()).collect();
    for other in normal.filter(|other| *other != first) {
        plain.retain(|part| other.split(is_sign).any(|word| word == *part));
    }
    if plain.is_empty() { class.first().name().to_owned() } else { plain.join("-") }
}

/// The common prefix of all names, in whole words.
fn common_prefix<'n>(names: impl Iterator<Item = &'n str> + Clone) -> EcoString {
    let Some(first) = names.clone().next() else { return EcoString::new() };
    let parts: Vec<&str> = first.split('-').collect();
    let count = (0..parts.len())
        .take_while(|at| names.clone().all(|name| name.split('-').nth(*at) == Some(parts[*at])))
        .count();
    parts[..count].join("-").into()
}

/// A name without the common prefix; the whole name if nothing else is left.
pub(super) fn short(name: &str, app: &str) -> EcoString {
    match name.strip_prefix(app).map(|rest| rest.trim_start_matches('-')) {
        Some(rest) if !rest.is_empty() && !app.is_empty() => rest.into(),
        _ => name.into(),
    }
}

/// Whether an object selects pods with these labels.
fn selects(object: &Object, labels: &Node) -> bool {
    let spec = &object.node["spec"];
    let selector = match object.kind() {
        "Service" => &spec["selector"],
        "PodDisruptionBudget" | "ServiceMonitor" | "PodMonitor" => &spec["selector"]["matchLabels"],
        "NetworkPolicy" => &spec["podSelector"]["matchLabels"],
        _ => return false,
    };
    !selector.entries().is_empty() && selector.entries().iter().all(|entry| labels[entry.key.as_str()] == entry.value)
}
