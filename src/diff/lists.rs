//! Compares lists: entries are matched by their keys, or without keys by the longest common subsequence.

use foldhash::HashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::fields::TreeComparison;
use crate::diff::{Difference, PathStep};
use crate::kube::{Identity, ListKind, Shape};
use crate::node::{Node, Value};
use crate::yaml;

/// The keys of the entries of a list.
struct ListKeys {
    /// The key of each entry, in order.
    keys: Vec<String>,
    /// The index of each key.
    indices: HashMap<String, usize>,
}

impl<'a> TreeComparison<'a> {
    pub(super) fn list(&mut self, lists: [&'a Node; 2], shape: Shape<'_>) {
        let [old, new] = lists.map(Node::items);
        let identity = shape.identity();
        let name = |item: &Node| match shape {
            // The keys of the list are not known, so the entries are matched by `name` if the names are unique.
            Shape::Unknown => item["name"].as_str().map(str::to_owned),
            _ => identity.of(item),
        };
        match (ListKeys::of(old, &name), ListKeys::of(new, &name)) {
            (Some(from), Some(to)) => self.keyed(old, new, &from, &to, shape, &identity),
            _ => self.aligned(lists, shape),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "both sides with their keys, and the type of the list")]
    fn keyed(
        &mut self,
        old: &'a [Node],
        new: &'a [Node],
        from: &ListKeys,
        to: &ListKeys,
        shape: Shape<'_>,
        identity: &Identity<'_>,
    ) {
        for (at, (item, name)) in new.iter().zip(&to.keys).enumerate() {
            let before = from.indices.get(name).copied();
            let both = [before.map(|before| &old[before]), Some(item)];
            self.path.push(PathStep::Item { old: before, new: Some(at), label: Some(label(name, identity, both)) });
            match before {
                Some(before) => self.node(&old[before], item, shape.items()),
                None => self.push(Difference::Added(item)),
            }
            self.path.pop();
        }
        for (at, (item, name)) in old.iter().zip(&from.keys).enumerate() {
            if !to.indices.contains_key(name) {
                let label = Some(label(name, identity, [Some(item), None]));
                self.path.push(PathStep::Item { old: Some(at), new: None, label });
                self.push(Difference::Removed(item));
                self.path.pop();
            }
        }
        // The API server stores the applied order.
        let common = |a: &ListKeys, b: &ListKeys| -> Vec<String> {
            a.keys.iter().filter(|name| b.indices.contains_key(*name)).cloned().collect()
        };
        if common(from, to) != common(to, from) {
            let labels = |keys: &ListKeys, items: &[Node]| -> Vec<String> {
                keys.keys.iter().zip(items).map(|(name, item)| label(name, identity, [Some(item), None])).collect()
            };
            self.push(Difference::Reordered(labels(from, old), labels(to, new)));
        }
    }

    /// Compares entries without keys: unchanged ones are aligned, and similar replaced ones are compared.
    fn aligned(&mut self, lists: [&'a Node; 2], shape: Shape<'_>) {
        let [old, new] = lists.map(Node::items);
        if old == new {
            return;
        }
        let emit = |items: &[Node]| -> Vec<String> { items.iter().map(yaml::emit).collect() };
        let (from, to) = (emit(old), emit(new));
        let sorted = |items: &[String]| {
            let mut items = items.to_vec();
            items.sort();
            items
        };
        if sorted(&from) == sorted(&to) {
            self.push(Difference::Rearranged(lists[0], lists[1]));
            return;
        }
        for op in capture_diff_slices(Algorithm::Myers, &from, &to) {
            let (removed, added) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete { old_index, old_len, new_index } => {
                    (old_index..old_index + old_len, new_index..new_index)
                }
                DiffOp::Insert { old_index, new_index, new_len } => {
                    (old_index..old_index, new_index..new_index + new_len)
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    (old_index..old_index + old_len, new_index..new_index + new_len)
                }
            };
            let (mut removed, mut added) = (removed.peekable(), added.peekable());
            while let (Some(o), Some(n)) = (removed.peek().copied(), added.peek().copied())
                && are_similar(&old[o], &new[n])
            {
                self.path.push(PathStep::Item { old: Some(o), new: Some(n), label: None });
                self.node(&old[o], &new[n], shape.items());
                self.path.pop();
                removed.next();
                added.next();
            }
            for o in removed {
                self.path.push(PathStep::Item { old: Some(o), new: None, label: None });
                self.push(Difference::Removed(&old[o]));
                self.path.pop();
            }
            for n in added {
                self.path.push(PathStep::Item { old: None, new: Some(n), label: None });
                self.push(Difference::Added(&new[n]));
                self.path.pop();
            }
        }
    }
}

impl ListKeys {
    /// Returns `None` if an entry has no key, or a key is not unique.
    fn of(items: &[Node], key: &impl Fn(&Node) -> Option<String>) -> Option<Self> {
        let keys: Vec<String> = items.iter().map(key).collect::<Option<_>>()?;
        let indices: HashMap<String, usize> = keys.iter().cloned().enumerate().map(|(at, key)| (key, at)).collect();
        (indices.len() == keys.len()).then_some(Self { keys, indices })
    }
}

/// The label of an entry: its name if it has one, otherwise the values of its keys.
fn label(name: &str, identity: &Identity<'_>, items: [Option<&Node>; 2]) -> String {
    if identity.kind != ListKind::Map {
        return name.to_owned();
    }
    let own: Vec<&str> = items.iter().flatten().map(|item| item["name"].text()).collect();
    match own.as_slice() {
        [first, rest @ ..] if !first.is_empty() && rest.iter().all(|name| name == first) => (*first).to_owned(),
        _ => name
            .split(", ")
            .map(|key| key.split_once('=').map_or(key, |(_, value)| value))
            .collect::<Vec<_>>()
            .join("/"),
    }
}

/// Whether two entries are likely the same entry with changed fields.
fn are_similar(old: &Node, new: &Node) -> bool {
    match (&old.value, &new.value) {
        (Value::Mapping(from), Value::Mapping(to)) => {
            let same_keys = from.len() == to.len() && from.iter().all(|entry| to.get(&entry.key).is_some());
            same_keys || from.iter().any(|entry| to.get(&entry.key) == Some(&entry.value))
        }
        (Value::Sequence(_), Value::Sequence(_)) => true,
        (Value::Mapping(_) | Value::Sequence(_), _) | (_, Value::Mapping(_) | Value::Sequence(_)) => false,
        _ => true,
    }
}
