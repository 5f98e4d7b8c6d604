//! What server-side apply refuses of a manifest by itself, which a plain create lets pass: lists that are maps or sets with
//! two entries of one key, or an entry without one; values that only Go's decoder reads.

use foldhash::{HashSet, HashSetExt};

use super::Refusal;
use crate::kube::schema::{Form, Leaf};
use crate::kube::{ListKind, Place, Shape};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::Span;

/// Reports what server-side apply refuses of an object.
pub(super) fn refuse(object: &Object, shape: Shape<'_>, say: &mut dyn FnMut(Refusal)) {
    let root = Place::root(&object.node, shape);
    for child in root.children().filter(|child| !std::ptr::eq(child.node, &object.node["status"])) {
        walk(&child, object.span(), say);
    }
}

/// `above`: the nearest place in a file.
fn walk(place: &Place<'_, '_, '_>, above: Span, say: &mut dyn FnMut(Refusal)) {
    let (Value::Mapping(_) | Value::Sequence(_)) = place.node.value else { return };
    let span = if place.node.origin.span.is_none() { above } else { place.node.origin.span };
    let mut refuse = |field: String, message: String, span: Span| {
        say(Refusal { field, message, help: String::new(), span, old_span: Span::NONE });
    };
    if let Value::Sequence(items) = &place.node.value {
        if let Shape::BuiltIn(ty, _) = place.shape
            && ty.form() == Form::Leaf(Leaf::Bytes)
        {
            let path = place.path().to_string();
            let message = format!("`{path}` must be a string of base64");
            refuse(path, message, span);
            return;
        }
        if let Some((index, fault)) = fault(items, place.shape) {
            let message = format!("server-side apply rejects `{}[{index}]`: the list has {fault}", place.path());
            let own = items[index].origin.span;
            refuse(String::new(), message, if own.is_none() { span } else { own });
        }
    }
    place.children().for_each(|child| walk(&child, span, say));
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
