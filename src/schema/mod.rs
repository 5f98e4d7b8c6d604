//! JSON Schema, walked over nodes: the one engine for the built-in schema of profiles and for a project's own.
//!
//! A schema is compiled once into a flat table and then held against trees ([`Schema::check`]), asked which paths can
//! exist ([`Schema::lookup`]), or used to mark secrets ([`Schema::mark_secrets`]). It follows draft 2020-12 for the keywords in
//! [`keywords`] and the formats in [`formats`]; any other keyword or format is an error, so that nothing a schema says is
//! silently ignored.

mod compare;
mod compile;
mod files;
mod formats;
mod lookup;
mod mappings;
mod pattern;
mod secrets;
mod unevaluated;
mod walk;
mod words;

use ecow::{EcoString, EcoVec};

use crate::node::Node;

pub use compile::keywords;
pub use files::Fetch;
pub use formats::formats;
pub use lookup::{Lookup, Place, Step};
pub use walk::{Fault, Mode, Violation};

pub(crate) use pattern::{MAX_SIZE, Pattern, is_too_large};
pub(crate) use walk::Budget;

use formats::{NumberFormat, TextFormat};

/// The number of a subschema in [`Schema`].
type Id = u32;

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct Schema {
    subs: Vec<Sub>,
    /// Which subschemas are secret or hold one.
    secret: Vec<bool>,
}

impl Schema {
    /// The schema itself; there is always one.
    const ROOT: Id = 0;

    fn sub(&self, id: Id) -> &Sub {
        &self.subs[id as usize]
    }
}

/// One subschema: what it demands, by the kind of value it demands it of.
#[derive(Debug, Default)]
struct Sub {
    /// The schema `false`: nothing fits.
    never: bool,
    types: Option<Types>,
    values: Option<EcoVec<Node>>,
    constant: Option<Node>,
    number: Option<Box<NumberRules>>,
    text: Option<Box<TextRules>>,
    list: Option<Box<ListRules>>,
    object: Option<Box<ObjectRules>>,
    reference: Option<Id>,
    all: Vec<Id>,
    any: Vec<Id>,
    one: Vec<Id>,
    not: Option<Id>,
    condition: Option<Id>,
    then: Option<Id>,
    otherwise: Option<Id>,
    /// `dependentSchemas`: what holds where a key is set.
    dependents: Vec<(EcoString, Id)>,
    /// `writeOnly`.
    secret: bool,
    description: Option<EcoString>,
}

#[derive(Debug, Default)]
struct NumberRules {
    minimum: Option<Node>,
    maximum: Option<Node>,
    above: Option<Node>,
    below: Option<Node>,
    multiple: Option<Node>,
    format: Option<&'static NumberFormat>,
}

#[derive(Debug, Default)]
struct TextRules {
    min: Option<u64>,
    max: Option<u64>,
    pattern: Option<Pattern>,
    format: Option<&'static TextFormat>,
}

#[derive(Debug, Default)]
struct ListRules {
    /// `prefixItems`: what holds for the first items, one by one.
    prefix: Vec<Id>,
    /// What holds for those behind them.
    items: Option<Id>,
    min: Option<u64>,
    max: Option<u64>,
    unique: bool,
    contains: Option<Id>,
    min_contains: Option<u64>,
    max_contains: Option<u64>,
    unevaluated: Option<Id>,
}

impl ListRules {
    /// The subschema that holds for the item at an index by its place.
    fn of(&self, index: usize) -> Option<Id> {
        self.prefix.get(index).copied().or(self.items)
    }
}

#[derive(Debug, Default)]
struct ObjectRules {
    /// In the order of the schema, for lists of names.
    properties: Vec<(EcoString, Id)>,
    /// The places in `properties`, sorted by name, for finding one.
    sorted: Vec<u32>,
    patterns: Vec<(Pattern, Id)>,
    additional: Option<Id>,
    names: Option<Id>,
    required: Vec<EcoString>,
    /// `dependentRequired`: what is required where a key is set.
    required_with: Vec<(EcoString, Vec<EcoString>)>,
    min: Option<u64>,
    max: Option<u64>,
    unevaluated: Option<Id>,
}

impl ObjectRules {
    fn property(&self, name: &str) -> Option<Id> {
        let at = self.sorted.binary_search_by(|at| self.properties[*at as usize].0.as_str().cmp(name)).ok()?;
        Some(self.properties[self.sorted[at] as usize].1)
    }

    /// The subschemas that hold for the value of a key; `is_match` asks whether a pattern fits it.
    fn of(&self, key: &str, is_match: &mut dyn FnMut(&Pattern, &str) -> bool) -> Vec<Id> {
        let patterns = self.patterns.iter().filter(|(pattern, _)| is_match(pattern, key)).map(|(_, id)| *id);
        let mut ids: Vec<Id> = self.property(key).into_iter().chain(patterns).collect();
        if ids.is_empty() {
            ids.extend(self.additional);
        }
        ids
    }
}

impl Sub {
    /// The subschemas that hold for the very same value.
    fn in_place(&self) -> impl Iterator<Item = Id> {
        let lists = [&self.all, &self.any, &self.one].into_iter().flatten();
        let single = [self.reference, self.not, self.condition, self.then, self.otherwise];
        lists.copied().chain(single.into_iter().flatten()).chain(self.dependents.iter().map(|(_, id)| *id))
    }

    /// The subschemas that hold for values inside.
    fn inside(&self) -> impl Iterator<Item = Id> {
        let object = self.object.iter().flat_map(|rules| {
            let named = rules.properties.iter().map(|(_, id)| *id);
            let others = [rules.additional, rules.names, rules.unevaluated].into_iter().flatten();
            named.chain(rules.patterns.iter().map(|(_, id)| *id)).chain(others)
        });
        let list = self.list.iter().flat_map(|rules| {
            let others = [rules.items, rules.contains, rules.unevaluated].into_iter().flatten();
            rules.prefix.iter().copied().chain(others)
        });
        object.chain(list)
    }
}

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

/// The types: JSON Schema's name, the bit, and how messages name one such value.
const TYPES: [(&str, Types, &str); 7] = [
    ("string", Types::STRING, "a string"),
    ("integer", Types::INTEGER, "a whole number"),
    ("number", Types::NUMBER, "a number"),
    ("boolean", Types::BOOLEAN, "a boolean"),
    ("array", Types::ARRAY, "a list"),
    ("object", Types::OBJECT, "a mapping"),
    ("null", Types::NULL, "null"),
];

impl Types {
    /// No type.
    pub const NONE: Self = Self(0);
    /// Text.
    pub const STRING: Self = Self(1);
    /// Whole numbers.
    pub const INTEGER: Self = Self(1 << 1);
    /// All numbers.
    pub const NUMBER: Self = Self(1 << 1 | 1 << 2);
    /// `true` and `false`.
    pub const BOOLEAN: Self = Self(1 << 3);
    /// Lists.
    pub const ARRAY: Self = Self(1 << 4);
    /// Mappings.
    pub const OBJECT: Self = Self(1 << 5);
    /// `null`.
    pub const NULL: Self = Self(1 << 6);
    /// All types.
    pub const ANY: Self = Self(0x7f);

    /// Whether it holds all types of the other.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The types in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The types in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The type of a value. A number without a fraction is whole, as the draft has it.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        use crate::node::Value;
        match &node.value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Int(_) => Self::INTEGER,
            Value::Float(number) if number.fract() == 0.0 => Self::INTEGER,
            Value::Float(_) => Self(1 << 2),
            Value::String(_) => Self::STRING,
            Value::Sequence(_) => Self::ARRAY,
            Value::Mapping(_) => Self::OBJECT,
        }
    }

    /// `a string`, or `a string, a list or null`.
    #[must_use]
    pub fn words(self) -> String {
        let names: Vec<&str> = TYPES
            .iter()
            .filter(|(_, types, _)| self.has(*types) && !(*types == Self::INTEGER && self.has(Self::NUMBER)))
            .map(|(_, _, words)| *words)
            .collect();
        match names.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
