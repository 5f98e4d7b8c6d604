//! Redacts secrets in diffs: those that `report` and `secret` detect. A diff only shows whether a secret changed.

use std::cell::OnceCell;

use crate::diff::{FieldChange, ObjectChange, PathStep};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::Secrets;
use crate::secret::{REDACTED, arguments, holds, in_text, is_secret_name, is_torn, redact};
use crate::source::Sources;

/// Redacts the secrets of both sides. They are collected on first use.
#[derive(Debug)]
pub struct Redactor<'a> {
    sources: &'a Sources,
    objects: Vec<&'a Object>,
    secrets: OnceCell<Secrets>,
}

/// A string with its secrets redacted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Redacted {
    /// The redacted string.
    pub(super) text: String,
    /// The secrets, to determine whether they changed. They must not be printed.
    pub(super) secrets: Vec<String>,
}

impl<'a> Redactor<'a> {
    /// Creates a redactor for the secrets of objects and sources.
    #[must_use]
    pub fn of(sources: &'a Sources, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        Self { sources, objects: objects.into_iter().collect(), secrets: OnceCell::new() }
    }

    fn secrets(&self) -> &Secrets {
        self.secrets.get_or_init(|| Secrets::of(self.sources, self.objects.iter().copied()))
    }

    /// Whether the values of a field are secret as a whole.
    pub(super) fn is_secret(&self, change: &ObjectChange<'_>, field: &FieldChange<'_>) -> bool {
        let mut nodes = field.before().into_iter().chain(field.after());
        // If only parts of a string are secret, they are redacted individually. A single argument may be secret as a
        // whole.
        let is_marked = |node: &Node| node.origin.is_secret() && parts(node).is_empty();
        let is_item = matches!(field.path.last(), Some(PathStep::Item { .. }));
        let is_argument = |node: &Node| is_item && is_scalar(node) && self.secrets().covers(node.origin.span);
        let sides = [change.old, change.new].map(|side| side.map_or(Node::absent(), |object| &object.node));
        is_named(sides, field) || nodes.any(|node| is_marked(node) || is_argument(node))
    }

    /// The string of a scalar with secrets redacted.
    pub(super) fn scalar(&self, node: &Node, text: &str) -> Redacted {
        let mut redacted = Redacted::default();
        let mut at = 0;
        for part in parts(node).iter().filter(|part| part.origin.is_secret()) {
            let (start, end) = (part.start as usize, part.end as usize);
            if let (Some(before), Some(secret)) = (text.get(at..start), text.get(start..end)) {
                redacted.text.push_str(before);
                redacted.text.push_str(REDACTED);
                redacted.secrets.push(secret.to_owned());
                at = end;
            }
        }
        redacted.text.push_str(text.get(at..).unwrap_or_default());
        let lines = self.text(&redacted.text);
        redacted.text = lines.text;
        redacted.secrets.extend(lines.secrets);
        redacted
    }

    /// A string with secrets redacted.
    pub(super) fn text(&self, text: &str) -> Redacted {
        let found = in_text(text);
        let secrets = found.iter().map(|range| text[range.clone()].to_owned()).collect();
        let mut redacted = Redacted { text: redact(text, &found), secrets };
        let words = self.secrets().content(&redacted.text);
        if words != redacted.text {
            // The positions are not known, so the whole string determines whether they changed.
            redacted.secrets.push(std::mem::replace(&mut redacted.text, words));
        }
        redacted
    }

    /// A copy of a tree with secrets redacted.
    pub(crate) fn tree(&self, node: &Node) -> Node {
        if node.origin.is_secret() && parts(node).is_empty()
            || is_scalar(node) && self.secrets().covers(node.origin.span)
        {
            return self.redact_all(node);
        }
        let mut copy = node.clone();
        match &mut copy.value {
            Value::String(text) => *text = self.scalar(node, text).text.into(),
            Value::Sequence(items) => {
                let items = items.make_mut();
                items.iter_mut().for_each(|item| *item = self.tree(item));
                for (at, start) in arguments(node.items()) {
                    items[at] = self.redact_all(&items[at]);
                    if start > 0 {
                        items[at].value =
                            Value::String(format!("{}{REDACTED}", &node.items()[at].text()[..start]).into());
                    }
                }
            }
            Value::Mapping(mapping) => {
                let holds = holds(node);
                for entry in mapping.iter_mut() {
                    let secret = holds(&entry.key, &entry.value);
                    entry.value = match secret {
                        // The value of a variable is a string. An unquoted one in braces was parsed as a mapping, whose
                        // keys are secret.
                        true if entry.key == "value" && !entry.value.entries().is_empty() => {
                            Node { value: Value::String(REDACTED.into()), origin: entry.value.origin.clone() }
                        }
                        true => self.redact_all(&entry.value),
                        false => self.tree(&entry.value),
                    };
                    entry.key = self.secrets().content(&entry.key).into();
                }
            }
            _ => {}
        }
        copy
    }

    /// A copy of a node with all scalars redacted. The keys of a mapping are kept, except for secrets in them.
    fn redact_all(&self, node: &Node) -> Node {
        let mut redacted = node.clone();
        match &mut redacted.value {
            Value::Null => {}
            Value::Mapping(mapping) => {
                for entry in mapping.iter_mut() {
                    let torn = is_torn(&entry.key, &entry.value);
                    entry.key = if torn { REDACTED.into() } else { self.secrets().content(&entry.key).into() };
                    entry.value.value = REDACTED.into();
                }
            }
            value => *value = REDACTED.into(),
        }
        redacted
    }

    /// A message or path with secrets redacted.
    pub(super) fn words(&self, text: &str) -> String {
        self.secrets().words(text)
    }

    /// A value on one line with secrets redacted.
    pub(crate) fn line(&self, node: &Node) -> String {
        super::view::flow(&self.tree(node))
    }
}

/// Whether the name of a field, of an ancestor or of a sibling, in the old or the new tree, says that it is secret.
pub(super) fn is_named(roots: [&Node; 2], field: &FieldChange<'_>) -> bool {
    let is_named_by_sibling = match field.path.as_slice() {
        [.., PathStep::Item { label: Some(name), .. }, PathStep::Field(value)] => {
            value == "value" && is_secret_name(name)
        }
        _ => false,
    };
    is_named_by_sibling || is_named_by_ancestor(roots, field)
}

fn is_named_by_ancestor(mut sides: [&Node; 2], field: &FieldChange<'_>) -> bool {
    for step in &field.path {
        let key = match step {
            PathStep::Field(key) | PathStep::MapKey(key) => key,
            PathStep::Item { old, new, .. } => {
                let indices = [*old, *new];
                sides = std::array::from_fn(|side| {
                    indices[side].and_then(|at| sides[side].items().get(at)).unwrap_or(Node::absent())
                });
                continue;
            }
        };
        let below = sides.map(|side| side.get(key).unwrap_or(Node::absent()));
        let is_secret = |side: &Node| {
            let holds = holds(side);
            below.iter().any(|node| holds(key, node))
        };
        if sides.into_iter().any(is_secret) {
            return true;
        }
        sides = below;
    }
    false
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node.value, Value::Sequence(_) | Value::Mapping(_) | Value::Null)
}

fn parts(node: &Node) -> &[crate::node::TextPart] {
    node.origin.derived.as_ref().map_or(&[], |derived| &derived.text_parts)
}
