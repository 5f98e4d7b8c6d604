//! Pairs the objects of the old set with those of the new set.

use std::collections::VecDeque;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::bundle::bare_name;
use crate::diff::{Difference, ObjectChange, RenameKind};
use crate::node::{Node, Value};
use crate::object::Object;

/// The old and the new state of an object.
#[derive(Debug)]
pub(super) struct ObjectPair<'a> {
    pub(super) old: Option<&'a Object>,
    pub(super) new: Option<&'a Object>,
    pub(super) renamed: Option<RenameKind>,
}

/// The maximum number of comparisons to find renamed objects by similarity.
const MAX_COMPARISONS: usize = 4096;

/// The minimum percentage of equal values for two objects to be considered one that was renamed.
const MIN_SIMILARITY: usize = 60;

/// Returns the key by which objects are paired.
type PairKey = for<'a> fn(&'a Object) -> Option<[&'a str; 4]>;

/// The keys in order of precedence, and how an object paired by it was renamed.
const KEYS: &[(PairKey, Option<RenameKind>)] = &[
    (|object| Some([object.group(), object.kind(), object.namespace(), object.name()]), None),
    (
        |object| Some([object.group(), object.kind(), object.namespace(), bare_name(object.name())?]),
        Some(RenameKind::ContentHash),
    ),
    (
        |object| Some([object.group(), object.kind(), "", bare_name(object.name()).unwrap_or(object.name())]),
        Some(RenameKind::Namespace),
    ),
];

/// Pairs all objects, in the order of the new ones followed by the removed ones.
pub(super) fn pair<'a>(old: &'a [Object], new: &'a [Object]) -> Vec<ObjectPair<'a>> {
    let mut partner: Vec<Option<(usize, Option<RenameKind>)>> = vec![None; new.len()];
    let mut paired = vec![false; old.len()];
    for (key, renamed) in KEYS {
        let mut by_key: HashMap<_, VecDeque<usize>> = HashMap::new();
        for (at, object) in old.iter().enumerate().filter(|(at, _)| !paired[*at]) {
            if let Some(key) = key(object) {
                by_key.entry(key).or_default().push_back(at);
            }
        }
        for (at, object) in new.iter().enumerate() {
            if partner[at].is_none()
                && let Some(found) = key(object).and_then(|key| by_key.get_mut(&key)?.pop_front())
            {
                (partner[at], paired[found]) = (Some((found, *renamed)), true);
            }
        }
    }
    pair_similar(old, new, &mut partner, &mut paired);
    let kept = new.iter().zip(partner).map(|(new, partner)| ObjectPair {
        old: partner.map(|(at, _)| &old[at]),
        new: Some(new),
        renamed: partner.and_then(|(_, renamed)| renamed),
    });
    let removed = old.iter().zip(paired).filter(|(_, paired)| !paired);
    kept.chain(removed.map(|(old, _)| ObjectPair { old: Some(old), new: None, renamed: None })).collect()
}

/// Pairs the remaining objects by content, the most similar first.
fn pair_similar(
    old: &[Object],
    new: &[Object],
    partner: &mut [Option<(usize, Option<RenameKind>)>],
    paired: &mut [bool],
) {
    let unpaired_old: Vec<usize> = (0..old.len()).filter(|at| !paired[*at]).collect();
    let unpaired_new: Vec<usize> = (0..new.len()).filter(|at| partner[*at].is_none()).collect();
    if unpaired_old.is_empty() || unpaired_new.is_empty() || unpaired_old.len() * unpaired_new.len() > MAX_COMPARISONS {
        return;
    }
    let leaves = |objects: &[Object], indices: &[usize]| -> Vec<HashSet<String>> {
        indices.iter().map(|at| leaves(&objects[*at])).collect()
    };
    let (old_leaves, new_leaves) = (leaves(old, &unpaired_old), leaves(new, &unpaired_new));
    let mut candidates = Vec::new();
    for (o, from) in unpaired_old.iter().enumerate() {
        for (n, to) in unpaired_new.iter().enumerate() {
            let (from_object, to_object) = (&old[*from], &new[*to]);
            if (from_object.group(), from_object.kind()) == (to_object.group(), to_object.kind()) {
                let common = old_leaves[o].intersection(&new_leaves[n]).count();
                let all = old_leaves[o].len().max(new_leaves[n].len());
                let share = (common * 100).checked_div(all).unwrap_or(100);
                candidates.push((share, *from, *to));
            }
        }
    }
    candidates.sort_by_key(|(share, from, to)| (std::cmp::Reverse(*share), *to, *from));
    for (share, from, to) in candidates {
        if share >= MIN_SIMILARITY && !paired[from] && partner[to].is_none() {
            (partner[to], paired[from]) = (Some((from, Some(RenameKind::Similar))), true);
        }
    }
}

/// The scalar values of an object with their paths, except its name, namespace, annotations and status.
fn leaves(object: &Object) -> HashSet<String> {
    fn collect(node: &Node, path: &str, leaves: &mut HashSet<String>) {
        match &node.value {
            Value::Mapping(mapping) => {
                for entry in mapping {
                    collect(&entry.value, &format!("{path}.{}", entry.key), leaves);
                }
            }
            Value::Sequence(items) => {
                items.iter().enumerate().for_each(|(at, item)| collect(item, &format!("{path}[{at}]"), leaves));
            }
            value => _ = leaves.insert(format!("{path}={value:?}")),
        }
    }
    let mut found = HashSet::new();
    for entry in object.node.entries() {
        match entry.key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                for entry in entry.value.entries().iter().filter(|entry| entry.key == "labels") {
                    collect(&entry.value, "labels", &mut found);
                }
            }
            key => collect(&entry.value, key, &mut found),
        }
    }
    found
}

/// Marks the fields that refer to an object whose content hash changed.
pub(super) fn mark_renamed_references(changes: &mut [ObjectChange<'_>]) {
    let renamed: HashSet<(String, String)> = changes
        .iter()
        .filter(|change| change.renamed == Some(RenameKind::ContentHash))
        .filter_map(|change| Some((change.old?.name().to_owned(), change.new?.name().to_owned())))
        .collect();
    if renamed.is_empty() {
        return;
    }
    for field in changes.iter_mut().flat_map(|change| &mut change.fields) {
        if let Difference::Changed(old, new) = field.difference {
            field.follows_rename = renamed.contains(&(old.text().to_owned(), new.text().to_owned()));
        }
    }
}
