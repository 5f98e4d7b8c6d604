//! Validates what server-side apply rejects but a create accepts: duplicate or incomplete keys in lists of type map or
//! set, and byte values that are not base64 strings.

use foldhash::{HashSet, HashSetExt};

use super::Rejection;
use crate::cursor::At;
use crate::kube::schema::{Form, Leaf};
use crate::kube::{ListKind, Shape};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::Span;

/// Reports what server-side apply rejects in an object.
pub(super) fn validate(object: &Object, shape: Shape<'_>, report: &mut dyn FnMut(Rejection)) {
    let root = At::root("", &object.node);
    for (child, shape) in shape.children(&root).filter(|(child, _)| !std::ptr::eq(child.node, &object.node["status"])) {
        walk(&child, shape, object.span(), report);
    }
}

/// `above` is the location of the nearest ancestor.
fn walk(at: &At<'_, '_>, shape: Shape<'_>, above: Span, report: &mut dyn FnMut(Rejection)) {
    let (Value::Mapping(_) | Value::Sequence(_)) = at.node.value else { return };
    let span = if at.node.origin.span.is_none() { above } else { at.node.origin.span };
    let mut add = |field: String, message: String, span: Span| {
        report(Rejection { field, message, help: String::new(), span, old_span: Span::NONE });
    };
    if let Value::Sequence(items) = &at.node.value {
        if let Shape::BuiltIn(ty, _) = shape
            && ty.form() == Form::Leaf(Leaf::Bytes)
        {
            let path = at.to_string();
            let message = format!("`{path}` must be a base64-encoded string");
            add(path, message, span);
            return;
        }
        if let Some((index, key_error)) = key_error(items, shape) {
            let message = format!("server-side apply rejects `{at}[{index}]`: the list has {key_error}");
            let own = items[index].origin.span;
            add(String::new(), message, if own.is_none() { span } else { own });
        }
    }
    shape.children(at).for_each(|(child, shape)| walk(&child, shape, span, report));
}

/// The first error in a list with keyed entries, with its index.
fn key_error(items: &[Node], shape: Shape<'_>) -> Option<(usize, String)> {
    let identity = shape.identity();
    if identity.kind == ListKind::Atomic {
        return None;
    }
    let mut seen: HashSet<String> = HashSet::new();
    items.iter().enumerate().find_map(|(at, item)| {
        let key_error = match identity.of(item) {
            _ if item.is_null() => "a null entry".to_owned(),
            None => {
                let missing = |(key, default): &(&&str, &Option<&str>)| default.is_none() && item[**key].is_null();
                let key = identity.keys.iter().zip(&identity.defaults).find(missing)?.0;
                format!("an entry without its key `{key}`")
            }
            Some(name) if seen.insert(name.clone()) => return None,
            Some(_) if identity.kind == ListKind::Set => "a duplicate entry".to_owned(),
            Some(_) => {
                let names = crate::suggest::list(identity.keys.iter().copied(), "and");
                format!("two entries with the same {names}")
            }
        };
        Some((at, key_error))
    })
}
