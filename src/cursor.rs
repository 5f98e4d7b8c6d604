//! The cursor of all validation: a node and the way to it, as the API server, its decoder or a profile's schema writes it.
//!
//! What walks down a tree by cursor knows where it is without searching, can stand on fields that are absent, and can name a
//! field as the API server does where that is not what the manifest says. Making one allocates nothing.

use std::fmt::{self, Write};
use std::hash::Hash;

use foldhash::{HashSet, HashSetExt};

use crate::node::{FEW, Node};

/// A node and the way to it.
#[derive(Debug, Clone, Copy)]
pub struct At<'n, 'p> {
    /// The node; the static null where the field is absent.
    pub node: &'n Node,
    up: Option<&'p At<'n, 'p>>,
    step: Step<'n>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'n> {
    /// A path from the object's root; may be empty.
    Root(&'static str),
    /// A container of a pod: the pod spec's path, the list, the index.
    Container(&'static str, &'static str, usize),
    Field(&'n str),
    Key(&'n str),
    Index(usize),
    /// Stands for its parent in the path.
    Same,
}

impl<'n> At<'n, '_> {
    /// A start: a node at a path from the object's root.
    #[must_use]
    pub const fn root(path: &'static str, node: &'n Node) -> At<'n, 'n> {
        At { node, up: None, step: Step::Root(path) }
    }

    /// A start at a container.
    #[must_use]
    pub const fn container(spec: &'static str, list: &'static str, index: usize, node: &'n Node) -> At<'n, 'n> {
        At { node, up: None, step: Step::Container(spec, list, index) }
    }
}

impl<'n, 'p> At<'n, 'p> {
    /// A field of this mapping.
    #[inline(always)]
    #[must_use]
    pub fn get<'q>(&'q self, field: &'n str) -> At<'n, 'q> {
        self.on(field, &self.node[field])
    }

    /// A field whose node is known already, or another node that the server names so.
    #[must_use]
    pub const fn on<'q>(&'q self, field: &'n str, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), step: Step::Field(field) }
    }

    /// A child node that the server calls by its parent's name.
    #[must_use]
    pub const fn same<'q>(&'q self, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), step: Step::Same }
    }

    /// An item that stands at an index.
    #[must_use]
    pub const fn item<'q>(&'q self, index: usize, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), step: Step::Index(index) }
    }

    /// The items, if this is a list.
    pub fn items<'q>(&'q self) -> impl Iterator<Item = At<'n, 'q>> + use<'n, 'p, 'q> {
        self.node.items().iter().enumerate().map(|(index, node)| self.item(index, node))
    }

    /// For each item of a list, whether one before it has the same text in a field.
    pub fn repeats(&self, field: &str) -> Vec<bool> {
        repeats(self.node.items().iter().map(|item| item[field].text()))
    }

    /// The entries of a free mapping, with their keys; a null counts as the empty value.
    pub fn keys<'q>(&'q self) -> impl Iterator<Item = (&'n str, At<'n, 'q>)> + use<'n, 'p, 'q> {
        self.node.entries().iter().map(|entry| {
            let key = entry.key.as_str();
            (key, self.key_on(key, &entry.value))
        })
    }

    /// A key of a free mapping whose value is known already.
    #[must_use]
    pub const fn key_on<'q>(&'q self, key: &'n str, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), step: Step::Key(key) }
    }

    /// The value of a key of a free mapping.
    #[must_use]
    pub fn key<'q>(&'q self, key: &'n str) -> At<'n, 'q> {
        self.key_on(key, &self.node[key])
    }

    /// What this place is in; `None` at a start.
    #[must_use]
    pub const fn parent(&self) -> Option<&'p At<'n, 'p>> {
        self.up
    }

    /// The text; empty if it is absent.
    #[must_use]
    pub fn text(&self) -> &'n str {
        self.node.text()
    }

    /// The number, if it is there.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.node.as_i64()
    }

    /// Whether it is there and not null.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.node.is_set()
    }

    /// Whether it is the literal `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.node.as_bool() == Some(true)
    }
}

/// How a path is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As validation of the API server writes it: keys of free mappings in brackets.
    Server,
    /// As its decoder writes it: all keys behind dots.
    Decoder,
    /// As `--set` takes it: those keys in brackets that would read as several, or as none.
    Profile,
}

impl At<'_, '_> {
    /// The path as the API server's decoder writes it: keys of free mappings too stand behind dots.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.written(Style::Decoder)
    }

    /// The path as it is written of profiles: `labels[app.kubernetes.io/name]`, but `labels.app`.
    #[must_use]
    pub fn in_profile(&self) -> String {
        self.written(Style::Profile)
    }

    fn written(&self, style: Style) -> String {
        let mut path = String::new();
        _ = self.write(&mut path, style);
        path
    }

    fn write(&self, out: &mut impl Write, style: Style) -> fmt::Result {
        if let Some(up) = self.up {
            up.write(out, style)?;
        }
        let dot = if matches!(self.up, Some(At { up: None, step: Step::Root(""), .. })) { "" } else { "." };
        match self.step {
            Step::Root(path) => out.write_str(path),
            Step::Container(spec, list, index) => write!(out, "{spec}.{list}[{index}]"),
            Step::Field(key) | Step::Key(key) if style == Style::Profile => match key {
                "" => write!(out, "[]"),
                key if key.contains(['.', '[', ']', ' ', '=']) => write!(out, "[{key}]"),
                key => write!(out, "{dot}{key}"),
            },
            Step::Field(key) => write!(out, "{dot}{key}"),
            Step::Key(key) if style == Style::Decoder => write!(out, "{dot}{key}"),
            Step::Key(key) => write!(out, "[{key}]"),
            Step::Index(index) => write!(out, "[{index}]"),
            Step::Same => Ok(()),
        }
    }
}

impl fmt::Display for At<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Style::Server)
    }
}

/// For each of a list's things, whether an equal one stands before it.
pub fn repeats<T: Eq + Hash>(things: impl ExactSizeIterator<Item = T>) -> Vec<bool> {
    if things.len() > FEW {
        let mut seen = HashSet::with_capacity(things.len());
        return things.map(|thing| !seen.insert(thing)).collect();
    }
    if things.len() < 2 {
        return vec![false; things.len()];
    }
    let things: Vec<T> = things.collect();
    things.iter().enumerate().map(|(at, thing)| things[..at].contains(thing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Mapping;
    use crate::source::Span;

    #[test]
    fn writes_paths_as_the_server_does() {
        let mut labels = Mapping::new();
        labels.push("a/b", Span::NONE, Node::new("x", Span::NONE));
        let node = Node::new(vec![Node::new(labels, Span::NONE)], Span::NONE);
        let root = At::root("", &node);
        let list = root.on("list", &node);
        for item in list.items() {
            assert_eq!(item.to_string(), "list[0]");
            for (key, at) in item.keys() {
                assert_eq!((key, at.text(), at.to_string().as_str()), ("a/b", "x", "list[0][a/b]"));
            }
            assert_eq!(item.get("gone").to_string(), "list[0].gone");
        }
        let container = At::container("spec", "containers", 1, &node);
        assert_eq!(container.get("name").get("x").to_string(), "spec.containers[1].name.x");
    }

    #[test]
    fn decoders_and_profiles_write_keys_their_own_way() {
        let node = Node::new("x", Span::NONE);
        let root = At::root("", &node);
        let (labels, list) = (root.on("labels", &node), root.on("list", &node));
        for (key, server, decoder, profile) in [
            ("app", "labels[app]", "labels.app", "labels.app"),
            ("a.b/c", "labels[a.b/c]", "labels.a.b/c", "labels[a.b/c]"),
            ("", "labels[]", "labels.", "labels[]"),
        ] {
            let at = labels.key(key);
            assert_eq!((at.to_string(), at.dotted(), at.in_profile()), (server.into(), decoder.into(), profile.into()));
        }
        assert_eq!(
            (root.on("a b", &node).in_profile().as_str(), list.item(1, &node).in_profile().as_str()),
            ("[a b]", "list[1]")
        );
    }

    #[test]
    fn the_second_of_two_repeats() {
        assert_eq!(repeats(["a", "b", "a", "a"].iter()), [false, false, true, true]);
        assert_eq!(repeats([0; 0].iter()), [false; 0]);
        let many = repeats((0..4 * FEW).map(|number| number % (2 * FEW)));
        assert!(many.iter().enumerate().all(|(at, repeats)| *repeats == (at >= 2 * FEW)));
    }
}
