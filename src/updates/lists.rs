//! What server-side apply refuses of a manifest by itself, which a plain create lets pass: lists that are maps or sets with
//! two entries of one key, or an entry without one; values that only Go's decoder reads.

use foldhash::{HashSet, HashSetExt};

use super::Refusal;
use crate::cursor::At;
use crate::kube::schema::{Form, Leaf};
use crate::kube::{ListKind, Shape};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::Span;

/// Reports what server-side apply refuses of an object.
pub(super) fn refuse(object: &Object, shape: Shape<'_>, say: &mut dyn FnMut(Refusal)) {
    let root = At::root("", &object.node);
    for (child, shape) in shape.children(&root).filter(|(child, _)| !std::ptr::eq(child.node, &object.node["status"])) {
        walk(&child, shape, object.span(), say);
    }
}

/// `above`: the nearest place in a file.
fn walk(at: &At<'_, '_>, shape: Shape<'_>, above: Span, say: &mut dyn FnMut(Refusal)) {
    let (Value::Mapping(_) | Value::Sequence(_)) = at.node.value else { return };
    let span = if at.node.origin.span.is_none() { above } else { at.node.origin.span };
    let mut refuse = |field: String, message: String, span: Span| {
        say(Refusal { field, message, help: String::new(), span, old_span: Span::NONE });
    };
    if let Value::Sequence(items) = &at.node.value {
        if let Shape::BuiltIn(ty, _) = shape
            && ty.form() == Form::Leaf(Leaf::Bytes)
        {
            let path = at.to_string();
            let message = format!("`{path}` must be a string of base64");
            refuse(path, message, span);
            return;
        }
        if let Some((index, fault)) = fault(items, shape) {
            let message = format!("server-side apply rejects `{at}[{index}]`: the list has {fault}");
            let own = items[index].origin.span;
            refuse(String::new(), message, if own.is_none() { span } else { own });
        }
    }
    shape.children(at).for_each(|(child, shape)| walk(&child, shape, span, say));
}

/// The first fault of a list whose entries are told apart.
fn fault(items: &[Node], shape: Shape<'_>) -> Option<(usize, String)> {
    let identity = shape.identity();
    if identity.kind == ListKind::Atomic {
        return None;
    }
    let mut seen: HashSet<String> = HashSet::new();
    items.iter().enumerate().find_map(|(at, item)| {
        let fault = match identity.of(item) {
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
        Some((at, fault))
    })
}
