//! Validation of trees against schemas: JSON Schemas of profiles and structural schemas of custom resources.
//!
//! A schema is compiled into a flat table of subschemas. The table validates trees ([`Schema::check`],
//! [`Schema::validate`]), looks up paths ([`Schema::lookup`]) and marks secrets ([`Schema::mark_secrets`]).
//!
//! JSON Schemas follow draft 2020-12 for the keywords in [`keywords`] and the formats in [`formats`]; any other keyword or
//! format is an error, so that no constraint is silently ignored. In structural schemas ([`structural`]), as the API server
//! reads them, whatever is unknown or malformed is ignored: the CustomResourceDefinition is validated elsewhere.

mod compare;
mod compile;
mod fault;
mod files;
mod formats;
mod lookup;
mod mappings;
mod pattern;
mod rules;
mod secrets;
mod structural;
mod unevaluated;
mod walk;
mod words;

use ecow::EcoString;

use crate::node::Node;

pub use compile::keywords;
pub use fault::{Fault, FaultKind};
pub use files::Fetch;
pub use formats::formats;
pub use lookup::{Lookup, PathStep, SchemaRef};
pub use rules::Types;
pub use structural::{ListKind, Subschema};
pub use walk::Mode;

pub(crate) use fault::MOST_FAULTS;
pub(crate) use pattern::{Pattern, UnevaluatedPatterns};
pub(crate) use structural::{ApiServer, ValidationRule};
pub(crate) use walk::Budget;
pub(crate) use words::{QUOTE, UNQUOTE};

use crate::formats::named::TextFormat;
use pattern::LazyPattern;
use rules::{Choices, Count, NumberRules, TYPES};
use structural::Extensions;

/// The index of a subschema in the table of its [`Schema`].
type Id = u32;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    subs: Vec<Sub>,
    /// For each subschema, whether it is `writeOnly` or contains one that is.
    secret: Vec<bool>,
}

impl Schema {
    /// The schema itself.
    const ROOT: Id = 0;

    fn sub(&self, id: Id) -> &Sub {
        &self.subs[id as usize]
    }
}

/// A subschema: its constraints, grouped by the type of the values that they apply to.
#[derive(Debug, Default)]
struct Sub {
    /// The schema `false`, which no value matches.
    never: bool,
    types: Option<Types>,
    /// `enum`.
    choices: Option<Box<Choices>>,
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
    /// `dependentSchemas`: the subschemas that apply if a key is set.
    dependents: Vec<(EcoString, Id)>,
    /// `writeOnly`.
    secret: bool,
    description: Option<EcoString>,
    /// The keywords that only structural schemas have.
    extensions: Option<Box<Extensions>>,
}

#[derive(Debug, Default)]
struct TextRules {
    length: Count,
    pattern: Option<LazyPattern>,
    format: Option<&'static TextFormat>,
}

#[derive(Debug, Default)]
struct ListRules {
    /// `prefixItems`: the subschemas of the first items.
    prefix: Vec<Id>,
    /// The subschema of all other items.
    items: Option<Id>,
    count: Count,
    unique: bool,
    contains: Option<Id>,
    contained: Count,
    unevaluated: Option<Id>,
    /// `x-kubernetes-list-type`.
    kind: ListKind,
    /// `x-kubernetes-list-map-keys`.
    keys: Vec<EcoString>,
}

impl ListRules {
    /// The subschema of the item at an index.
    fn of(&self, index: usize) -> Option<Id> {
        self.prefix.get(index).copied().or(self.items)
    }
}

#[derive(Debug, Default)]
struct ObjectRules {
    /// In the order of the schema.
    properties: Vec<(EcoString, Id)>,
    /// The indices of `properties`, sorted by name.
    sorted: Vec<u32>,
    patterns: Vec<(Pattern, Id)>,
    additional: Option<Id>,
    names: Option<Id>,
    required: Vec<EcoString>,
    /// `dependentRequired`: the keys that are required if a key is set.
    required_with: Vec<(EcoString, Vec<EcoString>)>,
    count: Count,
    unevaluated: Option<Id>,
}

impl ObjectRules {
    fn property(&self, name: &str) -> Option<Id> {
        let at = self.sorted.binary_search_by(|at| self.properties[*at as usize].0.as_str().cmp(name)).ok()?;
        Some(self.properties[self.sorted[at] as usize].1)
    }

    /// The subschema of a key's value, patterns aside.
    fn field(&self, name: &str) -> Option<Id> {
        self.property(name).or(self.additional)
    }

    /// The subschemas of a key's value; `is_match` evaluates a pattern.
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
    /// The subschemas that apply to the same value.
    fn in_place(&self) -> impl Iterator<Item = Id> {
        let lists = [&self.all, &self.any, &self.one].into_iter().flatten();
        let single = [self.reference, self.not, self.condition, self.then, self.otherwise];
        lists.copied().chain(single.into_iter().flatten()).chain(self.dependents.iter().map(|(_, id)| *id))
    }

    /// The subschemas that apply to keys, fields and items.
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

    /// The values that `enum` and `const` list.
    fn listed(&self) -> impl Iterator<Item = &Node> {
        self.choices.iter().flat_map(|choices| choices.values()).chain(&self.constant)
    }
}

#[cfg(test)]
mod tests;
