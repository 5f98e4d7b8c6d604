//! Property tests: the changes, applied to the old manifests, yield the new ones.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Difference, FieldChange, ObjectChange, PathStep, compare};
use crate::check::Options;
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::source::Span;

/// Applies changes to the old objects.
fn apply(old: &[Object], changes: &[ObjectChange<'_>]) -> Vec<Node> {
    let mut result = Vec::new();
    for object in old {
        let of = changes.iter().find(|change| change.old.is_some_and(|old| std::ptr::eq(old, object)));
        match of {
            None => result.push(object.node.clone()),
            Some(change) if change.new.is_none() => {}
            Some(change) => result.push(apply_fields(&object.node, &change.fields, 0)),
        }
    }
    result.extend(changes.iter().filter(|change| change.old.is_none()).map(|change| change.new.unwrap().node.clone()));
    result
}

/// Applies changes at or below a node. The first `depth` segments of their paths are those of the node.
fn apply_fields(node: &Node, fields: &[FieldChange<'_>], depth: usize) -> Node {
    if let Some(here) = fields.iter().find(|field| field.path.len() == depth && field.after().is_some()) {
        return here.after().unwrap().clone();
    }
    let order = fields.iter().find_map(|field| match &field.difference {
        Difference::Reordered(_, new) if field.path.len() == depth => Some(new),
        _ => None,
    });
    if let Some(Difference::Rearranged(_, new)) =
        fields.iter().find(|field| field.path.len() == depth).map(|field| &field.difference)
    {
        return (*new).clone();
    }
    let mut by_step: Vec<(&PathStep, Vec<FieldChange<'_>>)> = Vec::new();
    for field in fields.iter().filter(|field| field.path.len() > depth) {
        let step = &field.path[depth];
        match by_step.iter_mut().find(|(known, _)| *known == step) {
            Some((_, fields)) => fields.push(field.clone()),
            None => by_step.push((step, vec![field.clone()])),
        }
    }
    let is_removed = |fields: &[FieldChange<'_>]| {
        fields.iter().any(|field| field.path.len() == depth + 1 && matches!(field.difference, Difference::Removed(_)))
    };
    let mut copy = node.clone();
    match &mut copy.value {
        Value::Mapping(mapping) => {
            for (step, fields) in &by_step {
                let (PathStep::Field(key) | PathStep::MapKey(key)) = step else { panic!("{step:?} into a mapping") };
                if is_removed(fields) {
                    mapping.remove(key).unwrap();
                } else {
                    let before = mapping.get(key).cloned().unwrap_or_default();
                    mapping.set(key, apply_fields(&before, fields, depth + 1));
                }
            }
        }
        Value::Sequence(items) => {
            let mut remaining: Vec<Option<Node>> = items.iter().cloned().map(Some).collect();
            let mut placed: BTreeMap<usize, Node> = BTreeMap::new();
            for (step, fields) in &by_step {
                let PathStep::Item { old, new, .. } = step else { panic!("{step:?} into a list") };
                let before = old.map(|old| remaining[old].take().unwrap()).unwrap_or_default();
                if !is_removed(fields) {
                    placed.insert(new.unwrap(), apply_fields(&before, fields, depth + 1));
                }
            }
            let mut rest = remaining.into_iter().flatten();
            let mut made = Vec::new();
            loop {
                match placed.remove(&made.len()) {
                    Some(item) => made.push(item),
                    None => match rest.next() {
                        Some(item) => made.push(item),
                        None => break,
                    },
                }
            }
            assert!(placed.is_empty());
            if let Some(order) = order {
                let name = |item: &Node| item["name"].text().to_owned();
                made.sort_by_key(|item| order.iter().position(|wanted| *wanted == name(item)));
            }
            *items = made.into();
        }
        _ => assert!(by_step.is_empty(), "into a scalar: {by_step:?}"),
    }
    copy
}

/// Normalizes the order of objects, keys and keyed lists.
fn normalize(nodes: &[Node]) -> BTreeMap<String, Node> {
    fn sort(node: &mut Node, key: &str) {
        match &mut node.value {
            Value::Mapping(mapping) => {
                mapping.iter_mut().for_each(|entry| sort(&mut entry.value, &entry.key.clone()));
                mapping.entries_mut().make_mut().sort_by(|a, b| a.key.cmp(&b.key));
            }
            Value::Sequence(items) => {
                let items = items.make_mut();
                items.iter_mut().for_each(|item| sort(item, ""));
                if matches!(key, "containers" | "ports" | "env" | "volumes" | "volumeMounts" | "finalizers") {
                    items.sort_by_key(crate::yaml::emit);
                }
            }
            _ => {}
        }
    }
    nodes
        .iter()
        .map(|node| {
            let mut node = node.clone();
            sort(&mut node, "");
            let id = Object::new(node.clone()).id;
            (format!("{id} {}", id.namespace), node)
        })
        .collect()
}

fn map(entries: Vec<(&str, Option<Node>)>) -> Node {
    let mut mapping = Mapping::new();
    for (key, value) in entries {
        if let Some(value) = value {
            mapping.push(key, Span::NONE, value);
        }
    }
    Node::new(mapping, Span::NONE)
}

fn scalar() -> impl Strategy<Value = Node> {
    prop_oneof![
        prop_oneof![Just("a"), Just("b"), Just("x\ny\nz\n"), Just("x\nq\nz\n"), Just("$(A)-$(C)")]
            .prop_map(|text| Node::new(text, Span::NONE)),
        (0_i64..3).prop_map(|number| Node::new(number, Span::NONE)),
        any::<bool>().prop_map(|value| Node::new(value, Span::NONE)),
    ]
}

/// A list of entries with unique names in any order.
fn named(values: impl Strategy<Value = Node> + 'static) -> impl Strategy<Value = Node> {
    let entry =
        (prop::sample::subsequence(vec!["A", "B", "C", "D"], 0..=4).prop_shuffle(), prop::collection::vec(values, 4));
    entry.prop_map(|(names, values)| {
        let items = names.iter().zip(values).map(|(name, value)| {
            let mut item = value;
            if let Value::Mapping(mapping) = &mut item.value {
                mapping.entries_mut().insert(
                    0,
                    crate::node::Entry {
                        key: "name".into(),
                        key_span: Span::NONE,
                        value: Node::new(*name, Span::NONE),
                    },
                );
            }
            item
        });
        Node::new(items.collect::<Vec<_>>(), Span::NONE)
    })
}

fn container() -> impl Strategy<Value = Node> {
    let env = named(scalar().prop_map(|value| map(vec![("value", Some(value))])));
    let args = prop::collection::vec(scalar(), 0..4).prop_map(|items| Node::new(items, Span::NONE));
    let port =
        (80_i64..83, prop::option::of(Just("UDP")), prop::option::of(0_i64..2)).prop_map(|(port, protocol, host)| {
            map(vec![
                ("containerPort", Some(Node::new(port, Span::NONE))),
                ("protocol", protocol.map(|text| Node::new(text, Span::NONE))),
                ("hostPort", host.map(|port| Node::new(port, Span::NONE))),
            ])
        });
    let ports = prop::collection::vec(port, 0..3).prop_map(|items| Node::new(items, Span::NONE));
    (prop::option::of(env), prop::option::of(args), prop::option::of(ports), prop::option::of(scalar())).prop_map(
        |(env, args, ports, image)| map(vec![("env", env), ("args", args), ("ports", ports), ("image", image)]),
    )
}

fn object() -> impl Strategy<Value = Node> {
    let meta = |name: &str, namespace: &str| {
        let text = |text: &str| Some(Node::new(text, Span::NONE));
        Some(map(vec![("name", text(name)), ("namespace", text(namespace))]))
    };
    let text = |text: &str| Some(Node::new(text, Span::NONE));
    let name = prop::sample::select(vec!["web", "api", "sql-0123456789", "sql-abcdef0123", "sql-00000fffff"]);
    let namespace = prop::sample::select(vec!["one", "two"]);
    let tree = scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| Node::new(items, Span::NONE)),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|entries| entries.into_iter().fold(Mapping::new(), |mut mapping, (key, value)| {
                    mapping.push(key, Span::NONE, value);
                    mapping
                }))
                .prop_map(|mapping| Node::new(mapping, Span::NONE)),
        ]
    });
    let deployment = (name.clone(), namespace.clone(), named(container()), prop::option::of(named(container())))
        .prop_map(move |(name, namespace, containers, init)| {
            let spec = map(vec![("containers", Some(containers)), ("initContainers", init)]);
            let template = map(vec![("template", Some(map(vec![("spec", Some(spec))])))]);
            map(vec![
                ("apiVersion", text("apps/v1")),
                ("kind", text("Deployment")),
                ("metadata", meta(name, namespace)),
                ("spec", Some(template)),
            ])
        });
    let other = (name, namespace, prop::option::of(tree.clone()), prop::option::of(tree), any::<bool>()).prop_map(
        move |(name, namespace, data, extra, known)| {
            map(vec![
                ("apiVersion", text(if known { "v1" } else { "example.com/v1" })),
                ("kind", text(if known { "ConfigMap" } else { "Thing" })),
                ("metadata", meta(name, namespace)),
                ("data", data),
                ("extra", extra),
            ])
        },
    );
    prop_oneof![deployment, other]
}

fn bundle() -> impl Strategy<Value = Vec<Object>> {
    prop::collection::vec(object(), 0..6).prop_map(|nodes| {
        let mut seen = std::collections::BTreeSet::new();
        nodes.into_iter().map(Object::new).filter(|object| seen.insert(object.id.clone())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_applied_to_the_old_objects_yield_the_new_ones((old, new) in (bundle(), bundle())) {
        let changes = compare(&old, &new, &Options::default());
        let result = apply(&old, &changes);
        let expected: Vec<Node> = new.iter().map(|object| object.node.clone()).collect();
        prop_assert_eq!(normalize(&result), normalize(&expected));
    }

    #[test]
    fn identical_bundles_have_no_changes(bundle in bundle()) {
        prop_assert!(compare(&bundle, &bundle.clone(), &Options::default()).is_empty());
    }
}
