//! What an editor shows at a place of a text: what stands there, where it comes from, and what could be written.
//!
//! Plain functions from a [`World`] and a place to plain data; `cli::lsp` speaks the protocol.

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

/// What is known where an editor asks.
#[derive(Debug)]
pub struct World<'a> {
    /// The texts.
    pub sources: &'a Sources,
    /// The folder of the project: files in it are named without it.
    pub root: Option<&'a Path>,
    /// The version of Kubernetes.
    pub version: KubernetesVersion,
    /// The schema of the profiles, in a project.
    pub schema: Option<&'a Schema>,
    /// The merged values of profiles.
    pub values: &'a [Values],
    /// The objects: those of the profiles, or those of the folder.
    pub objects: &'a [Object],
    /// The fields that the project says name objects.
    pub references: &'a [OwnReference],
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A layer of profiles.
    Layer,
    /// A template.
    Template,
    /// Manifests as they are.
    Manifest,
}

/// Whether the file of a node is that, and the byte in it.
fn holds(node: &Node, file: FileId, offset: usize) -> bool {
    let span = node.origin.span;
    span.file == file && (span.start as usize..=span.end as usize).contains(&offset)
}

/// The way to the entry or item at a byte, each step with the mapping's key or nothing for an item; and whether the byte is in
/// the last key.
fn way(node: &Node, file: FileId, offset: usize) -> (Vec<Option<&Entry>>, Option<&Node>, bool) {
    let (mut steps, mut at, mut last) = (Vec::new(), node, None);
    'down: loop {
        for entry in at.entries() {
            let key = entry.key_span;
            let on_key = key.file == file && (key.start as usize..=key.end as usize).contains(&offset);
            if on_key || holds(&entry.value, file, offset) {
                steps.push(Some(entry));
                (at, last) = (&entry.value, Some(&entry.value));
                if on_key {
                    return (steps, last, true);
                }
                continue 'down;
            }
        }
        for item in at.items() {
            if holds(item, file, offset) {
                steps.push(None);
                (at, last) = (item, Some(item));
                continue 'down;
            }
        }
        return (steps, last, false);
    }
}

/// The path in the profile that keys of a layer's file lead to: what stands below `environments.NAME` or `enforce` is the
/// profile's own.
fn profile_path<'k>(keys: &[&'k str]) -> Vec<&'k str> {
    match keys {
        ["environments", _, rest @ ..] | ["enforce", rest @ ..] => rest.to_vec(),
        keys => keys.to_vec(),
    }
}
