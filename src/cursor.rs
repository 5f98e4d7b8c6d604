//! The cursor that validation walks with: a node and the path to it, which can be written as the API server, its decoder or a
//! profile's schema writes paths.
//!
//! Code that walks down a tree by cursor knows its path without a search, can point at absent fields, and can name a field as
//! the API server does even if the manifest has another name for it. Making a cursor does not allocate.

use std::fmt::{self, Write};
use std::hash::Hash;

use foldhash::{HashSet, HashSetExt};

use crate::node::{FEW, Node};

/// A node and the path to it.
#[derive(Debug, Clone, Copy)]
pub struct At<'n, 'p> {
    /// The node; the static null where the field is absent.
    pub node: &'n Node,
    up: Option<&'p At<'n, 'p>>,
    segment: Segment<'n>,
}

#[derive(Debug, Clone, Copy)]
enum Segment<'n> {
    /// A path from the root of the object; may be empty.
    Root(&'static str),
    /// A container of a pod: the path of the pod spec, the list, the index.
    Container(&'static str, &'static str, usize),
    Field(&'n str),
    Key(&'n str),
    Index(usize),
    /// Adds nothing to the path of its parent.
    Same,
}

impl<'n> At<'n, '_> {
    /// A cursor without a parent, at a path from the root of the object.
    #[must_use]
    pub const fn root(path: &'static str, node: &'n Node) -> At<'n, 'n> {
        At { node, up: None, segment: Segment::Root(path) }
    }

    /// A cursor without a parent, at a container.
    #[must_use]
    pub const fn container(spec: &'static str, list: &'static str, index: usize, node: &'n Node) -> At<'n, 'n> {
        At { node, up: None, segment: Segment::Container(spec, list, index) }
    }
}

impl<'n, 'p> At<'n, 'p> {
    /// The cursor at a field.
    #[inline(always)]
    #[must_use]
    pub fn get<'q>(&'q self, field: &'n str) -> At<'n, 'q> {
        self.on(field, &self.node[field])
    }

    /// The cursor at a field whose node is given: it was looked up before, or the server uses this name for another node.
    #[must_use]
    pub const fn on<'q>(&'q self, field: &'n str, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), segment: Segment::Field(field) }
    }

    /// The cursor at a child node to which the server gives the path of its parent.
    #[must_use]
    pub const fn same<'q>(&'q self, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), segment: Segment::Same }
    }

    /// The cursor at a list item.
    #[must_use]
    pub const fn item<'q>(&'q self, index: usize, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), segment: Segment::Index(index) }
    }

    /// The cursors at the items; none if this is not a list.
    pub fn items<'q>(&'q self) -> impl Iterator<Item = At<'n, 'q>> + use<'n, 'p, 'q> {
        self.node.items().iter().enumerate().map(|(index, node)| self.item(index, node))
    }

    /// For each list item, whether an item before it has the same string in this field.
    pub fn repeats(&self, field: &str) -> Vec<bool> {
        repeats(self.node.items().iter().map(|item| item[field].text()))
    }

    /// The keys of a map such as `labels`, each with the cursor at its value.
    pub fn keys<'q>(&'q self) -> impl Iterator<Item = (&'n str, At<'n, 'q>)> + use<'n, 'p, 'q> {
        self.node.entries().iter().map(|entry| {
            let key = entry.key.as_str();
            (key, self.key_on(key, &entry.value))
        })
    }

    /// The cursor at a key of a map whose value is given.
    #[must_use]
    pub const fn key_on<'q>(&'q self, key: &'n str, node: &'n Node) -> At<'n, 'q> {
        At { node, up: Some(self), segment: Segment::Key(key) }
    }

    /// The cursor at a key of a map.
    #[must_use]
    pub fn key<'q>(&'q self, key: &'n str) -> At<'n, 'q> {
        self.key_on(key, &self.node[key])
    }

    /// The cursor this one was made from; `None` for a root or a container.
    #[must_use]
    pub const fn parent(&self) -> Option<&'p At<'n, 'p>> {
        self.up
    }

    /// The string; empty if it is absent.
    #[must_use]
    pub fn text(&self) -> &'n str {
        self.node.text()
    }

    /// The integer; `None` if it is absent.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.node.as_i64()
    }

    /// Whether it is present and not null.
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
    /// As the API server's validation writes it: map keys in brackets.
    Server,
    /// As the API server's decoder writes it: map keys after dots.
    Decoder,
    /// As `--set` takes it: keys in brackets if they are empty or have characters that are special in a path.
    Profile,
}

impl At<'_, '_> {
    /// The path as the API server's decoder writes it: map keys follow dots, as fields do.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.format_path(Style::Decoder)
    }

    /// The path as `--set` takes it: `labels[app.kubernetes.io/name]`, but `labels.app`.
    #[must_use]
    pub fn in_profile(&self) -> String {
        self.format_path(Style::Profile)
    }

    fn format_path(&self, style: Style) -> String {
        let mut path = String::new();
        _ = self.write(&mut path, style);
        path
    }

    fn write(&self, out: &mut impl Write, style: Style) -> fmt::Result {
        if let Some(up) = self.up {
            up.write(out, style)?;
        }
        let dot = if matches!(self.up, Some(At { up: None, segment: Segment::Root(""), .. })) { "" } else { "." };
        match self.segment {
            Segment::Root(path) => out.write_str(path),
            Segment::Container(spec, list, index) => write!(out, "{spec}.{list}[{index}]"),
            Segment::Field(key) | Segment::Key(key) if style == Style::Profile => match key {
                "" => write!(out, "[]"),
                key if key.contains(['.', '[', ']', ' ', '=']) => write!(out, "[{key}]"),
                key => write!(out, "{dot}{key}"),
            },
            Segment::Field(key) => write!(out, "{dot}{key}"),
            Segment::Key(key) if style == Style::Decoder => write!(out, "{dot}{key}"),
            Segment::Key(key) => write!(out, "[{key}]"),
            Segment::Index(index) => write!(out, "[{index}]"),
            Segment::Same => Ok(()),
        }
    }
}

impl fmt::Display for At<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Style::Server)
    }
}

/// For each item, whether an equal one comes before it.
pub fn repeats<T: Eq + Hash>(items: impl ExactSizeIterator<Item = T>) -> Vec<bool> {
    if items.len() > FEW {
        let mut seen = HashSet::with_capacity(items.len());
        return items.map(|item| !seen.insert(item)).collect();
    }
    if items.len() < 2 {
        return vec![false; items.len()];
    }
    let items: Vec<T> = items.collect();
    items.iter().enumerate().map(|(at, item)| items[..at].contains(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Mapping;
    use crate::source::Span;

    #[test]
    fn paths_match_the_server() {
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
    fn map_keys_are_written_in_three_styles() {
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
    fn repeats_marks_all_but_the_first() {
        assert_eq!(repeats(["a", "b", "a", "a"].iter()), [false, false, true, true]);
        assert_eq!(repeats([0; 0].iter()), [false; 0]);
        let many = repeats((0..4 * FEW).map(|number| number % (2 * FEW)));
        assert!(many.iter().enumerate().all(|(at, repeats)| *repeats == (at >= 2 * FEW)));
    }
}
