//! Aligns lists: finds which item of one copy's list corresponds to which item of another's, preserving order.

use std::cmp::Ordering;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt, HashSet};

use super::matching::{OwnWords, jaccard_similarity, leaf_hashes};
use super::strings::line_key;
use crate::kube::{Identity, ListKind};
use crate::node::{Node, Value};

/// An item of the joint list: its index in each copy's list that has it.
pub(super) type AlignedItem = Vec<Option<usize>>;

/// Fields that identify list items whose type declares no key.
const NATURAL_KEYS: &[&str] =
    &["name", "key", "id", "containerPort", "port", "mountPath", "host", "ip", "path", "kind"];

/// Above this number of comparisons only equal items are matched.
const MAX_COMPARED: usize = 250_000;

/// What identifies an item in its list.
#[derive(Debug, Clone)]
enum ItemKey {
    /// This key: an item with another key is another item.
    Key(String),
    /// Its content: items with similar content may be the same.
    Content(HashSet<u64>),
    /// A scalar, identified only by its value.
    Scalar(String),
    /// A line of a multi-line string, with the key that it begins with.
    Line(Option<EcoString>, String),
}

/// The joint list of all copies' lists. The items that a copy has appear in the copy's order.
pub(super) fn columns(lists: &[Option<&[Node]>], identity: &Identity<'_>, words: &[OwnWords]) -> Vec<AlignedItem> {
    align_progressively(item_keys(lists, identity, words))
}

/// The joint list of the lines of multi-line strings.
pub(super) fn line_columns(texts: &[Option<Vec<&str>>], words: &[OwnWords]) -> Vec<AlignedItem> {
    let key = |line: &&str, words: &OwnWords| ItemKey::Line(line_key(line), words.normalize(line));
    let of =
        |(lines, words): (&Option<Vec<&str>>, &OwnWords)| lines.iter().flatten().map(|line| key(line, words)).collect();
    align_progressively(texts.iter().zip(words).map(of).collect())
}

/// Merges one copy after another into the joint list of those before it.
fn align_progressively(keys: Vec<Vec<ItemKey>>) -> Vec<AlignedItem> {
    let copies = keys.len();
    let mut columns: Vec<AlignedItem> = Vec::new();
    let mut known: Vec<ItemKey> = Vec::new();
    for (copy, keys) in keys.iter().enumerate().filter(|(_, keys)| !keys.is_empty()) {
        let pairs = if columns.is_empty() { Vec::new() } else { align(&known, keys) };
        let mut merged = Vec::with_capacity(columns.len() + keys.len());
        let mut merged_keys = Vec::with_capacity(columns.len() + keys.len());
        let (mut old, mut new) = (columns.into_iter().zip(known), keys.iter().enumerate());
        let fresh = |at: usize| {
            let mut column = vec![None; copies];
            column[copy] = Some(at);
            column
        };
        let (mut old_at, mut new_at) = (0, 0);
        for (one, other) in pairs.into_iter().chain([(usize::MAX, usize::MAX)]) {
            while old_at < one {
                let Some((column, item_key)) = old.next() else { break };
                merged.push(column);
                merged_keys.push(item_key);
                old_at += 1;
            }
            while new_at < other {
                let Some((at, item_key)) = new.next() else { break };
                merged.push(fresh(at));
                merged_keys.push(item_key.clone());
                new_at += 1;
            }
            if let (Some((mut column, item_key)), Some((at, _))) = (old.next(), new.next()) {
                column[copy] = Some(at);
                merged.push(column);
                merged_keys.push(item_key);
                (old_at, new_at) = (old_at + 1, new_at + 1);
            }
        }
        (columns, known) = (merged, merged_keys);
    }
    columns
}

fn item_keys(lists: &[Option<&[Node]>], identity: &Identity<'_>, words: &[OwnWords]) -> Vec<Vec<ItemKey>> {
    let by_type = |item: &Node| identity.of(item);
    if identity.kind == ListKind::Map
        && let Some(keys) = keyed(lists, words, &by_type)
    {
        return keys;
    }
    for field in NATURAL_KEYS {
        let by_field = |item: &Node| scalar(item.get(field)?);
        if let Some(keys) = keyed(lists, words, &by_field) {
            return keys;
        }
    }
    let of = |(list, words): (&Option<&[Node]>, &OwnWords)| {
        let mut seen: HashMap<String, usize> = HashMap::new();
        list.unwrap_or_default().iter().map(|item| item_key(item, words, &mut seen)).collect()
    };
    lists.iter().zip(words).map(of).collect()
}

/// The keys by a field that every item has, if they are unique in each list.
fn keyed(
    lists: &[Option<&[Node]>],
    words: &[OwnWords],
    key: &dyn Fn(&Node) -> Option<String>,
) -> Option<Vec<Vec<ItemKey>>> {
    let mut all = Vec::with_capacity(lists.len());
    for (list, words) in lists.iter().zip(words) {
        let mut seen = HashSet::default();
        let mut keys = Vec::new();
        for item in list.unwrap_or_default() {
            let key = words.normalize(&key(item)?);
            if !seen.insert(key.clone()) {
                return None;
            }
            keys.push(ItemKey::Key(key));
        }
        all.push(keys);
    }
    // The only items of lists with one item correspond, whatever their names: a container may be named after its
    // profile.
    if all.iter().all(|keys| keys.len() <= 1) {
        let only = || vec![ItemKey::Key(String::new())];
        return Some(all.into_iter().map(|keys| if keys.is_empty() { keys } else { only() }).collect());
    }
    Some(all)
}

fn item_key(item: &Node, words: &OwnWords, seen: &mut HashMap<String, usize>) -> ItemKey {
    let Some(text) = scalar(item) else { return ItemKey::Content(leaf_hashes(item)) };
    // An argument like `--level=info` is identified by its flag.
    match text.split_once('=').filter(|(name, _)| name.starts_with('-')) {
        Some((name, _)) => {
            let nth = seen.entry(name.to_owned()).or_default();
            *nth += 1;
            ItemKey::Key(format!("{name}={nth}"))
        }
        None if text.starts_with('-') => ItemKey::Key(words.normalize(&text)),
        None => ItemKey::Scalar(words.normalize(&text)),
    }
}

fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(EcoString::to_string(text)),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// How well two items match; 0 if they are different items.
fn score(one: &ItemKey, other: &ItemKey) -> f64 {
    match (one, other) {
        (ItemKey::Key(one), ItemKey::Key(other)) if one == other => 4.0,
        (ItemKey::Scalar(one), ItemKey::Scalar(other)) => {
            if one == other {
                4.0
            } else {
                0.5
            }
        }
        (ItemKey::Line(key, one), ItemKey::Line(other_key, other)) => {
            if one == other {
                4.0
            } else if key.is_some() && key == other_key {
                2.0
            } else {
                0.0
            }
        }
        (ItemKey::Content(one), ItemKey::Content(other)) => match jaccard_similarity(one, other) {
            like if like > 0.3 => 1.0 + 3.0 * like,
            _ => 0.0,
        },
        _ => 0.0,
    }
}

fn is_same(one: &ItemKey, other: &ItemKey) -> bool {
    score(one, other) >= 4.0
}

/// The pairs of corresponding items, in order, with the highest total score.
fn align(old: &[ItemKey], new: &[ItemKey]) -> Vec<(usize, usize)> {
    let start = old.iter().zip(new).take_while(|(one, other)| is_same(one, other)).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, other)| is_same(one, other)).count();
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - end], &new_rest[..new_rest.len() - end]);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    if old_rest.len() * new_rest.len() <= MAX_COMPARED {
        pairs.extend(best(old_rest, new_rest).into_iter().map(|(one, other)| (one + start, other + start)));
    }
    pairs.extend((0..end).rev().map(|back| (old.len() - 1 - back, new.len() - 1 - back)));
    pairs
}

fn best(old: &[ItemKey], new: &[ItemKey]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut total = vec![0.0_f64; (old.len() + 1) * width];
    let scores: Vec<f64> = old.iter().flat_map(|one| new.iter().map(move |other| score(one, other))).collect();
    for one in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            let score = scores[one * new.len() + other];
            let paired = if score > 0.0 { score + total[(one + 1) * width + other + 1] } else { f64::NEG_INFINITY };
            let skipped = total[(one + 1) * width + other].max(total[one * width + other + 1]);
            total[one * width + other] = paired.max(skipped);
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < old.len() && other < new.len() {
        let here = total[one * width + other];
        let score = scores[one * new.len() + other];
        let paired = score + total[(one + 1) * width + other + 1];
        if score > 0.0 && paired.total_cmp(&here) == Ordering::Equal {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if total[(one + 1) * width + other] >= total[one * width + other + 1] {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}
