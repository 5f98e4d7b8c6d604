//! Matches objects across the copies by kind and name, also if names contain the profile's name or the namespace.

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt, HashSet};

use super::copies::Variant;
use crate::node::{Node, Value};
use crate::object::Object;

/// The same object in several copies.
#[derive(Debug, Clone)]
pub(super) struct MatchedObject<'a> {
    /// The object in each copy that has it.
    pub(super) objects: Vec<Option<&'a Object>>,
}

impl<'a> MatchedObject<'a> {
    /// The first of its objects.
    pub(super) fn first(&self) -> &'a Object {
        static NOTHING: std::sync::LazyLock<Object> = std::sync::LazyLock::new(|| Object::new(Node::default()));
        self.objects.iter().flatten().next().copied().unwrap_or(&NOTHING)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        !self.objects.iter().zip(&other.objects).any(|(one, other)| one.is_some() && other.is_some())
    }

    fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.objects.iter_mut().zip(&other.objects) {
            *mine = mine.or(*theirs);
        }
    }
}

/// The placeholder for a copy's own words in a normalized name.
const OWN: &str = "\u{1}";

/// The words by which a copy names itself: its profile's name, its namespace, and the parts of these that no other
/// copy uses.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnWords(Vec<String>);

impl OwnWords {
    /// The words of each copy.
    pub(super) fn of(variants: &[Variant]) -> Vec<Self> {
        let names = |variant: &Variant| vec![variant.namespace().to_owned(), variant.name.clone()];
        let all: Vec<Vec<String>> = variants.iter().map(names).collect();
        let unique = |at: usize, word: &str| {
            let uses = |names: &[String]| names.iter().any(|name| name.split(['-', '.', '_']).any(|part| part == word));
            !all.iter().enumerate().any(|(other, names)| other != at && uses(names))
        };
        let words = all.iter().enumerate().map(|(at, names)| {
            let mut words: Vec<String> =
                names.iter().filter(|name| name.len() > 1 && *name != "default").cloned().collect();
            let parts = names.iter().flat_map(|name| name.split(['-', '.', '_']));
            words.extend(parts.filter(|part| part.len() > 1 && unique(at, part)).map(str::to_owned));
            words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            words.dedup();
            Self(words)
        });
        words.collect()
    }

    /// The string with the copy's own words replaced by a placeholder.
    pub(super) fn normalize(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for word in &self.0 {
            text = replace_words(&text, word, OWN);
        }
        text
    }
}

/// Replaces `word` where it is not adjacent to a letter or digit.
fn replace_words(text: &str, word: &str, by: &str) -> String {
    let Some(first) = word_at(text, word, 0) else { return text.to_owned() };
    let mut made = String::new();
    let (mut from, mut next) = (0, Some(first));
    while let Some(at) = next {
        made.push_str(&text[from..at]);
        made.push_str(by);
        from = at + word.len();
        next = word_at(text, word, from);
    }
    made.push_str(&text[from..]);
    made
}

/// The offset of the next occurrence of `word` as a whole word, starting at `from`.
pub(super) fn word_at(text: &str, word: &str, from: usize) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let mut start = from;
    while let Some(found) = text.get(start..)?.find(word) {
        let (at, end) = (start + found, start + found + word.len());
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = text[end..].chars().next().is_some_and(char::is_alphanumeric);
        if !before && !after {
            return Some(at);
        }
        start = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    None
}

type MatchKey = (EcoString, EcoString, String, String);

/// Matches the objects of all copies.
pub(super) fn classes<'a>(variants: &'a [Variant], words: &[OwnWords]) -> Vec<MatchedObject<'a>> {
    let mut classes: Vec<MatchedObject<'a>> = Vec::new();
    let mut known: HashMap<MatchKey, Vec<usize>> = HashMap::new();
    for (at, variant) in variants.iter().enumerate() {
        let home = variant.namespace();
        for object in &variant.objects {
            let key = (object.group().into(), object.id.kind.clone(), role(object, home), object.name().to_owned());
            let found = known.entry(key).or_default();
            match found.iter().find(|class| classes[**class].objects[at].is_none()) {
                Some(class) => classes[*class].objects[at] = Some(object),
                None => {
                    found.push(classes.len());
                    let mut objects = vec![None; variants.len()];
                    objects[at] = Some(object);
                    classes.push(MatchedObject { objects });
                }
            }
        }
    }
    if variants.len() > 1 {
        classes = joined(classes, |class| by_own_words(class, variants, words, true));
        classes = joined(classes, |class| by_own_words(class, variants, words, false));
        classes = join_similar(classes, variants.len());
    }
    classes
}

/// The namespace as far as it distinguishes objects of one copy.
fn role(object: &Object, home: &str) -> String {
    if object.namespace() == home { String::new() } else { object.namespace().to_owned() }
}

fn by_own_words(
    class: &MatchedObject<'_>,
    variants: &[Variant],
    words: &[OwnWords],
    namespaced: bool,
) -> Vec<MatchKey> {
    let mut keys: Vec<MatchKey> = Vec::new();
    for ((object, variant), words) in class.objects.iter().zip(variants).zip(words) {
        let Some(object) = object else { continue };
        let role = if namespaced { words.normalize(&role(object, variant.namespace())) } else { String::new() };
        let key = (object.group().into(), object.id.kind.clone(), role, words.normalize(object.name()));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Joins classes that share a key and have no copy in common.
fn joined<'a>(
    classes: Vec<MatchedObject<'a>>,
    keys: impl Fn(&MatchedObject<'a>) -> Vec<MatchKey>,
) -> Vec<MatchedObject<'a>> {
    let mut known: HashMap<MatchKey, Vec<usize>> = HashMap::new();
    let mut made: Vec<MatchedObject<'a>> = Vec::new();
    for class in classes {
        let keys = keys(&class);
        let candidates = keys.iter().filter_map(|key| known.get(key)).flatten();
        let mut same = candidates.copied().filter(|at| made[*at].is_disjoint(&class));
        let at = match same.next() {
            Some(at) => {
                made[at].absorb(&class);
                at
            }
            None => {
                made.push(class);
                made.len() - 1
            }
        };
        for key in keys {
            let places = known.entry(key).or_default();
            if !places.contains(&at) {
                places.push(at);
            }
        }
    }
    made
}

/// The minimum similarity, from 0 to 1, of two objects of different names that are matched.
const MIN_SIMILARITY: f64 = 0.6;

/// With more unmatched classes of a kind than this, only names are compared.
const MAX_COMPARED: usize = 200;

/// Joins the unmatched classes of a kind whose names share words and whose contents are similar.
fn join_similar(classes: Vec<MatchedObject<'_>>, copies: usize) -> Vec<MatchedObject<'_>> {
    let is_whole = |class: &MatchedObject<'_>| class.objects.iter().flatten().count() == copies;
    let mut groups: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, class) in classes.iter().enumerate().filter(|(_, class)| !is_whole(class)) {
        groups.entry((class.first().group(), class.first().kind())).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    let mut into: Vec<usize> = (0..classes.len()).collect();
    let mut merged: Vec<MatchedObject<'_>> = classes.clone();
    for group in groups.iter().filter(|group| group.len() <= MAX_COMPARED) {
        let facts: Vec<HashSet<u64>> = group.iter().map(|at| leaf_hashes(&classes[*at].first().node)).collect();
        let mut pairs = Vec::new();
        for (one, first) in group.iter().enumerate() {
            for (other, second) in group.iter().enumerate().skip(one + 1) {
                let names = jaccard_similarity(
                    &words_of(classes[*first].first().name()),
                    &words_of(classes[*second].first().name()),
                );
                let content = jaccard_similarity(&facts[one], &facts[other]);
                if content >= MIN_SIMILARITY && names >= 0.4 {
                    pairs.push((content + names, *first, *second));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        for (_, first, second) in pairs {
            let (one, other) = (find(&into, first), find(&into, second));
            if one != other && merged[one].is_disjoint(&merged[other]) {
                let (keep, drop) = (one.min(other), one.max(other));
                let dropped = merged[drop].clone();
                merged[keep].absorb(&dropped);
                into[drop] = keep;
            }
        }
    }
    let kept = merged.into_iter().enumerate().filter(|(at, _)| into[*at] == *at);
    kept.map(|(_, class)| class).collect()
}

fn find(into: &[usize], at: usize) -> usize {
    if into[at] == at { at } else { find(into, into[at]) }
}

fn words_of(name: &str) -> HashSet<u64> {
    name.split(['-', '.', ':']).map(|word| hash(&word)).collect()
}

pub(super) fn jaccard_similarity(one: &HashSet<u64>, other: &HashSet<u64>) -> f64 {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 1.0 } else { both as f64 / all as f64 }
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    use std::hash::BuildHasher as _;
    // A fixed seed: the same input gives the same output.
    foldhash::fast::FixedState::with_seed(21).hash_one(value)
}

/// Hashes of the paths, and of the paths and values, of an object's leaves.
pub(super) fn leaf_hashes(node: &Node) -> HashSet<u64> {
    fn walk(node: &Node, path: u64, found: &mut HashSet<u64>) {
        match &node.value {
            Value::Mapping(mapping) => {
                for entry in mapping {
                    walk(&entry.value, hash(&(path, entry.key.as_str())), found);
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| walk(item, hash(&(path, "[]")), found)),
            _ => {
                found.insert(path);
                found.insert(hash(&(path, crate::yaml::json(node))));
            }
        }
    }
    let mut found = HashSet::default();
    for entry in node.entries().iter().filter(|entry| entry.key != "metadata") {
        walk(&entry.value, hash(&entry.key.as_str()), &mut found);
    }
    found
}
