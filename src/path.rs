//! Field paths, written as the API server writes them: `spec.template.spec.containers[0].image`.

use std::fmt;

use ecow::EcoString;

use crate::node::{Node, Value};

/// A way down a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<Segment>);

/// One step down a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of an object, written `.name`.
    Field(EcoString),
    /// A key of a free mapping such as `labels`, written `[key]`.
    Key(EcoString),
    /// An item of a list, written `[0]`.
    Index(usize),
}

/// The fields whose values are free mappings, so that their keys are written in brackets.
const FREE_MAPPINGS: &[&str] = &[
    "annotations",
    "binaryData",
    "capacity",
    "claims",
    "data",
    "default",
    "defaultRequest",
    "drivers",
    "hard",
    "labels",
    "limits",
    "matchLabels",
    "max",
    "maxLimitRequestRatio",
    "min",
    "nodeSelector",
    "overhead",
    "parameters",
    "requests",
    "selector",
    "stringData",
    "volumeAttributes",
];

impl FieldPath {
    /// The path with one more step.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(path.step(name));
        path
    }

    /// The step a key makes here: a field, or a key in brackets where the parent is a free mapping.
    fn step(&self, key: &str) -> Segment {
        match self.0.as_slice() {
            // A Service's selector maps labels; a workload's is an object of its own.
            [.., Segment::Field(parent)]
                if FREE_MAPPINGS.binary_search(&parent.as_str()).is_ok()
                    && !(parent == "selector" && matches!(key, "matchLabels" | "matchExpressions")) =>
            {
                Segment::Key(key.into())
            }
            _ => Segment::Field(key.into()),
        }
    }

    /// The path of the node at that address below `root`. `None` if it is not there.
    #[must_use]
    pub fn find(root: &Node, target: &Node) -> Option<Self> {
        let mut path = Self::default();
        path.descend(root, target).then_some(path)
    }

    fn descend(&mut self, node: &Node, target: &Node) -> bool {
        if std::ptr::eq(node, target) {
            return true;
        }
        // Another scalar leads nowhere, and most nodes are that.
        let leads =
            |node: &Node| std::ptr::eq(node, target) || matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        match &node.value {
            Value::Mapping(mapping) => mapping.iter().filter(|entry| leads(&entry.value)).any(|entry| {
                self.0.push(self.step(&entry.key));
                self.descend(&entry.value, target) || self.0.pop().is_none()
            }),
            Value::Sequence(items) => items.iter().enumerate().filter(|(_, item)| leads(item)).any(|(index, item)| {
                self.0.push(Segment::Index(index));
                self.descend(item, target) || self.0.pop().is_none()
            }),
            _ => false,
        }
    }

    /// The node this path leads to, if it is there.
    #[must_use]
    pub fn resolve<'a>(&self, root: &'a Node) -> Option<&'a Node> {
        self.0.iter().try_fold(root, |node, segment| match segment {
            Segment::Field(key) | Segment::Key(key) => node.get(key),
            Segment::Index(index) => node.items().get(*index),
        })
    }
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
    fn free_mappings_are_sorted() {
        assert!(FREE_MAPPINGS.is_sorted());
    }
}
