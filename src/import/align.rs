//! Lists side by side: which item of one copy's list is which of another's, orders kept.

use std::cmp::Ordering;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt, HashSet};

use super::matching::{OwnWords, facts, likeness};
use super::text::line_key;
use crate::kube::{Identity, ListKind};
use crate::node::{Node, Value};

/// An item of the joint list: where it stands in each copy's list that has it.
pub(super) type Column = Vec<Option<usize>>;

/// Fields that tell the items of a list apart where no type says which does.
const NATURAL_KEYS: &[&str] =
    &["name", "key", "id", "containerPort", "port", "mountPath", "host", "ip", "path", "kind"];

/// Above so many comparisons only equal items are matched.
const MOST_COMPARED: usize = 250_000;

/// How an item is told apart from the others of its list.
#[derive(Debug, Clone)]
enum Mark {
    /// By this text; another text is another item.
    Key(String),
    /// By its content: what is alike may be the same.
    Content(HashSet<u64>),
    /// A scalar that is nothing but itself.
    Plain(String),
    /// A line of a text, and the key it begins with.
    Line(Option<EcoString>, String),
}

/// The joint list of the lists of all copies. In each copy's order, what it has of the joint list is its own list.
pub(super) fn columns(lists: &[Option<&[Node]>], identity: &Identity<'_>, words: &[OwnWords]) -> Vec<Column> {
    progressive(marks(lists, identity, words))
}

/// The joint list of the lines of texts.
pub(super) fn line_columns(texts: &[Option<Vec<&str>>], words: &[OwnWords]) -> Vec<Column> {
    let mark = |line: &&str, words: &OwnWords| Mark::Line(line_key(line), words.normalize(line));
    let of = |(lines, words): (&Option<Vec<&str>>, &OwnWords)| {
        lines.iter().flatten().map(|line| mark(line, words)).collect()
    };
    progressive(texts.iter().zip(words).map(of).collect())
}

/// One copy after the other joins what those before it have in common.
fn progressive(marks: Vec<Vec<Mark>>) -> Vec<Column> {
    let copies = marks.len();
    let mut columns: Vec<Column> = Vec::new();
    let mut known: Vec<Mark> = Vec::new();
    for (copy, marks) in marks.iter().enumerate().filter(|(_, marks)| !marks.is_empty()) {
        let pairs = if columns.is_empty() { Vec::new() } else { align(&known, marks) };
        let mut merged = Vec::with_capacity(columns.len() + marks.len());
        let mut merged_marks = Vec::with_capacity(columns.len() + marks.len());
        let (mut old, mut new) = (columns.into_iter().zip(known), marks.iter().enumerate());
        let fresh = |at: usize| {
            let mut column = vec![None; copies];
            column[copy] = Some(at);
            column
        };
        let (mut old_at, mut new_at) = (0, 0);
        for (one, other) in pairs.into_iter().chain([(usize::MAX, usize::MAX)]) {
            while old_at < one {
                let Some((column, mark)) = old.next() else { break };
                merged.push(column);
                merged_marks.push(mark);
                old_at += 1;
            }
            while new_at < other {
                let Some((at, mark)) = new.next() else { break };
                merged.push(fresh(at));
                merged_marks.push(mark.clone());
                new_at += 1;
            }
            if let (Some((mut column, mark)), Some((at, _))) = (old.next(), new.next()) {
                column[copy] = Some(at);
                merged.push(column);
                merged_marks.push(mark);
                (old_at, new_at) = (old_at + 1, new_at + 1);
            }
        }
        (columns, known) = (merged, merged_marks);
    }
    columns
}

fn marks(lists: &[Option<&[Node]>], identity: &Identity<'_>, words: &[OwnWords]) -> Vec<Vec<Mark>> {
    let by_type = |item: &Node| identity.of(item);
    if identity.kind == ListKind::Map
        && let Some(marks) = keyed(lists, words, &by_type)
    {
        return marks;
    }
    for field in NATURAL_KEYS {
        let by_field = |item: &Node| scalar(item.get(field)?);
        if let Some(marks) = keyed(lists, words, &by_field) {
            return marks;
        }
    }
    let of = |(list, words): (&Option<&[Node]>, &OwnWords)| {
        let mut seen: HashMap<String, usize> = HashMap::new();
        list.unwrap_or_default().iter().map(|item| mark(item, words, &mut seen)).collect()
    };
    lists.iter().zip(words).map(of).collect()
}

/// The marks by a key that every item has, each its own.
fn keyed(
    lists: &[Option<&[Node]>],
    words: &[OwnWords],
    key: &dyn Fn(&Node) -> Option<String>,
) -> Option<Vec<Vec<Mark>>> {
    let mut all = Vec::with_capacity(lists.len());
    for (list, words) in lists.iter().zip(words) {
        let mut seen = HashSet::default();
        let mut marks = Vec::new();
        for item in list.unwrap_or_default() {
            let key = words.normalize(&key(item)?);
            if !seen.insert(key.clone()) {
                return None;
            }
            marks.push(Mark::Key(key));
        }
        all.push(marks);
    }
    // The only item of each list is the same, whatever it is called: a container named like its profile.
    if all.iter().all(|marks| marks.len() <= 1) {
        let only = || vec![Mark::Key(String::new())];
        return Some(all.into_iter().map(|marks| if marks.is_empty() { marks } else { only() }).collect());
    }
    Some(all)
}

fn mark(item: &Node, words: &OwnWords, seen: &mut HashMap<String, usize>) -> Mark {
    let Some(text) = scalar(item) else { return Mark::Content(facts(item)) };
    // An argument like `--level=info` is told by its name.
    match text.split_once('=').filter(|(name, _)| name.starts_with('-')) {
        Some((name, _)) => {
            let nth = seen.entry(name.to_owned()).or_default();
            *nth += 1;
            Mark::Key(format!("{name}={nth}"))
        }
        None if text.starts_with('-') => Mark::Key(words.normalize(&text)),
        None => Mark::Plain(words.normalize(&text)),
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

/// How well two items fit; 0 where they are not the same.
fn fit(one: &Mark, other: &Mark) -> f64 {
    match (one, other) {
        (Mark::Key(one), Mark::Key(other)) if one == other => 4.0,
        (Mark::Plain(one), Mark::Plain(other)) => {
            if one == other {
                4.0
            } else {
                0.5
            }
        }
        (Mark::Line(key, one), Mark::Line(other_key, other)) => {
            if one == other {
                4.0
            } else if key.is_some() && key == other_key {
                2.0
            } else {
                0.0
            }
        }
        (Mark::Content(one), Mark::Content(other)) => match likeness(one, other) {
            like if like > 0.3 => 1.0 + 3.0 * like,
            _ => 0.0,
        },
        _ => 0.0,
    }
}

fn is_same(one: &Mark, other: &Mark) -> bool {
    fit(one, other) >= 4.0
}

/// The pairs of items that are the same, in order: those of the best total fit.
fn align(old: &[Mark], new: &[Mark]) -> Vec<(usize, usize)> {
    let start = old.iter().zip(new).take_while(|(one, other)| is_same(one, other)).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, other)| is_same(one, other)).count();
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - end], &new_rest[..new_rest.len() - end]);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    if old_rest.len() * new_rest.len() <= MOST_COMPARED {
        pairs.extend(best(old_rest, new_rest).into_iter().map(|(one, other)| (one + start, other + start)));
    }
    pairs.extend((0..end).rev().map(|back| (old.len() - 1 - back, new.len() - 1 - back)));
    pairs
}

fn best(old: &[Mark], new: &[Mark]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut total = vec![0.0_f64; (old.len() + 1) * width];
    let fits: Vec<f64> = old.iter().flat_map(|one| new.iter().map(move |other| fit(one, other))).collect();
    for one in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            let fit = fits[one * new.len() + other];
            let paired = if fit > 0.0 { fit + total[(one + 1) * width + other + 1] } else { f64::NEG_INFINITY };
            let skipped = total[(one + 1) * width + other].max(total[one * width + other + 1]);
            total[one * width + other] = paired.max(skipped);
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < old.len() && other < new.len() {
        let here = total[one * width + other];
        let fit = fits[one * new.len() + other];
        let paired = fit + total[(one + 1) * width + other + 1];
        if fit > 0.0 && paired.total_cmp(&here) == Ordering::Equal {
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
