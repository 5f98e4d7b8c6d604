//! Go to definition: from an expression to the lines that set its values, from a reference to the object it names.

use super::cursor::{dotted, expression};
use super::{Role, World, holds, profile_path, way};
use crate::node::Node;
use crate::references::all_names;
use crate::source::{FileId, Span};
use crate::yaml::{self, Dialect};

/// The places that what stands at a byte of a file leads to; each once.
#[must_use]
pub fn targets(world: &World<'_>, role: Role, file: FileId, offset: usize) -> Vec<Span> {
    let mut found = Vec::new();
    let Some(source) = world.sources.get(file) else { return found };
    if role == Role::Template && expression(&source.text, offset).is_some() {
        if let Some(name) = dotted(&source.text, offset) {
            let path: Vec<&str> = name.split('.').collect();
            values(world, &path, &mut found);
        }
        return found;
    }
    if role == Role::Layer {
        let loaded = yaml::load(world.sources, file, Dialect::Kubectl);
        if let Some(document) = loaded.documents.first() {
            let (steps, _, _) = way(document, file, offset);
            let keys: Vec<&str> = steps.iter().flatten().map(|entry| entry.key.as_str()).collect();
            values(world, &profile_path(&keys), &mut found);
        }
        return found;
    }
    references(world, file, offset, &mut found);
    found
}

fn add(span: Span, found: &mut Vec<Span>) {
    if !span.is_none() && !found.contains(&span) {
        found.push(span);
    }
}

/// Where a value of the profiles is set, in all layers that set it.
fn values(world: &World<'_>, path: &[&str], found: &mut Vec<Span>) {
    if path.is_empty() {
        return;
    }
    for values in world.values {
        let node = values.node.at(path);
        if node.is_set() {
            add(node.origin.span, found);
            node.origin.beat().iter().for_each(|node: &Node| add(node.origin.span, found));
        }
    }
}

/// The objects that a reference at the place names.
fn references(world: &World<'_>, file: FileId, offset: usize, found: &mut Vec<Span>) {
    for object in world.objects {
        all_names(object, world.references, &mut |name| {
            if !holds(name.node, file, offset) {
                return;
            }
            let named = world.objects.iter().filter(|other| {
                let namespace = name.namespace.unwrap_or(object.namespace());
                other.kind() == name.kind
                    && other.name() == name.name
                    && (other.namespace() == namespace || other.namespace().is_empty())
            });
            named.for_each(|other| add(other.node.at(&["metadata", "name"]).origin.span, found));
        });
    }
}
