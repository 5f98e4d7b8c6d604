//! Chooses descriptive names for fields.

use std::collections::BTreeMap;

use ecow::EcoString;

use crate::json_schema::is_layer_field;

use super::components::{Components, plain_name, short};
use super::fields::{FieldSet, FieldUse, ProfileField};
use super::matching::{MatchedObject, OwnWords};
use super::parts::PathStep;
use super::strings::Hint;

/// Names with a meaning in templates or profiles. The fields of layers are reserved too.
const RESERVED: &[&str] = &[
    "and",
    "app_labels",
    "checksum",
    "else",
    "environment",
    "external",
    "false",
    "for",
    "if",
    "in",
    "is",
    "none",
    "not",
    "objects",
    "or",
    "profile",
    "sql",
    "team_sql",
    "true",
];

/// Assigns names to all fields.
pub(super) fn assign(
    fields: &mut FieldSet,
    classes: &[MatchedObject<'_>],
    components: &Components,
    words: &[OwnWords],
) {
    for field in fields.all.iter_mut().filter(|field| field.flag) {
        field.uses.sort_by_key(|usage| prominence(usage, classes));
    }
    let mut taken: BTreeMap<Vec<EcoString>, usize> = BTreeMap::new();
    // Fields with more uses choose first.
    let mut order: Vec<usize> = (0..fields.all.len()).collect();
    order.sort_by_key(|at| (rank(&fields.all[*at]), std::cmp::Reverse(fields.all[*at].uses.len()), *at));
    for at in order {
        let field = &fields.all[at];
        let wanted = candidates(field, classes, components, words);
        let free = |name: &Vec<EcoString>| !name.is_empty() && is_free(&taken, name);
        let name = wanted.iter().find(|name| free(name)).cloned().unwrap_or_else(|| {
            let stem = wanted.into_iter().rfind(|name| !name.is_empty()).unwrap_or_else(|| vec!["value".into()]);
            let numbered = |number: usize| {
                let mut name = stem.clone();
                // The number goes on the switched part, not on `enabled`.
                let at = if field.flag && name.len() > 1 { name.len() - 2 } else { name.len() - 1 };
                name[at] = format!("{}{number}", name[at]).into();
                name
            };
            (2..).map(numbered).find(|name| free(name)).unwrap_or_default()
        });
        taken.insert(name.clone(), at);
        fields.all[at].name = name;
    }
}

/// The order in which the parts of a flag are considered for its name: workloads, then configuration, then what these
/// depend on.
fn prominence(usage: &FieldUse, classes: &[MatchedObject<'_>]) -> usize {
    let object = classes[usage.location.class].first();
    match object.kind() {
        _ if !usage.location.path.is_empty() => 3,
        "Secret" | "Namespace" | "ServiceAccount" | "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => 2,
        "Job" | "Pod" => 1,
        _ => usize::from(object.pod_template().is_none()),
    }
}

/// The namespace comes first, flags last.
fn rank(field: &ProfileField) -> usize {
    let is_namespace = field
        .uses
        .iter()
        .any(|usage| usage.hint == Hint::Namespace || usage.location.key() == "namespace" && usage.hint == Hint::None);
    if is_namespace { 0 } else { 1 + usize::from(field.flag) }
}

/// Whether a name is free: neither a prefix nor an extension of another field's name.
fn is_free(taken: &BTreeMap<Vec<EcoString>, usize>, name: &[EcoString]) -> bool {
    (1..=name.len()).all(|length| !taken.contains_key(&name[..length]))
        && !taken.range(name.to_vec()..).next().is_some_and(|(other, _)| other.starts_with(name))
}

/// The possible names of a field, the best first.
fn candidates(
    field: &ProfileField,
    classes: &[MatchedObject<'_>],
    components: &Components,
    words: &[OwnWords],
) -> Vec<Vec<EcoString>> {
    let mut votes: Vec<(Vec<EcoString>, usize, &FieldUse)> = Vec::new();
    for usage in &field.uses {
        let name = if field.flag {
            flag_name(usage, classes, components, words)
        } else {
            suggestion(usage, classes, components, words)
        };
        match votes.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, count, _)) => *count += 1,
            None => votes.push((name, 1, usage)),
        }
    }
    let mut used: Vec<&EcoString> = field.uses.iter().map(|usage| &components.of[usage.location.class]).collect();
    used.sort_unstable();
    used.dedup();
    let component = match used.as_slice() {
        [one] if !one.is_empty() => Some(camel(one)),
        _ => None,
    };
    // The uses of a flag are already ordered by prominence.
    if !field.flag {
        votes.sort_by_key(|(name, count, _)| (is_uninformative(name), std::cmp::Reverse(*count)));
    }
    let mut wanted = Vec::new();
    for (name, _, usage) in &votes {
        let safe: Vec<EcoString> = name.iter().map(unreserved).collect();
        let class = &classes[usage.location.class];
        let object = camel(&short(&plain_name(class, words), &components.app));
        let container = usage.location.path.iter().rev().find_map(|step| match step {
            PathStep::Item(item) if item.parse::<u32>().is_err() => Some(camel(item)),
            _ => None,
        });
        let below = |first: EcoString| -> Vec<EcoString> {
            if safe.first() == Some(&first) {
                safe.clone()
            } else {
                std::iter::once(unreserved(&first)).chain(safe.iter().cloned()).collect()
            }
        };
        match &component {
            Some(component) if safe.first().is_none_or(|first| first != "namespace") => {
                wanted.push(below(component.clone()));
                if let Some(container) = &container {
                    let mut name = below(container.clone());
                    if name.first() != Some(component) {
                        name.insert(0, unreserved(component));
                    }
                    wanted.push(name);
                }
            }
            _ => {
                wanted.push(safe.clone());
                if let Some(container) = &container {
                    wanted.push(below(container.clone()));
                }
            }
        }
        if let Some(longer) = qualified_by_file(usage, class.first().kind()) {
            wanted.push(component.iter().map(unreserved).chain(longer).collect());
        }
        wanted.push(below(object.clone()));
        wanted.push(below(format!("{object}{}", class.first().kind()).into()));
    }
    wanted
}

/// A longer name for a value in a ConfigMap or a Secret: qualified by the file, or with the key unchanged.
fn qualified_by_file(usage: &FieldUse, kind: &str) -> Option<Vec<EcoString>> {
    let [PathStep::Key(top), PathStep::Key(file)] = usage.location.path.as_slice() else { return None };
    let first = if kind == "Secret" { "secrets" } else { "config" };
    match (top.as_str(), &usage.hint) {
        ("data" | "stringData", Hint::Named(named)) => Some(vec![first.into(), camel(stem(file)), camel(named)]),
        ("data" | "stringData", _) if is_identifier(file) => Some(vec![first.into(), file.clone()]),
        _ => None,
    }
}

/// The name of a file without its extension.
fn stem(file: &str) -> &str {
    file.rsplit_once('.').filter(|(_, end)| end.len() < 6).map_or(file, |(stem, _)| stem)
}

/// Whether a name says little about its field.
fn is_uninformative(name: &[EcoString]) -> bool {
    matches!(name.last().map(EcoString::as_str), None | Some("value" | "name" | "word"))
}

fn unreserved(part: &EcoString) -> EcoString {
    if RESERVED.contains(&part.as_str()) || is_layer_field(part) { format!("{part}Value").into() } else { part.clone() }
}

/// The name of a flag, after the object or part that depends on it.
fn flag_name(
    usage: &FieldUse,
    classes: &[MatchedObject<'_>],
    components: &Components,
    words: &[OwnWords],
) -> Vec<EcoString> {
    let class = &classes[usage.location.class];
    let name = match usage.location.path.as_slice() {
        [] if class.first().kind() == "CustomResourceDefinition" => "crds".into(),
        [] => {
            let plain = plain_name(class, words);
            let short = short(&plain, &components.app);
            let component = &components.of[usage.location.class];
            let rest = super::components::short(&short, component);
            if plain == components.app.as_str() || rest == *component && class.first().pod_templates().is_empty() {
                camel(class.first().kind())
            } else {
                camel(&rest)
            }
        }
        [.., PathStep::Item(item)] if item.parse::<u32>().is_err() => camel(item),
        path => path
            .iter()
            .rev()
            .find_map(|step| if let PathStep::Key(key) = step { Some(camel(key)) } else { None })
            .unwrap_or_default(),
    };
    vec![name, "enabled".into()]
}

/// The name that a location suggests.
fn suggestion(
    usage: &FieldUse,
    classes: &[MatchedObject<'_>],
    components: &Components,
    words: &[OwnWords],
) -> Vec<EcoString> {
    let path = &usage.location.path;
    let class = &classes[usage.location.class];
    let kind = class.first().kind();
    let keys: Vec<&str> =
        path.iter().filter_map(|step| if let PathStep::Key(key) = step { Some(key.as_str()) } else { None }).collect();
    let name = |parts: &[&str]| -> Vec<EcoString> { parts.iter().map(|part| EcoString::from(*part)).collect() };
    let last = keys.last().copied().unwrap_or_default();
    let parent = keys.len().checked_sub(2).map_or("", |at| keys[at]);
    let item =
        path.iter().rev().find_map(|step| if let PathStep::Item(item) = step { Some(item.as_str()) } else { None });
    let ends_in_item = path.last().is_some_and(|step| step.item().is_some());
    let hint = |first: &str| -> Vec<EcoString> {
        let mut parts = name(&[first]);
        match &usage.hint {
            Hint::Tag => parts.push("tag".into()),
            Hint::Repository => parts.push("repository".into()),
            Hint::Digest => parts.push("digest".into()),
            Hint::Named(named) => parts.push(camel(named)),
            Hint::None | Hint::Word | Hint::Namespace => {}
        }
        parts
    };
    match (keys.as_slice(), last) {
        _ if usage.hint == Hint::Word => name(&["instance"]),
        _ if usage.hint == Hint::Namespace => name(&["namespace"]),
        (["metadata", "namespace"], _) | (_, "namespace") => name(&["namespace"]),
        (["metadata", "name"], _) => {
            let within_app = short(&plain_name(class, words), &components.app);
            let own = short(&within_app, &components.of[usage.location.class]);
            name(&[&camel(&format!("{own}-name"))])
        }
        (["metadata", "labels", key], _) | ([.., "labels" | "matchLabels", key], _) => {
            name(&["labels", &camel(short_key(key))])
        }
        ([.., "selector", key], _) if kind == "Service" => name(&["labels", &camel(short_key(key))]),
        ([.., "annotations", key], _) => match kind {
            "Ingress" | "Service" => name(&[&camel(kind), "annotations", &camel(short_key(key))]),
            _ => name(&["annotations", &camel(short_key(key))]),
        },
        (["apiVersion"], _) => name(&["apiVersions", &camel(kind)]),
        ([.., "image"], _) => hint("image"),
        ([.., "imagePullPolicy"], _) => name(&["image", "pullPolicy"]),
        ([.., "imagePullSecrets"], _) => name(&["imagePullSecrets"]),
        ([.., "imagePullSecrets", _], _) => name(&["image", "pullSecret"]),
        ([.., "env", "value"], _) => match item {
            Some(item) if is_identifier(item) => {
                let mut parts = name(&["env", item]);
                if let Hint::Named(named) = &usage.hint {
                    parts.push(camel(named));
                }
                parts
            }
            Some(item) => name(&["env", &camel(item)]),
            None => name(&["env"]),
        },
        _ if keys.contains(&"valueFrom") => {
            let item = item.unwrap_or("variable");
            name(&["envFrom", if is_identifier(item) { item } else { "variable" }, &camel(last)])
        }
        ([.., "args" | "command"], _) => match &usage.hint {
            Hint::Named(named) => name(&["args", &camel(named)]),
            _ => match item.filter(|item| item.parse::<u32>().is_err()) {
                Some(item) => name(&[last, &camel(item)]),
                None => name(&[last]),
            },
        },
        ([.., "resources", "requests", "storage"], _) | ([.., "capacity", "storage"], _) => name(&["storage", "size"]),
        ([.., "storageClassName"], _) => name(&["storage", "className"]),
        ([.., "accessModes"], _) => name(&["storage", "accessModes"]),
        ([.., "resources"], _) => name(&["resources"]),
        ([.., "resources", group], _) => name(&["resources", group]),
        ([.., "resources", group, key], _) => name(&["resources", group, &camel(key)]),
        _ if keys.iter().any(|key| key.ends_with("Probe")) => {
            let probe = keys.iter().find(|key| key.ends_with("Probe")).copied().unwrap_or(last);
            if probe == last { name(&[probe]) } else { name(&[probe, &camel(last)]) }
        }
        (["spec", "ports", key], _) | (["spec", key], _) if kind == "Service" => name(&["service", &camel(key)]),
        (_, "host") if kind == "Ingress" => name(&["ingress", "host"]),
        (_, "hosts") if kind == "Ingress" => name(&["ingress", if ends_in_item { "host" } else { "hosts" }]),
        (_, "secretName") if kind == "Ingress" => name(&["ingress", "tlsSecret"]),
        (_, "ingressClassName") => name(&["ingress", "className"]),
        (["spec", rest @ ..], _) if kind == "HorizontalPodAutoscaler" => {
            name(&["autoscaling", &camel(rest.last().unwrap_or(&"value"))])
        }
        (["spec", key], _) if kind == "PodDisruptionBudget" => name(&["disruptionBudget", key]),
        (["spec", key @ ("replicas" | "schedule" | "suspend")], _) => name(&[key]),
        (["data" | "stringData" | "binaryData", rest @ ..], _) => {
            let secret = kind == "Secret";
            let mut parts = name(&[if secret { "secrets" } else { "config" }]);
            let (file, inner) = rest.split_first().map_or(("", &[] as &[&str]), |(file, inner)| (*file, inner));
            if inner.is_empty() {
                match &usage.hint {
                    Hint::Named(named) => parts.push(camel(named)),
                    _ => parts.push(camel(stem(file))),
                }
            } else {
                // In the only file of a ConfigMap, the path within the file is enough.
                let data = &class.first().node[keys[0]];
                if secret || data.entries().len() > 1 {
                    parts.push(camel(stem(file)));
                }
                parts.extend(inner.iter().map(|key| camel(key)));
                if let Some(item) = item.filter(|item| item.parse::<u32>().is_err()) {
                    parts.push(camel(item));
                }
            }
            parts
        }
        (_, "port" | "containerPort" | "hostPort" | "nodePort" | "targetPort") => {
            let kind = if last == "port" || last == "targetPort" { "port" } else { last };
            match item.filter(|item| item.parse::<u32>().is_err()) {
                Some(item) => name(&["ports", &camel(item)]),
                None => name(&[kind]),
            }
        }
        ([], _) => vec![camel(kind)],
        _ => {
            let skipped = ["spec", "template", "metadata", "data", "value", "valueFrom"];
            let parent = if skipped.contains(&parent) || parent.is_empty() {
                item.filter(|item| item.parse::<u32>().is_err()).unwrap_or(parent)
            } else {
                parent
            };
            let mut parts = if skipped.contains(&parent) || parent.is_empty() {
                name(&[&camel(last)])
            } else {
                name(&[&camel(parent), &camel(last)])
            };
            if let Hint::Named(named) = &usage.hint {
                parts.push(camel(named));
            }
            parts
        }
    }
}

/// `app.kubernetes.io/version` becomes `version`.
fn short_key(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Converts `log-level`, `log_level` and `LOG_LEVEL` to `logLevel`.
pub(super) fn camel(text: &str) -> EcoString {
    let mut made = String::new();
    for part in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let is_upper = !part.chars().any(|c| c.is_ascii_lowercase());
        let part = if is_upper { part.to_ascii_lowercase() } else { part.to_owned() };
        let mut chars = part.chars();
        let first =
            chars.next().map_or(' ', |c| if made.is_empty() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
        made.push(first);
        made.push_str(chars.as_str());
    }
    match made.chars().next() {
        None => "value".into(),
        Some(c) if c.is_ascii_digit() => format!("n{made}").into(),
        _ => made.into(),
    }
}

/// A field's path as an expression.
pub(super) fn expression(name: &[EcoString]) -> String {
    name.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_name() {
        for (text, name) in [
            ("log-level", "logLevel"),
            ("LOG_LEVEL", "logLevel"),
            ("config.yaml", "configYaml"),
            ("Deployment", "deployment"),
            ("9090", "n9090"),
            ("---", "value"),
            ("nodePort", "nodePort"),
        ] {
            assert_eq!(camel(text), name, "{text}");
        }
    }
}
