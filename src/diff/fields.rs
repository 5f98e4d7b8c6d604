//! The fields in which two objects differ.

use ecow::EcoString;
use foldhash::HashMap;

use crate::diff::{FieldChange, Step, What};
use crate::kube::crd::CustomKinds;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Mapping, Node, Value};
use crate::object::Object;

/// From so many keys on they are looked up in a table.
const MANY_KEYS: usize = 16;

/// A walk down two trees at once.
pub(super) struct Walk<'a> {
    pub(super) path: Vec<Step>,
    pub(super) found: Vec<FieldChange<'a>>,
}

/// The fields in which they differ. Null is read as absent; as a label or another key of a map it is the empty value.
pub(super) fn compare<'a>(
    old: &'a Object,
    new: &'a Object,
    version: KubernetesVersion,
    custom: &CustomKinds<'_>,
) -> Vec<FieldChange<'a>> {
    let shape = Shape::of_object(&new.node, version, custom);
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.node(&old.node, &new.node, shape);
    walk.found
}

/// The fields in which two trees differ of which nothing is known, such as config files.
pub(super) fn compare_trees<'a>(old: &'a Node, new: &'a Node) -> Vec<FieldChange<'a>> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.node(old, new, Shape::Unknown);
    walk.found
}

impl<'a> Walk<'a> {
    pub(super) fn node(&mut self, old: &'a Node, new: &'a Node, shape: Shape<'_>) {
        match (&old.value, &new.value) {
            (Value::Mapping(from), Value::Mapping(to)) => self.mapping(from, to, shape),
            (Value::Sequence(_), Value::Sequence(_)) => self.list([old, new], shape),
            (from, to) if from == to => {}
            (Value::Null, _) => self.put(What::Added(new)),
            (_, Value::Null) => self.put(What::Removed(old)),
            _ => self.put(What::Changed(old, new)),
        }
    }

    fn mapping(&mut self, old: &'a Mapping, new: &'a Mapping, shape: Shape<'_>) {
        let (old_keys, new_keys) = (Keys::of(old), Keys::of(new));
        let is_data = shape.has_data_keys();
        let step = |key: &EcoString| if is_data { Step::Data(key.clone()) } else { Step::Key(key.clone()) };
        for entry in new {
            self.path.push(step(&entry.key));
            let before = old_keys.get(&entry.key).unwrap_or(Node::absent());
            if entry.value.is_null() && shape.has_data_keys() {
                match old_keys.get(&entry.key) {
                    Some(before) if before.is_null() => {}
                    Some(before) => self.put(What::Changed(before, &entry.value)),
                    None => self.put(What::Added(&entry.value)),
                }
            } else {
                self.node(before, &entry.value, shape.field(&entry.key));
            }
            self.path.pop();
        }
        for entry in old {
            if (entry.value.is_set() || shape.has_data_keys()) && new_keys.get(&entry.key).is_none() {
                self.path.push(step(&entry.key));
                self.put(What::Removed(&entry.value));
                self.path.pop();
            }
        }
    }

    /// Notes what differs here.
    pub(super) fn put(&mut self, what: What<'a>) {
        self.found.push(FieldChange { path: self.path.clone(), what, follows: false, equivalent: false });
    }
}

/// The keys of a mapping, for looking up many.
enum Keys<'a> {
    Few(&'a Mapping),
    Many(HashMap<&'a str, &'a Node>),
}

impl<'a> Keys<'a> {
    fn of(mapping: &'a Mapping) -> Self {
        if mapping.len() < MANY_KEYS {
            Self::Few(mapping)
        } else {
            Self::Many(mapping.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect())
        }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        match self {
            Self::Few(mapping) => mapping.get(key),
            Self::Many(table) => table.get(key).copied(),
        }
    }
}
