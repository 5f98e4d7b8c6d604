//! List operations: `{$prepend: [...], $append: [...], $remove: [...]}` in place of a list changes the list of the
//! lower layers.

use ecow::EcoVec;

use crate::finding::{Finding, RuleId};
use crate::node::{Mapping, Node, Value};

/// Adds items before those of the lower layers.
const PREPEND: &str = "$prepend";
/// Adds items after those of the lower layers.
const APPEND: &str = "$append";
/// Removes items that a lower layer has.
const REMOVE: &str = "$remove";

/// The keys of an operation, in the order in which [`as_lists`] joins their items.
const KEYS: [&str; 3] = [PREPEND, APPEND, REMOVE];

/// Whether a mapping is a list operation.
pub(super) fn is_change(mapping: &Mapping) -> bool {
    mapping.iter().any(|entry| KEYS.contains(&entry.key.as_str()))
}

fn change(node: &Node) -> Option<&Mapping> {
    match &node.value {
        Value::Mapping(mapping) if is_change(mapping) => Some(mapping),
        _ => None,
    }
}

/// Whether a layer contains a list operation.
pub(super) fn has_change(node: &Node) -> bool {
    change(node).is_some() || node.entries().iter().any(|entry| has_change(&entry.value))
}

/// Reports malformed list operations.
pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let Some(change) = change(node) else {
        return node.entries().iter().for_each(|entry| check(&entry.value, findings));
    };
    for entry in change {
        let (span, message) = if !KEYS.contains(&entry.key.as_str()) {
            (entry.key_span, format!("`{}` cannot be combined with a list operation", entry.key))
        } else if !matches!(entry.value.value, Value::Sequence(_)) {
            (entry.value.origin.span, format!("`{}` must be a list, not {}", entry.key, entry.value.type_name()))
        } else if entry.value.items().is_empty() {
            (entry.value.origin.span, format!("`{}` has no items", entry.key))
        } else {
            continue;
        };
        let finding = Finding::error(RuleId::ProfileListChange, span, message);
        findings.push(
            finding.with_help(
                "`{$append: [a]}`, `{$prepend: [a]}` and `{$remove: [a]}` change a list of the lower layers",
            ),
        );
    }
}

/// The layer with the items of each list operation as a plain list, as the schema expects.
pub(super) fn as_lists(node: &Node) -> Node {
    let value = match &node.value {
        Value::Mapping(mapping) if is_change(mapping) => {
            let items = KEYS.iter().flat_map(|key| mapping.get(key).map_or(&[][..], Node::items)).cloned();
            Value::Sequence(items.collect())
        }
        Value::Mapping(mapping) => {
            let mut copy = mapping.clone();
            copy.iter_mut().for_each(|entry| entry.value = as_lists(&entry.value));
            copy.into()
        }
        value => value.clone(),
    };
    Node { value, origin: node.origin.clone() }
}

/// Copies the nodes of the result of [`as_lists`] back, with the items of list operations at their keys.
pub(super) fn restore(node: &mut Node, lists: Node) {
    match (&mut node.value, lists.value) {
        (Value::Mapping(mapping), Value::Sequence(items)) if is_change(mapping) => {
            let mut items = items.into_iter();
            for key in KEYS {
                if let Some(Value::Sequence(own)) = mapping.get_mut(key).map(|node| &mut node.value) {
                    own.make_mut().iter_mut().zip(&mut items).for_each(|(own, item)| *own = item);
                }
            }
        }
        (Value::Mapping(mapping), Value::Mapping(lists)) => {
            for (entry, list) in mapping.iter_mut().zip(&lists) {
                restore(&mut entry.value, list.value.clone());
            }
        }
        (value, list) => *value = list,
    }
    node.origin = lists.origin;
}

/// Applies a list operation to the list below. Items to remove that are not in the list are reported.
pub(super) fn changed(below: &[Node], change: &Mapping, findings: &mut Vec<Finding>) -> EcoVec<Node> {
    let items = |key: &str| change.get(key).map_or(&[][..], Node::items);
    let mut rest: Vec<Node> = below.to_vec();
    for item in items(REMOVE) {
        match rest.iter().position(|other| other == item) {
            Some(at) => _ = rest.remove(at),
            None => {
                let finding =
                    Finding::error(RuleId::ProfileListChange, item.origin.span, "the list has no such item to remove");
                let secret = item.origin.is_secret() || below.iter().any(|item| item.origin.is_secret());
                let shown = crate::yaml::json(&Node::new(below.to_vec(), crate::source::Span::NONE));
                let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                findings.push(if secret || shown.len() > 200 {
                    finding
                } else {
                    finding.with_help(format!("the list of the lower layers is {shown}"))
                });
            }
        }
    }
    items(PREPEND).iter().chain(&rest).chain(items(APPEND)).cloned().collect()
}
