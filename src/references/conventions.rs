//! Common names of fields in custom resources that refer to a ConfigMap or Secret: `configMapRef.name`, `secretName`, a
//! `kind` with a `name`. Only used for renaming, since the names are not reliable enough to report missing objects.

use ecow::EcoString;

use super::{ReferencedName, Rename};
use crate::node::{Node, Value};

/// Suffixes of keys in lower case whose value is a name or contains one in `name`, and the referenced kind.
const KEYS: [(&str, &str); 6] = [
    ("configmap", "ConfigMap"),
    ("configmapkeyref", "ConfigMap"),
    ("configmapref", "ConfigMap"),
    ("secret", "Secret"),
    ("secretkeyref", "Secret"),
    ("secretref", "Secret"),
];

/// Suffixes of keys whose value is a name.
const NAMES: [(&str, &str); 2] = [("configmapname", "ConfigMap"), ("secretname", "Secret")];

/// Suffixes of keys whose items are names or contain one in `name`.
const LISTS: [(&str, &str); 2] = [("configmaps", "ConfigMap"), ("secrets", "Secret")];

fn kind_of_suffix(key: &str, table: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let key = key.as_bytes();
    let ends = |end: &str| key.len() >= end.len() && key[key.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes());
    table.iter().find(|(end, _)| ends(end)).map(|(_, kind)| *kind)
}

/// The kind that the values below a key refer to.
fn named_by(key: &str) -> Option<&'static str> {
    kind_of_suffix(key, &KEYS).or_else(|| kind_of_suffix(key, &LISTS))
}

/// The kind in the field `kind` of a mapping.
fn own_kind(node: &Node) -> Option<&'static str> {
    ["ConfigMap", "Secret"].into_iter().find(|kind| node["kind"].text() == *kind)
}

/// The kind that the string value of a key refers to, in a mapping below a key that refers to `above`.
fn kind_of(key: &str, mapping: &Node, above: Option<&'static str>) -> Option<&'static str> {
    match key {
        "name" => above.or_else(|| own_kind(mapping)),
        _ => kind_of_suffix(key, &NAMES).or_else(|| kind_of_suffix(key, &KEYS)),
    }
}

/// Finds such references in an object, except in its metadata.
pub(super) fn names<'a>(object: &'a Node, found: &mut dyn FnMut(ReferencedName<'a>)) {
    let below = object.entries().iter().filter(|entry| entry.key != "metadata");
    below.for_each(|entry| walk(&entry.value, named_by(&entry.key), found));
}

fn walk<'a>(node: &'a Node, above: Option<&'static str>, found: &mut dyn FnMut(ReferencedName<'a>)) {
    let name = |kind, beside: &'a Node, node: &'a Node| {
        let namespace = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        ReferencedName { relation: None, kind, name: node.text(), namespace, node, beside }
    };
    match &node.value {
        Value::Mapping(mapping) => {
            for entry in mapping {
                match (&entry.value.value, kind_of(&entry.key, node, above)) {
                    (Value::String(_), Some(kind)) => found(name(kind, node, &entry.value)),
                    _ => walk(&entry.value, named_by(&entry.key), found),
                }
            }
        }
        Value::Sequence(items) => {
            for item in items {
                match (&item.value, above) {
                    (Value::String(_), Some(kind)) => found(name(kind, node, item)),
                    _ => walk(item, above, found),
                }
            }
        }
        _ => {}
    }
}

/// Renames such references. Unchanged objects are not copied.
pub(super) fn rename(object: &mut Node, new: &mut Rename<'_>) {
    let mut any_renamed = false;
    names(object, &mut |name| any_renamed |= new(name.kind, name.namespace, name.name).is_some());
    if let (true, Value::Mapping(mapping)) = (any_renamed, &mut object.value) {
        for entry in mapping.iter_mut().filter(|entry| entry.key != "metadata") {
            set(&mut entry.value, named_by(&entry.key), new);
        }
    }
}

fn set(node: &mut Node, above: Option<&'static str>, new: &mut Rename<'_>) {
    let namespace: Option<EcoString> =
        node["namespace"].as_str().filter(|namespace| !namespace.is_empty()).map(EcoString::from);
    let kinds: Vec<Option<&'static str>> =
        node.entries().iter().map(|entry| kind_of(&entry.key, node, above)).collect();
    match &mut node.value {
        Value::Mapping(mapping) => {
            for (entry, kind) in mapping.iter_mut().zip(kinds) {
                match (&entry.value.value, kind) {
                    (Value::String(_), Some(kind)) => change(kind, namespace.as_deref(), &mut entry.value, new),
                    _ => set(&mut entry.value, named_by(&entry.key), new),
                }
            }
        }
        Value::Sequence(items) => {
            for item in items.make_mut() {
                match (&item.value, above) {
                    (Value::String(_), Some(kind)) => change(kind, namespace.as_deref(), item, new),
                    _ => set(item, above, new),
                }
            }
        }
        _ => {}
    }
}

fn change(kind: &str, namespace: Option<&str>, node: &mut Node, new: &mut Rename<'_>) {
    if let Some(name) = node.as_str().and_then(|name| new(kind, namespace, name)) {
        node.value = Value::String(name);
    }
}
