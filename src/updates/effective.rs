//! What nulls leave behind: a struct that was set and is applied as null stays, empty.

use foldhash::HashMap;

use crate::node::{Mapping, Node, Value};

/// Structs that are replaced as a whole (`x-kubernetes-map-type: atomic`): a null removes them.
const ATOMIC: &[&str] = &[
    "configMapKeyRef",
    "fieldRef",
    "labelSelector",
    "namespaceSelector",
    "nodeSelectorTerms",
    "podSelector",
    "resourceFieldRef",
    "roleRef",
    "scaleTargetRef",
    "secretKeyRef",
    "selector",
];

/// Lists whose entries are told apart by a key; others are replaced as a whole, and nothing is left in them.
const KEYED: &[&str] = &[
    "containers",
    "env",
    "ephemeralContainers",
    "hostAliases",
    "initContainers",
    "ports",
    "topologySpreadConstraints",
    "volumeMounts",
    "volumes",
    "webhooks",
];

/// The new object with the empty structs that its nulls leave of the old one. `None` if there are none.
pub(super) fn after(old: &Node, new: &Node) -> Option<Node> {
    any("", old, new).then(|| merged("", old, new))
}

fn leaves(key: &str, old: &Node, new: &Node) -> bool {
    new.is_null() && !old.entries().is_empty() && !ATOMIC.contains(&key)
}

fn any(field: &str, old: &Node, new: &Node) -> bool {
    match (&old.value, &new.value) {
        (Value::Mapping(_), Value::Mapping(mapping)) => mapping.iter().any(|entry| {
            old.get(&entry.key)
                .is_some_and(|old| leaves(&entry.key, old, &entry.value) || any(&entry.key, old, &entry.value))
        }),
        (Value::Sequence(olds), Value::Sequence(news)) if KEYED.contains(&field) => {
            let partners = Partners::of(olds);
            news.iter().enumerate().any(|(at, new)| any("", partners.get(at, new), new))
        }
        _ => false,
    }
}

fn merged(field: &str, old: &Node, new: &Node) -> Node {
    let value = match (&old.value, &new.value) {
        (Value::Mapping(_), Value::Mapping(mapping)) => {
            let mut all = Mapping::new();
            for entry in mapping.iter() {
                let before = &old[entry.key.as_str()];
                let value = if leaves(&entry.key, before, &entry.value) {
                    Node { value: Value::Mapping(Mapping::new()), origin: entry.value.origin.clone() }
                } else {
                    merged(&entry.key, before, &entry.value)
                };
                all.push(entry.key.clone(), entry.key_span, value);
            }
            Value::Mapping(all)
        }
        (Value::Sequence(olds), Value::Sequence(news)) if KEYED.contains(&field) => {
            let partners = Partners::of(olds);
            Value::Sequence(news.iter().enumerate().map(|(at, new)| merged("", partners.get(at, new), new)).collect())
        }
        _ => new.value.clone(),
    };
    Node { value, origin: new.origin.clone() }
}

/// The entries of an old list, by number and by name.
struct Partners<'a> {
    olds: &'a [Node],
    /// The first of each name.
    named: HashMap<&'a str, &'a Node>,
}

impl<'a> Partners<'a> {
    fn of(olds: &'a [Node]) -> Self {
        // Backwards, so that the first of a name stays.
        Self { olds, named: olds.iter().rev().map(|old| (old["name"].text(), old)).collect() }
    }

    /// The entry of the old list that an entry of the new one changes: of the same name where it has one.
    fn get(&self, at: usize, new: &Node) -> &'a Node {
        let found = match new["name"].text() {
            "" => self.olds.get(at),
            name => self.named.get(name).copied(),
        };
        found.unwrap_or(Node::absent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, json, load_text};

    fn left(old: &str, new: &str) -> Option<String> {
        let read = |text: &str| load_text(text, FileId(0), Dialect::Kubectl).documents.pop().unwrap_or_default();
        after(&read(old), &read(new)).map(|node| json(&node).split_whitespace().collect())
    }

    #[test]
    fn nulls_leave_empty_structs() {
        let old =
            "{spec: {volumes: [{name: a, secret: {secretName: s}}], rules: [{http: {paths: []}}], selector: {a: b}}}";
        let new = "{spec: {volumes: [{name: a, secret: null}], rules: [{http: null}], selector: null}}";
        let expected = r#"{"spec":{"volumes":[{"name":"a","secret":{}}],"rules":[{"http":null}],"selector":null}}"#;
        assert_eq!(left(old, new).as_deref(), Some(expected));
        assert_eq!(left(old, "{spec: {volumes: [{name: a}]}}"), None);
        assert_eq!(left("{}", new), None);
    }
}
