//! Editor features at a position: descriptions, definitions and completions.
//!
//! Plain functions from an [`EditorContext`] and a position to plain data; `cli::lsp` implements the protocol.

mod complete;
mod cursor;
mod describe;
mod targets;

use std::path::Path;

use crate::kube::KubernetesVersion;
use crate::layers::Values;
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::project::OwnReference;
use crate::schema::Schema;
use crate::source::{FileId, Sources};

pub use complete::{Completion, complete};
pub use describe::describe;
pub use targets::targets;

/// The data that editor features use.
#[derive(Debug)]
pub struct EditorContext<'a> {
    /// The sources.
    pub sources: &'a Sources,
    /// The folder of the project, which is omitted from displayed paths.
    pub root: Option<&'a Path>,
    /// The version of Kubernetes.
    pub version: KubernetesVersion,
    /// The schema of the profiles, in a project.
    pub schema: Option<&'a Schema>,
    /// The merged values of profiles.
    pub values: &'a [Values],
    /// The objects of the profiles, or of the folder.
    pub objects: &'a [Object],
    /// The project's fields that refer to objects.
    pub references: &'a [OwnReference],
}

/// The kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A layer of profiles.
    Layer,
    /// A template.
    Template,
    /// Plain manifests.
    Manifest,
}

/// Whether a node is in this file and contains the offset.
fn contains(node: &Node, file: FileId, offset: usize) -> bool {
    let span = node.origin.span;
    span.file == file && (span.start as usize..=span.end as usize).contains(&offset)
}

/// The path to the entry or item at an offset, with the mapping's entry for each segment, or `None` for a list item;
/// and whether the offset is in the last key.
fn path_to(node: &Node, file: FileId, offset: usize) -> (Vec<Option<&Entry>>, Option<&Node>, bool) {
    let (mut steps, mut at, mut last) = (Vec::new(), node, None);
    'down: loop {
        for entry in at.entries() {
            let key = entry.key_span;
            let on_key = key.file == file && (key.start as usize..=key.end as usize).contains(&offset);
            if on_key || contains(&entry.value, file, offset) {
                steps.push(Some(entry));
                (at, last) = (&entry.value, Some(&entry.value));
                if on_key {
                    return (steps, last, true);
                }
                continue 'down;
            }
        }
        for item in at.items() {
            if contains(item, file, offset) {
                steps.push(None);
                (at, last) = (item, Some(item));
                continue 'down;
            }
        }
        return (steps, last, false);
    }
}

/// The path in the profile for keys in a layer's file: the content of `environments.NAME` and `enforce` is that of a
/// profile.
fn profile_path<'k>(keys: &[&'k str]) -> Vec<&'k str> {
    match keys {
        ["environments", _, rest @ ..] | ["enforce", rest @ ..] => rest.to_vec(),
        keys => keys.to_vec(),
    }
}
