//! The paths of nodes, which are found by their addresses.

use foldhash::{HashMap, HashMapExt};

use super::shape::Shape;
use crate::node::{Node, Value};
use crate::path::{FieldPath, Segment, address};

/// The field path and the shape of `target`, a node of the tree `root`. `None` if it is not in the tree.
#[must_use]
pub fn find<'s>(root: &Node, shape: Shape<'s>, target: &Node) -> Option<(FieldPath, Shape<'s>)> {
    fn descend(node: &Node, target: &Node, way: &mut Vec<usize>) -> bool {
        if std::ptr::eq(node, target) {
            return true;
        }
        // Most nodes are scalars, which have no children to search.
        let leads =
            |node: &Node| std::ptr::eq(node, target) || matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let children = node.items().iter().chain(node.entries().iter().map(|entry| &entry.value)).enumerate();
        children.filter(|(_, child)| leads(child)).any(|(at, child)| {
            way.push(at);
            descend(child, target, way) || way.pop().is_none()
        })
    }
    let mut way = Vec::new();
    if !descend(root, target, &mut way) {
        return None;
    }
    follow(root, shape, way.into_iter()).map(|(path, shape, _)| (path, shape))
}

/// The path along the children with these indices, and the shape and node that it leads to.
fn follow<'n, 's>(
    root: &'n Node,
    mut shape: Shape<'s>,
    way: impl Iterator<Item = usize>,
) -> Option<(FieldPath, Shape<'s>, &'n Node)> {
    let mut path = FieldPath::default();
    let mut node = root;
    for child in way {
        node = match &node.value {
            Value::Sequence(items) => {
                path.0.push(Segment::Index(child));
                shape = shape.items();
                items.get(child)?
            }
            _ => {
                let entry = node.entries().get(child)?;
                path.0.push(shape.segment(&entry.key));
                shape = shape.field(&entry.key);
                &entry.value
            }
        };
    }
    Some((path, shape, node))
}

/// The positions of all nodes of a tree by their addresses, for the paths of many nodes.
#[derive(Debug)]
pub struct Index {
    /// The parent of a node and the index of the node among its children.
    parents: HashMap<usize, (usize, usize)>,
}

impl Index {
    /// Indexes all nodes of a tree.
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

    /// As [`find`]; `root` is the tree that was indexed.
    #[must_use]
    pub fn find<'s>(&self, root: &Node, shape: Shape<'s>, target: &Node) -> Option<(FieldPath, Shape<'s>)> {
        let mut way = Vec::new();
        let mut at = address(target);
        while at != address(root) {
            let (parent, child) = self.parents.get(&at)?;
            way.push(*child);
            at = *parent;
        }
        let (path, shape, node) = follow(root, shape, way.into_iter().rev())?;
        std::ptr::eq(node, target).then_some((path, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::KubernetesVersion;

    fn read(text: &str) -> Node {
        crate::yaml::load_text(text, crate::source::FileId(0), crate::yaml::Dialect::Kubectl).documents.remove(0)
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {labels: {a/b: c}}\nspec:\n  overhead: {cpu: 1}\n  nodeSelector: {x: y}\n  \
                    containers: [{name: a, resources: {limits: {cpu: 1}}, env: [{name: A}], ports: [{containerPort: 80}]}]\n";
        let root = &read(text);
        let shape = Shape::built_in(root, KubernetesVersion::default());
        let index = Index::of(root);
        let mut open = vec![root];
        let mut paths = Vec::new();
        while let Some(node) = open.pop() {
            let found = find(root, shape, node).map(|(path, _)| path.to_string());
            assert_eq!(found, index.find(root, shape, node).map(|(path, _)| path.to_string()));
            paths.extend(found);
            open.extend(node.items().iter().chain(node.entries().iter().map(|entry| &entry.value)));
        }
        for path in [
            "metadata.labels[a/b]",
            "spec.overhead[cpu]",
            "spec.nodeSelector[x]",
            "spec.containers[0].resources.limits[cpu]",
            "spec.containers[0].env[0].name",
        ] {
            assert!(paths.iter().any(|found| found == path), "{path}: {paths:?}");
        }
        assert!(find(root, shape, Node::absent()).is_none() && index.find(root, shape, Node::absent()).is_none());
    }
}
