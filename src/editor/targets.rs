//! Go to definition: from an expression to the lines that set its values, and from a reference to its object.

use super::cursor::{dotted, expression};
use super::{DocumentKind, EditorContext, contains, path_to, profile_path};
use crate::node::Node;
use crate::references::all_names;
use crate::source::{FileId, Span};
use crate::yaml::{self, Dialect};

/// The definitions of what is at a byte offset of a file, without duplicates.
#[must_use]
pub fn targets(context: &EditorContext<'_>, kind: DocumentKind, file: FileId, offset: usize) -> Vec<Span> {
    let mut found = Vec::new();
    let Some(source) = context.sources.get(file) else { return found };
    if kind == DocumentKind::Template && expression(&source.text, offset).is_some() {
        if let Some(name) = dotted(&source.text, offset) {
            let path: Vec<&str> = name.split('.').collect();
            values(context, &path, &mut found);
        }
        return found;
    }
    if kind == DocumentKind::Layer {
        let loaded = yaml::load(context.sources, file, Dialect::Kubectl);
        if let Some(document) = loaded.documents.first() {
            let (steps, _, _) = path_to(document, file, offset);
            let keys: Vec<&str> = steps.iter().flatten().map(|entry| entry.key.as_str()).collect();
            values(context, &profile_path(&keys), &mut found);
        }
        return found;
    }
    references(context, file, offset, &mut found);
    found
}

fn add(span: Span, found: &mut Vec<Span>) {
    if !span.is_none() && !found.contains(&span) {
        found.push(span);
    }
}

/// The positions where layers set a value of the profiles.
fn values(context: &EditorContext<'_>, path: &[&str], found: &mut Vec<Span>) {
    if path.is_empty() {
        return;
    }
    for values in context.values {
        let node = values.node.at(path);
        if node.is_set() {
            add(node.origin.span, found);
            node.origin.overridden().iter().for_each(|node: &Node| add(node.origin.span, found));
        }
    }
}

/// The objects that a reference at the offset refers to.
fn references(context: &EditorContext<'_>, file: FileId, offset: usize, found: &mut Vec<Span>) {
    for object in context.objects {
        all_names(object, context.references, &mut |name| {
            if !contains(name.node, file, offset) {
                return;
            }
            let named = context.objects.iter().filter(|other| {
                let namespace = name.namespace.unwrap_or(object.namespace());
                other.kind() == name.kind
                    && other.name() == name.name
                    && (other.namespace() == namespace || other.namespace().is_empty())
            });
            named.for_each(|other| add(other.node.at(&["metadata", "name"]).origin.span, found));
        });
    }
}
