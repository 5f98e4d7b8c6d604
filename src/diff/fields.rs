//! Finds the fields in which two objects differ.

use ecow::EcoString;
use foldhash::HashMap;

use crate::diff::{Difference, FieldChange, PathStep};
use crate::kube::crd::CustomKinds;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Mapping, Node, Value};
use crate::object::Object;

/// The number of keys from which a mapping is indexed.
const MIN_INDEXED_KEYS: usize = 16;

/// A simultaneous traversal of two trees.
pub(super) struct TreeComparison<'a> {
    /// The current path.
    pub(super) path: Vec<PathStep>,
    /// The differences found so far.
    pub(super) found: Vec<FieldChange<'a>>,
}

/// The fields in which two objects differ. Null is treated as absent, but for a key of a map, such as a label, as the
/// empty value.
pub(super) fn compare<'a>(
    old: &'a Object,
    new: &'a Object,
    version: KubernetesVersion,
    custom: &CustomKinds<'_>,
) -> Vec<FieldChange<'a>> {
    let shape = Shape::of_object(&new.node, version, custom);
    let mut walk = TreeComparison { path: Vec::new(), found: Vec::new() };
    walk.node(&old.node, &new.node, shape);
    walk.found
}

/// The fields in which two trees without a schema differ, such as config files.
pub(super) fn compare_trees<'a>(old: &'a Node, new: &'a Node) -> Vec<FieldChange<'a>> {
    let mut walk = TreeComparison { path: Vec::new(), found: Vec::new() };
    walk.node(old, new, Shape::Unknown);
    walk.found
}

impl<'a> TreeComparison<'a> {
    pub(super) fn node(&mut self, old: &'a Node, new: &'a Node, shape: Shape<'_>) {
        match (&old.value, &new.value) {
            (Value::Mapping(from), Value::Mapping(to)) => self.mapping(from, to, shape),
            (Value::Sequence(_), Value::Sequence(_)) => self.list([old, new], shape),
            (from, to) if from == to => {}
            (Value::Null, _) => self.push(Difference::Added(new)),
            (_, Value::Null) => self.push(Difference::Removed(old)),
            _ => self.push(Difference::Changed(old, new)),
        }
    }

    fn mapping(&mut self, old: &'a Mapping, new: &'a Mapping, shape: Shape<'_>) {
        let (old_keys, new_keys) = (KeyLookup::of(old), KeyLookup::of(new));
        let is_data = shape.has_data_keys();
        let step = |key: &EcoString| if is_data { PathStep::MapKey(key.clone()) } else { PathStep::Field(key.clone()) };
        for entry in new {
            self.path.push(step(&entry.key));
            let before = old_keys.get(&entry.key).unwrap_or(Node::absent());
            if entry.value.is_null() && shape.has_data_keys() {
                match old_keys.get(&entry.key) {
                    Some(before) if before.is_null() => {}
                    Some(before) => self.push(Difference::Changed(before, &entry.value)),
                    None => self.push(Difference::Added(&entry.value)),
                }
            } else {
                self.node(before, &entry.value, shape.field(&entry.key));
            }
            self.path.pop();
        }
        for entry in old {
            if (entry.value.is_set() || shape.has_data_keys()) && new_keys.get(&entry.key).is_none() {
                self.path.push(step(&entry.key));
                self.push(Difference::Removed(&entry.value));
                self.path.pop();
            }
        }
    }

    /// Adds a difference at the current path.
    pub(super) fn push(&mut self, difference: Difference<'a>) {
        self.found.push(FieldChange { path: self.path.clone(), difference, follows_rename: false, equivalent: false });
    }
}

/// Looks up keys in a mapping, with an index if it is large.
enum KeyLookup<'a> {
    Scan(&'a Mapping),
    Index(HashMap<&'a str, &'a Node>),
}

impl<'a> KeyLookup<'a> {
    fn of(mapping: &'a Mapping) -> Self {
        if mapping.len() < MIN_INDEXED_KEYS {
            Self::Scan(mapping)
        } else {
            Self::Index(mapping.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect())
        }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        match self {
            Self::Scan(mapping) => mapping.get(key),
            Self::Index(table) => table.get(key).copied(),
        }
    }
}
