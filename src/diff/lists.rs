//! Lists: entries matched by what tells them apart, the others by the longest run that stayed.

use foldhash::HashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::fields::Walk;
use crate::diff::{Step, What};
use crate::kube::{Identity, ListKind, Shape};
use crate::node::{Node, Value};
use crate::yaml;

/// A list's entries by what tells them apart.
struct Known {
    /// What tells each from the others, in their order.
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn list(&mut self, lists: [&'a Node; 2], shape: Shape<'_>) {
        let [old, new] = lists.map(Node::items);
        let identity = shape.identity();
        let name = |item: &Node| match shape {
            // Nobody knows this list; names that are all different are the best guess.
            Shape::Unknown => item["name"].as_str().map(str::to_owned),
            _ => identity.of(item),
        };
        match (Known::of(old, &name), Known::of(new, &name)) {
            (Some(from), Some(to)) => self.keyed(old, new, &from, &to, shape, &identity),
            _ => self.aligned(lists, shape),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the two sides, and what is known of the list")]
    fn keyed(
        &mut self,
        old: &'a [Node],
        new: &'a [Node],
        from: &Known,
        to: &Known,
        shape: Shape<'_>,
        identity: &Identity<'_>,
    ) {
        for (at, (item, name)) in new.iter().zip(&to.names).enumerate() {
            let before = from.places.get(name).copied();
            let both = [before.map(|before| &old[before]), Some(item)];
            self.path.push(Step::Item { old: before, new: Some(at), label: Some(label(name, identity, both)) });
            match before {
                Some(before) => self.node(&old[before], item, shape.items()),
                None => self.put(What::Added(item)),
            }
            self.path.pop();
        }
        for (at, (item, name)) in old.iter().zip(&from.names).enumerate() {
            if !to.places.contains_key(name) {
                let label = Some(label(name, identity, [Some(item), None]));
                self.path.push(Step::Item { old: Some(at), new: None, label });
                self.put(What::Removed(item));
                self.path.pop();
            }
        }
        // The server keeps the order that was applied.
        let kept = |a: &Known, b: &Known| -> Vec<String> {
            a.names.iter().filter(|name| b.places.contains_key(*name)).cloned().collect()
        };
        if kept(from, to) != kept(to, from) {
            let plain = |known: &Known, items: &[Node]| -> Vec<String> {
                known.names.iter().zip(items).map(|(name, item)| label(name, identity, [Some(item), None])).collect()
            };
            self.put(What::Reordered(plain(from, old), plain(to, new)));
        }
    }

    /// Entries that nothing tells apart: what stayed keeps its place, what was replaced is compared.
    fn aligned(&mut self, lists: [&'a Node; 2], shape: Shape<'_>) {
        let [old, new] = lists.map(Node::items);
        if old == new {
            return;
        }
        let texts = |items: &[Node]| -> Vec<String> { items.iter().map(yaml::emit).collect() };
        let (from, to) = (texts(old), texts(new));
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            texts
        };
        if sorted(&from) == sorted(&to) {
            self.put(What::Rearranged(lists[0], lists[1]));
            return;
        }
        for op in capture_diff_slices(Algorithm::Myers, &from, &to) {
            let (gone, come) = match op {
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
            let (mut gone, mut come) = (gone.peekable(), come.peekable());
            while let (Some(o), Some(n)) = (gone.peek().copied(), come.peek().copied())
                && are_alike(&old[o], &new[n])
            {
                self.path.push(Step::Item { old: Some(o), new: Some(n), label: None });
                self.node(&old[o], &new[n], shape.items());
                self.path.pop();
                gone.next();
                come.next();
            }
            for o in gone {
                self.path.push(Step::Item { old: Some(o), new: None, label: None });
                self.put(What::Removed(&old[o]));
                self.path.pop();
            }
            for n in come {
                self.path.push(Step::Item { old: None, new: Some(n), label: None });
                self.put(What::Added(&new[n]));
                self.path.pop();
            }
        }
    }
}

impl Known {
    /// `None` where an entry is not told apart, or two are the same.
    fn of(items: &[Node], name: &impl Fn(&Node) -> Option<String>) -> Option<Self> {
        let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
        let places: HashMap<String, usize> = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        (places.len() == names.len()).then_some(Self { names, places })
    }
}

/// How people call an entry: by its one key, by its name, else by its keys.
fn label(name: &str, identity: &Identity<'_>, items: [Option<&Node>; 2]) -> String {
    if identity.kind != ListKind::Map {
        return name.to_owned();
    }
    let own: Vec<&str> = items.iter().flatten().map(|item| item["name"].text()).collect();
    match own.as_slice() {
        [first, rest @ ..] if !first.is_empty() && rest.iter().all(|name| name == first) => (*first).to_owned(),
        _ => name
            .split(", ")
            .map(|part| part.split_once('=').map_or(part, |(_, value)| value))
            .collect::<Vec<_>>()
            .join("/"),
    }
}

/// Whether two entries are the same one, changed, rather than two.
fn are_alike(old: &Node, new: &Node) -> bool {
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
