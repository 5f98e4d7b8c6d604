//! Which object of the old set is which of the new one.

use std::collections::VecDeque;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::bundle::bare_name;
use crate::diff::{Change, Renamed, What};
use crate::node::{Node, Value};
use crate::object::Object;

/// An object as it was and as it will be.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) old: Option<&'a Object>,
    pub(super) new: Option<&'a Object>,
    pub(super) renamed: Option<Renamed>,
}

/// How many comparisons of objects that might have been renamed are worth making.
const MOST_COMPARISONS: usize = 4096;

/// The share of equal values, in percent, from which on two objects are taken for one that was renamed.
const ALIKE: usize = 60;

/// A way to tell that two objects are one, from the surest on.
type Key = for<'a> fn(&'a Object) -> Option<[&'a str; 4]>;

const KEYS: &[(Key, Option<Renamed>)] = &[
    (|object| Some([object.group(), object.kind(), object.namespace(), object.name()]), None),
    (
        |object| Some([object.group(), object.kind(), object.namespace(), bare_name(object.name())?]),
        Some(Renamed::ByContent),
    ),
    (
        |object| Some([object.group(), object.kind(), "", bare_name(object.name()).unwrap_or(object.name())]),
        Some(Renamed::Moved),
    ),
];

/// Pairs all objects, in the order of the new ones; what is gone comes last.
pub(super) fn pair<'a>(old: &'a [Object], new: &'a [Object]) -> Vec<Pair<'a>> {
    let mut partner: Vec<Option<(usize, Option<Renamed>)>> = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    for (key, renamed) in KEYS {
        let mut known: HashMap<_, VecDeque<usize>> = HashMap::new();
        for (at, object) in old.iter().enumerate().filter(|(at, _)| !taken[*at]) {
            if let Some(key) = key(object) {
                known.entry(key).or_default().push_back(at);
            }
        }
        for (at, object) in new.iter().enumerate() {
            if partner[at].is_none()
                && let Some(found) = key(object).and_then(|key| known.get_mut(&key)?.pop_front())
            {
                (partner[at], taken[found]) = (Some((found, *renamed)), true);
            }
        }
    }
    pair_alike(old, new, &mut partner, &mut taken);
    let kept = new.iter().zip(partner).map(|(new, partner)| Pair {
        old: partner.map(|(at, _)| &old[at]),
        new: Some(new),
        renamed: partner.and_then(|(_, renamed)| renamed),
    });
    let gone = old.iter().zip(taken).filter(|(_, taken)| !taken);
    kept.chain(gone.map(|(old, _)| Pair { old: Some(old), new: None, renamed: None })).collect()
}

/// Pairs what is left by content, the most alike first.
fn pair_alike(old: &[Object], new: &[Object], partner: &mut [Option<(usize, Option<Renamed>)>], taken: &mut [bool]) {
    let left: Vec<usize> = (0..old.len()).filter(|at| !taken[*at]).collect();
    let fresh: Vec<usize> = (0..new.len()).filter(|at| partner[*at].is_none()).collect();
    if left.is_empty() || fresh.is_empty() || left.len() * fresh.len() > MOST_COMPARISONS {
        return;
    }
    let leaves = |objects: &[Object], places: &[usize]| -> Vec<HashSet<String>> {
        places.iter().map(|at| leaves(&objects[*at])).collect()
    };
    let (old_leaves, new_leaves) = (leaves(old, &left), leaves(new, &fresh));
    let mut candidates = Vec::new();
    for (o, from) in left.iter().enumerate() {
        for (n, to) in fresh.iter().enumerate() {
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
        if share >= ALIKE && !taken[from] && partner[to].is_none() {
            (partner[to], taken[from]) = (Some((from, Some(Renamed::ByHand))), true);
        }
    }
}

/// The values of an object with their paths, names and namespace aside.
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

/// Marks the fields that only follow an object to its new name.
pub(super) fn mark_followers(changes: &mut [Change<'_>]) {
    let renamed: HashSet<(String, String)> = changes
        .iter()
        .filter(|change| change.renamed == Some(Renamed::ByContent))
        .filter_map(|change| Some((change.old?.name().to_owned(), change.new?.name().to_owned())))
        .collect();
    if renamed.is_empty() {
        return;
    }
    for field in changes.iter_mut().flat_map(|change| &mut change.fields) {
        if let What::Changed(old, new) = field.what {
            field.follows = renamed.contains(&(old.text().to_owned(), new.text().to_owned()));
        }
    }
}
