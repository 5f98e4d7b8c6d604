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
    /// All files that were laid, in order.
    pub files: Vec<FileId>,
    /// The values, each with its place, and what it beat.
    pub node: Node,
    /// What layers deleted, in order; what a later layer brought back stands here as well.
    pub deleted: Vec<Deleted>,
    /// What the layers change of rendered objects, in the order of the layers.
    pub patches: Vec<Patch>,
    /// What is no value: `templates` and `needs`, each a list.
    pub choices: Node,
}

/// A value that changes nothing: what it beat was the same, or it deleted nothing.
#[derive(Debug, Clone)]
pub struct Redundant<'a> {
    /// Its path: `expose.nodePort`.
    pub path: String,
    /// The value.
    pub node: &'a Node,
}

impl Values {
    /// Every value that is no mapping, with its path, in order. An empty mapping is a value too.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Node)> {
        let mut leaves = Vec::new();
        collect(&self.node, "", &mut leaves);
        leaves
    }

    /// The overrides that change nothing.
    #[must_use]
    pub fn redundant(&self) -> Vec<Redundant<'_>> {
        let same = |node: &Node| node.origin.beat().first().is_some_and(|beaten| beaten == node);
        let overrides = self.leaves().into_iter().filter(|(_, node)| same(node));
        let deletions = self.deleted.iter().filter(|deleted| deleted.node.origin.beat().is_empty());
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

/// The path one key deeper: `expose.nodePort`, `labels[app.kubernetes.io/name]`.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        (_, key) if key.is_empty() || key.contains(['.', '[', ']', ' ', '=']) => format!("{path}[{key}]"),
        ("", key) => key.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}
