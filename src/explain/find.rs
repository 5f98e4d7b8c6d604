//! Resolves an object or field as given by the user.

use std::borrow::Cow;

use crate::bundle::bare_name;
use crate::cursor::At;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Node, Origin, Value};
use crate::object::Object;
use crate::path::{FieldPath, Segment};
use crate::secret::holds;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// A rendered field that was found.
#[derive(Debug)]
pub struct FoundField<'a> {
    /// The field as the API server writes it.
    pub field: String,
    /// Its value.
    pub node: Cow<'a, Node>,
    /// The origin of the value.
    pub origin: &'a Origin,
    /// Whether it is redacted regardless of its origin: data of Secrets, and fields that are named like passwords.
    pub secret: bool,
}

/// A path segment as given by the user.
#[derive(Debug, PartialEq, Eq)]
enum TypedSegment {
    Key(String),
    /// In brackets: a key, an index, or a value that identifies an item.
    Bracket(String),
}

/// The object for `Kind/name`. Kind and name are matched case-insensitively for the kind, and with or without the
/// content hash for the name.
#[must_use]
pub fn find_object<'a>(objects: &'a [Object], wanted: &str) -> Option<&'a Object> {
    let (kind, name) = wanted.split_once('/').unwrap_or((wanted, ""));
    let of_kind = || objects.iter().filter(|object| object.kind().eq_ignore_ascii_case(kind));
    let exact = of_kind().find(|object| object.name() == name);
    let bare = || of_kind().find(|object| bare_name(object.name()) == Some(name));
    let only = || if name.is_empty() && of_kind().count() == 1 { of_kind().next() } else { None };
    exact.or_else(bare).or_else(only)
}

/// The field for a path: as the API server writes it, with list items by index or by name, and continued into a string
/// that is YAML or JSON: `data[config.yaml].server.port`.
#[must_use]
pub fn find_field<'a>(object: &'a Object, wanted: &str) -> Option<FoundField<'a>> {
    let steps = parse(wanted)?;
    let mut path = FieldPath::default();
    let mut shape = Shape::built_in(&object.node, KubernetesVersion::default());
    let mut node = &object.node;
    let mut named = false;
    let in_secret = |path: &FieldPath| {
        let in_secret = holds(&object.node);
        matches!(path.0.first(), Some(Segment::Field(key)) if in_secret(key, Node::absent()))
    };
    for (at, step) in steps.iter().enumerate() {
        let child = child(node, step, shape);
        // Also below a name that denotes a secret, as in a list of passwords.
        named |= child.is_some_and(|(next, index)| index.is_none() && holds(node)(typed(step), next));
        match child {
            Some((next, Some(index))) => {
                path.0.push(Segment::Index(index));
                shape = shape.items();
                node = next;
            }
            Some((next, None)) => {
                path.0.push(shape.segment(typed(step)));
                shape = shape.field(typed(step));
                node = next;
            }
            None => return within_text(node, &steps[at..], &path).filter(|_| !in_secret(&path) && !named),
        }
    }
    let secret = in_secret(&path) || named;
    Some(FoundField { field: path.to_string(), node: Cow::Borrowed(node), origin: &node.origin, secret })
}

/// Continues into a string that was serialized from a tree, or that can be parsed.
fn within_text<'a>(node: &'a Node, steps: &[TypedSegment], path: &FieldPath) -> Option<FoundField<'a>> {
    let text = node.as_str()?;
    let loaded = yaml::load_text(text, FileId(u32::MAX - 1), Dialect::Kubectl);
    let root = loaded.documents.into_iter().next()?;
    let mut inner = FieldPath::default();
    let mut at = &root;
    for step in steps {
        let (next, index) = child(at, step, Shape::Unknown)?;
        match index {
            Some(index) => inner.0.push(Segment::Index(index)),
            None => inner.0.push(Segment::Field(typed(step).into())),
        }
        at = next;
    }
    let place = at.origin.span.start;
    let parts = node.origin.derived.as_ref().map_or(&[][..], |derived| &derived.text_parts);
    let part = parts.iter().find(|part| (part.start..part.end.max(part.start + 1)).contains(&place));
    let origin = part.map_or(&node.origin, |part| &part.origin);
    let mut value = at.clone();
    // Positions in the string are not positions in a file.
    value.origin = origin.clone();
    let secret = steps.last().is_some_and(|step| holds(Node::absent())(typed(step), &value));
    Some(FoundField { field: format!("{path}.{inner}"), node: Cow::Owned(value), origin, secret })
}

fn typed(step: &TypedSegment) -> &str {
    match step {
        TypedSegment::Key(text) | TypedSegment::Bracket(text) => text,
    }
}

/// The child for a segment, with its index in a list. A list item is matched by its identifying keys, otherwise by any
/// of its values.
fn child<'a>(node: &'a Node, step: &TypedSegment, shape: Shape<'_>) -> Option<(&'a Node, Option<usize>)> {
    match &node.value {
        Value::Mapping(mapping) => mapping.get(typed(step)).map(|child| (child, None)),
        Value::Sequence(items) => {
            let text = typed(step);
            let text = text.split_once('=').map_or(text, |(_, value)| value);
            let by_number =
                text.parse::<usize>().ok().filter(|at| *at < items.len() && matches!(step, TypedSegment::Bracket(_)));
            let is = |value: &Node| {
                value.as_str() == Some(text) || value.as_i64().is_some_and(|number| number.to_string() == text)
            };
            let keys = shape.identity().keys;
            let by_key = || items.iter().position(|item| keys.iter().any(|key| is(&item[*key])));
            let by_value = || items.iter().position(|item| item.entries().iter().any(|entry| is(&entry.value)));
            let at = by_number.or_else(by_key).or_else(by_value)?;
            Some((&items[at], Some(at)))
        }
        _ => None,
    }
}

/// Parses `a.b[c][0]`. `None` if the brackets are unbalanced.
fn parse(text: &str) -> Option<Vec<TypedSegment>> {
    let mut steps = Vec::new();
    let mut rest = text.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']')?;
            steps.push(TypedSegment::Bracket(inner[..end].to_owned()));
            rest = &inner[end + 1..];
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(TypedSegment::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    Some(steps)
}

/// The fields of an object, for suggestions.
#[must_use]
pub fn near_fields(object: &Object) -> Vec<String> {
    fn collect(at: &At<'_, '_>, shape: Shape<'_>, fields: &mut Vec<String>) {
        for (child, shape) in shape.children(at) {
            if at.node.items().is_empty() {
                fields.push(child.to_string());
            }
            collect(&child, shape, fields);
        }
    }
    let mut fields = Vec::new();
    let shape = Shape::built_in(&object.node, KubernetesVersion::default());
    collect(&At::root("", &object.node), shape, &mut fields);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parsed() {
        let key = |text: &str| TypedSegment::Key(text.to_owned());
        let bracket = |text: &str| TypedSegment::Bracket(text.to_owned());
        assert_eq!(
            parse("spec.ports[0].nodePort"),
            Some(vec![key("spec"), key("ports"), bracket("0"), key("nodePort")])
        );
        assert_eq!(
            parse("data[config.yaml].server.port"),
            Some(vec![key("data"), bracket("config.yaml"), key("server"), key("port")])
        );
        assert_eq!(parse("a[b"), None);
    }
}
