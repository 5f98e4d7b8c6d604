//! Field paths, written as the API server writes them: `spec.template.spec.containers[0].image`.

use std::fmt;

use crate::node::Node;
use ecow::EcoString;

/// A path from the root of a tree to a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<Segment>);

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of an object, written `.name`.
    Field(EcoString),
    /// A key of a map such as `labels`, written `[key]`.
    Key(EcoString),
    /// An item of a list, written `[0]`.
    Index(usize),
}

impl FieldPath {
    /// The node at this path, if it is present.
    #[must_use]
    pub fn resolve<'a>(&self, root: &'a Node) -> Option<&'a Node> {
        self.0.iter().try_fold(root, |node, segment| match segment {
            Segment::Field(key) | Segment::Key(key) => node.get(key),
            Segment::Index(index) => node.items().get(*index),
        })
    }
}

/// The address of a node, as its identity; it is never dereferenced.
pub(crate) fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if at == 0 => write!(f, "{name}")?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Key(key) => write!(f, "[{key}]")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_displayed_and_resolved() {
        let text = "spec: {list: [[1], {data: {k.v: found}}]}\n";
        let root = &crate::yaml::load_text(text, crate::source::FileId(0), crate::yaml::Dialect::Strict).documents[0];
        let (field, key) = (|name: &str| Segment::Field(name.into()), Segment::Key("k.v".into()));
        let path = FieldPath(vec![field("spec"), field("list"), Segment::Index(1), field("data"), key]);
        assert_eq!(path.to_string(), "spec.list[1].data[k.v]");
        assert_eq!(path.resolve(root).map(Node::text), Some("found"));
    }
}
