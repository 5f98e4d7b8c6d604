//! The merged values of a profile.

use super::merge::Deleted;
use crate::node::{Node, Value};
use crate::patch::Patch;
use crate::source::FileId;

/// The values of a profile in one environment.
#[derive(Debug, Clone)]
pub struct Values {
    /// The profile's name.
    pub profile: String,
    /// The environment.
    pub environment: String,
    /// The profile's file.
    pub file: FileId,
    /// All files that were merged, in order.
    pub files: Vec<FileId>,
    /// The merged values, with their origins.
    pub node: Node,
    /// The values that layers deleted, in order, including those that a later layer set again.
    pub deleted: Vec<Deleted>,
    /// The patches to rendered objects, in the order of the layers.
    pub patches: Vec<Patch>,
    /// The lists `templates` and `needs`, which are not values.
    pub choices: Node,
}

/// An override that changes nothing: it equals the value that it overrides, or deletes a value that is not set.
#[derive(Debug, Clone)]
pub struct Redundant<'a> {
    /// Its path: `expose.nodePort`.
    pub path: String,
    /// The value.
    pub node: &'a Node,
}

impl Values {
    /// Every value that is not a mapping, with its path, in order. An empty mapping counts as a value.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Node)> {
        let mut leaves = Vec::new();
        collect(&self.node, "", &mut leaves);
        leaves
    }

    /// The overrides that change nothing.
    #[must_use]
    pub fn redundant(&self) -> Vec<Redundant<'_>> {
        let same = |node: &Node| node.origin.overridden().first().is_some_and(|overridden| overridden == node);
        let overrides = self.leaves().into_iter().filter(|(_, node)| same(node));
        let deletions = self.deleted.iter().filter(|deleted| deleted.node.origin.overridden().is_empty());
        let deletions = deletions
            .map(|deleted| (deleted.path.iter().fold(String::new(), |path, key| join(&path, key)), &deleted.node));
        overrides.chain(deletions).map(|(path, node)| Redundant { path, node }).collect()
    }
}

fn collect<'a>(node: &'a Node, path: &str, leaves: &mut Vec<(String, &'a Node)>) {
    match &node.value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            mapping.iter().for_each(|entry| collect(&entry.value, &join(path, &entry.key), leaves));
        }
        _ => leaves.push((path.to_owned(), node)),
    }
}

/// The path extended by a key: `expose.nodePort`, `labels[app.kubernetes.io/name]`.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        (_, key) if key.is_empty() || key.contains(['.', '[', ']', ' ', '=']) => format!("{path}[{key}]"),
        ("", key) => key.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}
