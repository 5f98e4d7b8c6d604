//! What custom resources of any kind call the fields that name a ConfigMap or Secret: `configMapRef.name`,
//! `secretName`, a `kind` beside a `name`. Good enough to follow an object that got another name, and for nothing else.

use ecow::EcoString;

use super::{Name, Rename};
use crate::node::{Node, Value};

/// Endings of keys, in small letters, whose value is a name, or has one in `name`, and the kind that is named.
const KEYS: [(&str, &str); 6] = [
    ("configmap", "ConfigMap"),
    ("configmapkeyref", "ConfigMap"),
    ("configmapref", "ConfigMap"),
    ("secret", "Secret"),
    ("secretkeyref", "Secret"),
    ("secretref", "Secret"),
];

/// Endings of keys whose value is a name.
const NAMES: [(&str, &str); 2] = [("configmapname", "ConfigMap"), ("secretname", "Secret")];

/// Endings of keys whose values are names, or have some in `name`.
const LISTS: [(&str, &str); 2] = [("configmaps", "ConfigMap"), ("secrets", "Secret")];

fn ending(key: &str, table: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let key = key.as_bytes();
    let ends = |end: &str| key.len() >= end.len() && key[key.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes());
    table.iter().find(|(end, _)| ends(end)).map(|(_, kind)| *kind)
}

/// The kind that the values below a key name.
fn named_by(key: &str) -> Option<&'static str> {
    ending(key, &KEYS).or_else(|| ending(key, &LISTS))
}

/// The kind that a mapping says itself.
fn own_kind(node: &Node) -> Option<&'static str> {
    ["ConfigMap", "Secret"].into_iter().find(|kind| node["kind"].text() == *kind)
}

/// Whether a string under a key is a name of a kind, in a mapping that stands for objects of `above`.
fn kind_of(key: &str, mapping: &Node, above: Option<&'static str>) -> Option<&'static str> {
    match key {
        "name" => above.or_else(|| own_kind(mapping)),
        _ => ending(key, &NAMES).or_else(|| ending(key, &KEYS)),
    }
}

/// Finds such names in an object; its own metadata aside.
pub(super) fn names<'a>(object: &'a Node, found: &mut dyn FnMut(Name<'a>)) {
    let below = object.entries().iter().filter(|entry| entry.key != "metadata");
    below.for_each(|entry| walk(&entry.value, named_by(&entry.key), found));
}

fn walk<'a>(node: &'a Node, above: Option<&'static str>, found: &mut dyn FnMut(Name<'a>)) {
    let name = |kind, beside: &'a Node, node: &'a Node| {
        let namespace = beside["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        Name { relation: None, kind, name: node.text(), namespace, node, beside }
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

/// Gives such names new ones. What is not changed stays shared with its copies.
pub(super) fn rename(object: &mut Node, new: &mut Rename<'_>) {
    let mut changes = false;
    names(object, &mut |name| changes |= new(name.kind, name.namespace, name.name).is_some());
    if let (true, Value::Mapping(mapping)) = (changes, &mut object.value) {
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
