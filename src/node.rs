//! The tree of all data: YAML values with their origins.

use std::ops::{Index, Range};
use std::sync::Arc;

use ecow::{EcoString, EcoVec};
use foldhash::HashMap;

use crate::source::Span;

/// A value and its origin.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it is from.
    pub origin: Origin,
}

/// A YAML value, as in Kubernetes.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// `null`, which Kubernetes treats as absent.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Another finite number.
    Float(f64),
    /// A string.
    String(EcoString),
    /// A list. Copies of lists and mappings are shared until one of them is changed.
    Sequence(EcoVec<Node>),
    /// A mapping, in order.
    Mapping(Mapping),
}

/// Where a value is from: a position in a file, and what merging and rendering made of it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The position in the file it was read from; of a rendered value, in the template.
    pub span: Span,
    /// What merging and rendering added.
    pub derived: Option<Arc<Derived>>,
}

/// What merging and rendering did to a value.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    /// The values of earlier layers that this one overrode, latest first.
    pub overridden: Vec<Node>,
    /// The profile values that the expression of this value read, in order.
    pub inputs: Vec<Input>,
    /// The expression that this value is the result of, without braces.
    pub expression: Option<EcoString>,
    /// Whether it is a secret, or was made from one.
    pub secret: bool,
    /// For a string made from a tree (`$yaml`, `$json`): the origins of its bytes.
    pub text_parts: Vec<TextPart>,
    /// For a string with several expressions: the origins of its bytes.
    pub pieces: Vec<TextPart>,
}

/// A profile value that an expression read.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its path in the merged profile: `expose.nodePort`.
    pub path: EcoString,
    /// The merged value, with its origin.
    pub node: Node,
}

/// A byte range of a string that was made from a tree or from pieces, with its origin.
#[derive(Debug, Clone)]
pub struct TextPart {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// The origin of that leaf or piece.
    pub origin: Origin,
}

impl TextPart {
    /// The bytes of the string.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Origin {
    /// The origin of a value read at `span`.
    #[must_use]
    pub const fn at(span: Span) -> Self {
        Self { span, derived: None }
    }

    /// The profile values that this one was made from.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        self.derived.as_ref().map_or(&[], |derived| &derived.inputs)
    }

    /// The profile value to change if `value`, which it was rendered to, is wrong: the one that is equal, else the
    /// first.
    #[must_use]
    pub fn blame(&self, value: &Value) -> Option<&Input> {
        let placed = || self.inputs().iter().filter(|input| !input.node.origin.span.is_none());
        placed().find(|input| input.node.value == *value).or_else(|| placed().next())
    }

    /// The pieces of a string with several expressions.
    #[must_use]
    pub fn pieces(&self) -> &[TextPart] {
        self.derived.as_ref().map_or(&[], |derived| &derived.pieces)
    }

    /// The values of earlier layers that this one overrode, latest first.
    #[must_use]
    pub fn overridden(&self) -> &[Node] {
        self.derived.as_ref().map_or(&[], |derived| &derived.overridden)
    }

    /// Whether it is a secret, or was made from one.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.derived.as_ref().is_some_and(|derived| derived.secret)
    }

    /// What merging and rendering did, for changing it; copied if it is shared.
    pub fn derived_mut(&mut self) -> &mut Derived {
        Arc::make_mut(self.derived.get_or_insert_default())
    }
}

/// An ordered mapping with string keys. A large one has an index of its keys.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    entries: EcoVec<Entry>,
    /// The position of each key; `None` if the mapping is small or was changed through [`Self::entries_mut`].
    places: Option<Arc<HashMap<EcoString, usize>>>,
}

/// A key, its position, and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: EcoString,
    /// The position of the key.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// The value of absent fields.
static NULL: Node = Node { value: Value::Null, origin: Origin { span: Span::NONE, derived: None } };

impl Node {
    /// A value read at `span`.
    #[must_use]
    pub fn new(value: impl Into<Value>, span: Span) -> Self {
        Self { value: value.into(), origin: Origin::at(span) }
    }

    /// The static null that represents an absent field.
    #[must_use]
    pub fn absent() -> &'static Self {
        &NULL
    }

    /// The value of a key, if this is a mapping with that key.
    // Always inlined, with its callees: most keys are constants, which the compiler compares as integers.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(mapping) => mapping.get(key),
            _ => None,
        }
    }

    /// The value of a key, for changing it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Mapping(mapping) => mapping.get_mut(key),
            _ => None,
        }
    }

    /// The value at the end of a path of keys; the static null if one is absent.
    #[must_use]
    pub fn at(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |node, key| &node[*key])
    }

    /// Whether it is null or absent, which is the same to Kubernetes.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Whether it is present and not null.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.is_null()
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The string, or an empty one if it is something else.
    #[must_use]
    pub fn text(&self) -> &str {
        self.as_str().unwrap_or_default()
    }

    /// The number, integer or not.
    #[must_use]
    pub const fn as_f64(&self) -> Option<f64> {
        match self.value {
            Value::Int(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a list; empty for other values.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; empty for other values.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(mapping) => &mapping.entries,
            _ => &[],
        }
    }

    /// Its type, as messages name it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Compares values, not their origins.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Up to this many entries, a linear search is faster than hashing.
pub(crate) const FEW: usize = 16;

/// A mapping with more entries has an index of its keys. Objects rarely have that many fields; hostile data and
/// labels have ten thousand.
const MANY_ENTRIES: usize = 64;

/// Compares entries in any order, since the order of a mapping has no meaning.
impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Most often the order is the same, and no key has to be searched for.
        let same = self.iter().zip(other).take_while(|(mine, theirs)| mine.key == theirs.key).count();
        let (mine, theirs) = (&self.entries[same..], &other.entries[same..]);
        if self.iter().zip(other).take(same).any(|(mine, theirs)| mine.value != theirs.value) {
            return false;
        }
        if mine.len() <= FEW {
            let find = |key: &EcoString| theirs.iter().find(|entry| entry.key == *key);
            return mine.iter().all(|entry| find(&entry.key).is_some_and(|found| found.value == entry.value));
        }
        let theirs: HashMap<&str, &Node> = theirs.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
        mine.iter().all(|entry| theirs.get(entry.key.as_str()).is_some_and(|value| **value == entry.value))
    }
}

impl Index<&str> for Node {
    type Output = Self;

    /// The value of a key; the static null if it is absent.
    #[inline(always)]
    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NULL)
    }
}

impl Index<usize> for Node {
    type Output = Self;

    /// An item; the static null if there is none.
    fn index(&self, index: usize) -> &Self {
        self.items().get(index).unwrap_or(&NULL)
    }
}

impl Mapping {
    /// An empty mapping.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: EcoVec::new(), places: None }
    }

    /// An empty mapping with capacity for a number of entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Self { entries: EcoVec::with_capacity(entries), places: None }
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entries in order, with mutable values; the keys must not be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.make_mut().iter_mut()
    }

    /// The entries, for any change.
    pub fn entries_mut(&mut self) -> &mut EcoVec<Entry> {
        self.places = None;
        &mut self.entries
    }

    /// The position of a key.
    #[inline(always)]
    fn place(&self, key: &str) -> Option<usize> {
        match &self.places {
            Some(places) => find(places, key),
            None => self.entries.iter().position(|entry| entry.key == key),
        }
    }

    /// The entry of a key.
    #[inline(always)]
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.place(key).map(|at| &self.entries[at])
    }

    /// The entry of a key, for changing its position and value; the key must not be changed.
    pub(crate) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.place(key).map(|at| &mut self.entries.make_mut()[at])
    }

    /// The value of a key.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key, for changing it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entry_mut(key).map(|entry| &mut entry.value)
    }

    /// Adds an entry at the end. The key must be new.
    pub fn push(&mut self, key: impl Into<EcoString>, key_span: Span, value: Node) {
        self.entries.push(Entry { key: key.into(), key_span, value });
        self.find_places();
    }

    /// Creates or extends the index of keys, if the mapping is large.
    fn find_places(&mut self) {
        if self.entries.len() > MANY_ENTRIES {
            self.note_places();
        }
    }

    /// Adds new entries to the index.
    #[cold]
    fn note_places(&mut self) {
        let places = Arc::make_mut(self.places.get_or_insert_default());
        for at in places.len()..self.entries.len() {
            places.insert(self.entries[at].key.clone(), at);
        }
    }

    /// Sets the value of a key, which is added at the end if it is new.
    pub fn set(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => self.push(key, Span::NONE, value),
        }
    }

    /// Keeps the entries that satisfy a predicate.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Entry) -> bool) {
        self.entries_mut().retain(|entry| keep(entry));
        self.find_places();
    }

    /// Removes an entry and shifts those after it; to remove many, use [`Mapping::retain`].
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.place(key)?;
        Some(self.entries_mut().remove(at).value)
    }
}

/// Searches the index. Not inlined, so that the linear search, which is inlined everywhere, stays small.
#[cold]
fn find(places: &HashMap<EcoString, usize>, key: &str) -> Option<usize> {
    places.get(key).copied()
}

impl FromIterator<Entry> for Mapping {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let mut mapping = Self::new();
        mapping.extend(entries);
        mapping
    }
}

/// Adds entries, whose keys must be new.
impl Extend<Entry> for Mapping {
    fn extend<T: IntoIterator<Item = Entry>>(&mut self, entries: T) {
        let entries = entries.into_iter();
        self.entries.reserve(entries.size_hint().0);
        entries.for_each(|entry| self.push(entry.key, entry.key_span, entry.value));
    }
}

impl<'a> IntoIterator for &'a Mapping {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<EcoString> for Value {
    fn from(value: EcoString) -> Self {
        Self::String(value)
    }
}

impl From<EcoVec<Node>> for Value {
    fn from(value: EcoVec<Node>) -> Self {
        Self::Sequence(value)
    }
}

impl From<Vec<Node>> for Value {
    fn from(value: Vec<Node>) -> Self {
        Self::Sequence(value.into())
    }
}

impl From<Mapping> for Value {
    fn from(value: Mapping) -> Self {
        Self::Mapping(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_equal_in_any_order() {
        let node = |number: i64| Node::new(number, Span::NONE);
        let mapping = |keys: &mut dyn Iterator<Item = i64>| {
            keys.map(|key| Entry { key: key.to_string().into(), key_span: Span::NONE, value: node(key) })
                .collect::<Mapping>()
        };
        for size in [0, 1, 2, FEW as i64, FEW as i64 + 1, 100] {
            let one = mapping(&mut (0..size));
            assert_eq!(one, mapping(&mut (0..size)));
            assert_eq!(one, mapping(&mut (0..size).rev()));
            assert_eq!(one, mapping(&mut (0..size / 2).chain((size / 2..size).rev())));
            assert_ne!(one, mapping(&mut (0..=size)));
            for at in 0..size as usize {
                for mut other in [mapping(&mut (0..size)), mapping(&mut (0..size).rev())] {
                    other.entries_mut().make_mut()[at].value = node(-1);
                    assert_ne!(one, other);
                    other.entries_mut().make_mut()[at] = one.entries[0].clone();
                    other.entries_mut().make_mut()[at].key = "other".into();
                    assert_ne!(one, other);
                }
            }
        }
    }

    #[test]
    fn keys_are_found_in_mappings_of_any_size() {
        for size in [0, 1, MANY_ENTRIES, MANY_ENTRIES + 1, 3 * MANY_ENTRIES] {
            let mut mapping = Mapping::new();
            for number in 0..size {
                mapping.push(number.to_string(), Span::NONE, Node::new(number as i64, Span::NONE));
            }
            let found = |mapping: &Mapping, key: usize| mapping.get(&key.to_string()).and_then(Node::as_i64);
            assert!((0..size).all(|number| found(&mapping, number) == Some(number as i64)), "{size}");
            assert_eq!(found(&mapping, size), None);
            if size > 1 {
                // The entries after it are shifted.
                assert_eq!(mapping.remove("0").as_ref().and_then(Node::as_i64), Some(0));
                mapping.set("0", Node::new(-1, Span::NONE));
                mapping.set("1", Node::new(-2, Span::NONE));
                mapping.entries_mut().make_mut().swap(0, size - 1);
                assert_eq!((found(&mapping, 0), found(&mapping, 1)), (Some(-1), Some(-2)), "{size}");
                assert!((2..size).all(|number| found(&mapping, number) == Some(number as i64)), "{size}");
            }
        }
    }
}
