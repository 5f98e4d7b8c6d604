//! Properties of merging, tested with random trees.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::node::Value;

/// A tree of mappings with random leaves.
fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => (0..100_i64).prop_map(|number| Node::new(Value::Int(number), Span::NONE)),
        1 => (0..100_i64).prop_map(|number| Node::new(vec![Node::new(Value::Int(number), Span::NONE)], Span::NONE)),
        1 => Just(Node::default()),
    ];
    mapping(leaf.prop_recursive(3, 20, 4, mapping))
}

fn mapping(inner: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    let key = prop::sample::select(vec!["a", "b", "c", "d"]);
    prop::collection::btree_map(key, inner, 0..4).prop_map(|entries| {
        let mut mapping = Mapping::new();
        entries.into_iter().for_each(|(key, value)| mapping.push(key, Span::NONE, value));
        Node::new(mapping, Span::NONE)
    })
}

fn merged(layers: &[&Node]) -> Node {
    let (mut node, mut deleted) = (Node::new(Mapping::new(), Span::NONE), Vec::new());
    for layer in layers {
        merge_layer(&mut node, layer, &mut deleted);
    }
    node
}

/// Leaves and empty mappings by path.
fn leaves(node: &Node, path: &str, found: &mut BTreeMap<String, Node>) {
    match &node.value {
        Value::Mapping(mapping) => {
            mapping.iter().for_each(|entry| leaves(&entry.value, &format!("{path}.{}", entry.key), found));
        }
        _ => _ = found.insert(path.to_owned(), node.clone()),
    }
}

/// A tree in which each path is either a mapping or a leaf in all layers: `a` and `b` hold mappings, other keys
/// leaves.
fn typed(depth: u32) -> BoxedStrategy<Node> {
    let leaf = (0..100_i64).prop_map(|number| Node::new(Value::Int(number), Span::NONE));
    let leaves = prop::collection::btree_map(prop::sample::select(vec!["x", "y", "z"]), leaf, 0..3);
    if depth == 0 {
        return leaves.prop_map(|entries| build(entries.into_iter())).boxed();
    }
    let inner = prop::collection::btree_map(prop::sample::select(vec!["a", "b"]), typed(depth - 1), 0..2);
    (leaves, inner).prop_map(|(leaves, inner)| build(leaves.into_iter().chain(inner))).boxed()
}

fn build(entries: impl Iterator<Item = (&'static str, Node)>) -> Node {
    let mut mapping = Mapping::new();
    entries.for_each(|(key, value)| mapping.push(key, Span::NONE, value));
    Node::new(mapping, Span::NONE)
}

fn no_null(node: &Node) -> bool {
    node.entries().iter().all(|entry| entry.value.is_set() && no_null(&entry.value))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_empty_layer_changes_nothing_and_no_null_remains(a in tree()) {
        let empty = Node::new(Mapping::new(), Span::NONE);
        let whole = merged(&[&a]);
        prop_assert!(no_null(&whole));
        prop_assert_eq!(&merged(&[&empty, &a]), &whole);
        prop_assert_eq!(&merged(&[&a, &empty]), &whole);
        prop_assert_eq!(&merged(&[&a, &a]), &whole);
    }

    #[test]
    fn merging_layers_of_one_shape_is_associative(a in typed(2), b in typed(2), c in typed(2)) {
        let (mut right, mut left) = (merged(&[&b]), merged(&[&a, &b]));
        merge_layer(&mut right, &c, &mut Vec::new());
        merge_layer(&mut left, &c, &mut Vec::new());
        let right = merged(&[&a, &right]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &merged(&[&a, &b, &c]));
    }

    #[test]
    fn the_last_layer_that_sets_a_value_wins_and_keeps_the_others(a in typed(2), b in typed(2), c in typed(2)) {
        let mut expected: BTreeMap<String, Vec<Node>> = BTreeMap::new();
        for layer in [&c, &b, &a] {
            let mut found = BTreeMap::new();
            leaves(layer, "", &mut found);
            found.into_iter().for_each(|(path, node)| expected.entry(path).or_default().push(node));
        }
        let mut found = BTreeMap::new();
        leaves(&merged(&[&a, &b, &c]), "", &mut found);
        prop_assert_eq!(found.len(), expected.len());
        for (path, node) in found {
            let actual: Vec<Node> = std::iter::once(node.clone()).chain(node.origin.overridden().iter().cloned()).collect();
            prop_assert_eq!(&actual, &expected[&path]);
            prop_assert!(node.origin.overridden().iter().all(|overridden| overridden.origin.overridden().is_empty()));
        }
    }

    #[test]
    fn deleted_values_are_removed_and_recorded(a in tree(), key in prop::sample::select(vec!["a", "b", "c", "d"])) {
        let layer = build([(key, Node::default())].into_iter());
        let before = merged(&[&a]);
        let (mut after, mut deleted) = (before.clone(), Vec::new());
        merge_layer(&mut after, &layer, &mut deleted);
        prop_assert!(after.get(key).is_none());
        prop_assert_eq!(deleted.len(), 1);
        prop_assert_eq!(deleted[0].node.origin.overridden().first(), before.get(key));
        prop_assert_eq!(after.entries().len() + usize::from(before.get(key).is_some()), before.entries().len());
    }
}
