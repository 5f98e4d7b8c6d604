//! Secrets, kept out of what a diff shows: what `report` knows and `secret` tells by name and form, and whether it changed.

use std::cell::OnceCell;

use crate::diff::{Change, FieldChange, Step};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::Mask;
use crate::secret::{DOTS, arguments, holds, in_text, is_secret_name, is_torn, strike};
use crate::source::Sources;

/// Knows the secrets of both sides; they are looked for when something is shown.
#[derive(Debug)]
pub struct Hide<'a> {
    sources: &'a Sources,
    objects: Vec<&'a Object>,
    mask: OnceCell<Mask>,
}

/// A text without its secrets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The text, with dots in their place.
    pub(super) text: String,
    /// What the dots stand for: to tell whether it changed, never to be shown.
    pub(super) secrets: Vec<String>,
}

impl<'a> Hide<'a> {
    /// For the secrets of objects, and those met while the texts were read.
    #[must_use]
    pub fn of(sources: &'a Sources, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        Self { sources, objects: objects.into_iter().collect(), mask: OnceCell::new() }
    }

    fn mask(&self) -> &Mask {
        self.mask.get_or_init(|| Mask::of(self.sources, self.objects.iter().copied()))
    }

    /// Whether nothing but the change itself may be shown.
    pub(super) fn is_secret(&self, change: &Change<'_>, field: &FieldChange<'_>) -> bool {
        let mut nodes = field.before().into_iter().chain(field.after());
        // A config file in which only a part is secret is shown without that part; of a list of arguments, one may be.
        let is_marked = |node: &Node| node.origin.is_secret() && parts(node).is_empty();
        let is_item = matches!(field.path.last(), Some(Step::Item { .. }));
        let is_argument = |node: &Node| is_item && is_scalar(node) && self.mask().covers(node.origin.span);
        let sides = [change.old, change.new].map(|side| side.map_or(Node::absent(), |object| &object.node));
        is_named(sides, field) || nodes.any(|node| is_marked(node) || is_argument(node))
    }

    /// The text of a scalar without its secrets.
    pub(super) fn scalar(&self, node: &Node, text: &str) -> Hidden {
        let mut hidden = Hidden::default();
        let mut at = 0;
        for part in parts(node).iter().filter(|part| part.origin.is_secret()) {
            let (start, end) = (part.start as usize, part.end as usize);
            if let (Some(before), Some(secret)) = (text.get(at..start), text.get(start..end)) {
                hidden.text.push_str(before);
                hidden.text.push_str(DOTS);
                hidden.secrets.push(secret.to_owned());
                at = end;
            }
        }
        hidden.text.push_str(text.get(at..).unwrap_or_default());
        let lines = self.text(&hidden.text);
        hidden.text = lines.text;
        hidden.secrets.extend(lines.secrets);
        hidden
    }

    /// A text without its secrets.
    pub(super) fn text(&self, text: &str) -> Hidden {
        let found = in_text(text);
        let secrets = found.iter().map(|range| text[range.clone()].to_owned()).collect();
        let mut hidden = Hidden { text: strike(text, &found), secrets };
        let words = self.mask().content(&hidden.text);
        if words != hidden.text {
            // Which ones went is not known; the whole tells whether they changed.
            hidden.secrets.push(std::mem::replace(&mut hidden.text, words));
        }
        hidden
    }

    /// A tree without its secrets, for showing it whole.
    pub(crate) fn tree(&self, node: &Node) -> Node {
        if node.origin.is_secret() && parts(node).is_empty() || is_scalar(node) && self.mask().covers(node.origin.span)
        {
            return self.without(node);
        }
        let mut copy = node.clone();
        match &mut copy.value {
            Value::String(text) => *text = self.scalar(node, text).text.into(),
            Value::Sequence(items) => {
                let items = items.make_mut();
                items.iter_mut().for_each(|item| *item = self.tree(item));
                for (at, start) in arguments(node.items()) {
                    items[at] = self.without(&items[at]);
                    if start > 0 {
                        items[at].value = Value::String(format!("{}{DOTS}", &node.items()[at].text()[..start]).into());
                    }
                }
            }
            Value::Mapping(mapping) => {
                let holds = holds(node);
                for entry in mapping.iter_mut() {
                    let secret = holds(&entry.key, &entry.value);
                    entry.value = match secret {
                        // A variable holds a string: where one in braces was taken for a mapping, its keys are as secret.
                        true if entry.key == "value" && !entry.value.entries().is_empty() => {
                            Node { value: Value::String(DOTS.into()), origin: entry.value.origin.clone() }
                        }
                        true => self.without(&entry.value),
                        false => self.tree(&entry.value),
                    };
                    entry.key = self.mask().content(&entry.key).into();
                }
            }
            _ => {}
        }
        copy
    }

    /// Dots in place of a secret; of a mapping the keys stay, but for what of a secret stands in them.
    fn without(&self, node: &Node) -> Node {
        let mut hidden = node.clone();
        match &mut hidden.value {
            Value::Null => {}
            Value::Mapping(mapping) => {
                for entry in mapping.iter_mut() {
                    let torn = is_torn(&entry.key, &entry.value);
                    entry.key = if torn { DOTS.into() } else { self.mask().content(&entry.key).into() };
                    entry.value.value = DOTS.into();
                }
            }
            value => *value = DOTS.into(),
        }
        hidden
    }

    /// What is said of a change without the secrets, such as a path, in which keys stand.
    pub(super) fn words(&self, text: &str) -> String {
        self.mask().words(text)
    }

    /// A value on one line, without its secrets.
    pub(crate) fn line(&self, node: &Node) -> String {
        super::show::flow(&self.tree(node))
    }
}

/// Whether a field of two trees, the old and the new, is a secret by a name: its own, one above it, as in a list of passwords,
/// or one beside it.
pub(super) fn is_named(roots: [&Node; 2], field: &FieldChange<'_>) -> bool {
    let is_beside = match field.path.as_slice() {
        [.., Step::Item { label: Some(name), .. }, Step::Key(value)] => value == "value" && is_secret_name(name),
        _ => false,
    };
    is_beside || is_below(roots, field)
}

fn is_below(mut sides: [&Node; 2], field: &FieldChange<'_>) -> bool {
    for step in &field.path {
        let key = match step {
            Step::Key(key) | Step::Data(key) => key,
            Step::Item { old, new, .. } => {
                let places = [*old, *new];
                sides = std::array::from_fn(|side| {
                    places[side].and_then(|at| sides[side].items().get(at)).unwrap_or(Node::absent())
                });
                continue;
            }
        };
        let below = sides.map(|side| side.get(key).unwrap_or(Node::absent()));
        let is_told = |side: &Node| {
            let holds = holds(side);
            below.iter().any(|node| holds(key, node))
        };
        if sides.into_iter().any(is_told) {
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
