//! Field paths, written as the API server writes them: `spec.template.spec.containers[0].image`.

use std::fmt;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

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

/// Where each node of a tree stands, by its address: for the paths of many.
#[derive(Debug)]
pub struct Index {
    /// The parent of a node, and which of its children the node is.
    parents: HashMap<usize, (usize, usize)>,
}

impl Index {
    /// The places of all nodes below `root`.
    #[must_use]
    pub fn of(root: &Node) -> Self {
        let mut parents = HashMap::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let entries = node.entries().iter().map(|entry| &entry.value);
            for (at, child) in node.items().iter().chain(entries).enumerate() {
                parents.insert(address(child), (address(node), at));
                if matches!(child.value, Value::Mapping(_) | Value::Sequence(_)) {
                    open.push(child);
                }
            }
        }
        Self { parents }
    }

    /// What [`FieldPath::find`] finds; `root` is the one that the index was made of.
    #[must_use]
    pub fn find(&self, root: &Node, target: &Node) -> Option<FieldPath> {
        let mut way = Vec::new();
        let mut at = address(target);
        while at != address(root) {
            let (parent, child) = self.parents.get(&at)?;
            way.push(*child);
            at = *parent;
        }
        let mut path = FieldPath::default();
        let mut node = root;
        for child in way.into_iter().rev() {
            let (step, next) = match &node.value {
                Value::Sequence(items) => (Segment::Index(child), items.get(child)?),
                _ => {
                    let entry = node.entries().get(child)?;
                    (path.step(&entry.key), &entry.value)
                }
            };
            path.0.push(step);
            node = next;
        }
        std::ptr::eq(node, target).then_some(path)
    }
}

/// The address of a node, which is never read from.
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
    fn free_mappings_are_sorted() {
        assert!(FREE_MAPPINGS.is_sorted());
    }

    #[test]
    fn an_index_finds_what_a_search_finds() {
        let text = "spec: {selector: {app: x, matchLabels: {a: [b, {c: d}, [], {}]}}, list: [[1], {data: {k: v}}]}\n";
        let root = &crate::yaml::load_text(text, crate::source::FileId(0), crate::yaml::Dialect::Strict).documents[0];
        let index = Index::of(root);
        let mut open = vec![root];
        let mut found = 0;
        while let Some(node) = open.pop() {
            assert_eq!(index.find(root, node), FieldPath::find(root, node));
            assert!(index.find(root, node).is_some());
            found += 1;
            open.extend(node.items().iter().chain(node.entries().iter().map(|entry| &entry.value)));
        }
        assert_eq!(found, 17);
        assert_eq!(index.find(root, Node::absent()), None);
    }
}
