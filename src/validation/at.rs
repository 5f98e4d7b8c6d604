//! A place in an object under validation: a node and the way to it, as the API server would write it.
//!
//! Rules that walk down an object by cursor know where they are without searching, can stand on fields that are absent, and
//! can name a field as the API server does where that is not what the manifest says. Making one allocates nothing.

use std::fmt;

use crate::node::Node;
use crate::validation::lists::repeats;

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
    Field(&'static str),
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
    pub fn get<'q>(&'q self, field: &'static str) -> At<'n, 'q> {
        self.on(field, &self.node[field])
    }

    /// A field whose node is known already, or another node that the server names so.
    #[must_use]
    pub const fn on<'q>(&'q self, field: &'static str, node: &'n Node) -> At<'n, 'q> {
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
            (key, At { node: &entry.value, up: Some(self), step: Step::Key(key) })
        })
    }

    /// The value of a key of a free mapping.
    #[must_use]
    pub fn key<'q>(&'q self, key: &'n str) -> At<'n, 'q> {
        At { node: &self.node[key], up: Some(self), step: Step::Key(key) }
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

impl fmt::Display for At<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            up.fmt(f)?;
        }
        match self.step {
            Step::Root(path) => f.write_str(path),
            Step::Container(spec, list, index) => write!(f, "{spec}.{list}[{index}]"),
            Step::Field(name) => match self.up {
                Some(At { up: None, step: Step::Root(""), .. }) => f.write_str(name),
                _ => write!(f, ".{name}"),
            },
            Step::Key(key) => write!(f, "[{key}]"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Same => Ok(()),
        }
    }
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
}
