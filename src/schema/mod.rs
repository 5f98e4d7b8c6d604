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
mod rules;
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

pub(crate) use compare::equal;
pub(crate) use formats::NumberFormat;
pub(crate) use pattern::{MAX_SIZE, Pattern, is_too_large};
pub use rules::Types;
pub(crate) use rules::{Count, NumberRules};
pub(crate) use walk::Budget;
pub(crate) use words::{near_value, values};

use crate::formats::named::TextFormat;
use rules::TYPES;

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
struct TextRules {
    length: Count,
    pattern: Option<Pattern>,
    format: Option<&'static TextFormat>,
}

#[derive(Debug, Default)]
struct ListRules {
    /// `prefixItems`: what holds for the first items, one by one.
    prefix: Vec<Id>,
    /// What holds for those behind them.
    items: Option<Id>,
    count: Count,
    unique: bool,
    contains: Option<Id>,
    contained: Count,
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
    count: Count,
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

#[cfg(test)]
mod tests;
