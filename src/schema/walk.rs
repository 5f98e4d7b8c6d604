//! The evaluation of schemas: each keyword's, whatever the schema was compiled from.

use std::sync::LazyLock;

use ecow::EcoVec;

use super::compare::{equal, order};
use super::structural::ApiServer;
use super::{
    Count, Fault, FaultKind, Id, ListKind, ListRules, MOST_FAULTS, NumberRules, ObjectRules, Pattern, Schema, SchemaRef,
};
use super::{Sub, TextRules, Types, words};
use crate::cursor::At;
use crate::node::{Mapping, Node, Value};
use crate::source::Span;
use crate::suggest;

/// The budget of a validation in subschemas that are evaluated, as a schema whose alternatives multiply could take for ever:
/// a base, and more for each value.
const MAX_STEPS: u64 = 1_000_000;
const MAX_STEPS_A_VALUE: u64 = 200;

/// How many comparisons of values cost as much as the evaluation of a subschema.
const COMPARISONS_A_STEP: u64 = 16;

/// The budget of a validation in bytes of string times bytes of pattern: a million bytes against a small pattern. The
/// slowest patterns take some 15 ns for 32 of them.
const MAX_MATCHING: u64 = 4_000_000_000;

/// What each byte of a custom resource adds to that: matching against four small patterns.
const MAX_MATCHING_A_BYTE: u64 = 8192;

/// The budget of looking up a path: each name in a template is one.
const MAX_PATH_STEPS: u64 = 100_000;
const MAX_PATH_MATCHING: u64 = 1_000_000;

/// What the validated value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A whole value: all keywords apply.
    Whole,
    /// One layer of a value: what it lacks may be in another, and null deletes. Keywords about the whole (`required`,
    /// `minProperties`, `not`, `if`, `minItems` and the like) do not apply, except inside the items of lists, which layers
    /// replace.
    Layer,
}

impl Schema {
    /// Validates a value. `whole` is how messages name it: `the profile`.
    #[must_use]
    pub fn check<'n>(&self, node: &'n Node, mode: Mode, whole: &str) -> Vec<Fault<'n>> {
        let mut walker = Walker { whole, found: Some(Vec::new()), ..Walker::new(self, Budget::of(node), mode) };
        walker.value(Self::ROOT, &At::root("", node));
        let mut found = walker.found.unwrap_or_default();
        if walker.left.is_spent() {
            let message = format!("{whole} takes too long to validate against its schema");
            let mut fault = Fault::new(FaultKind::Invalid, node, String::new(), message);
            fault.help = match walker.left.steps {
                0 => "the schema's alternatives multiply; let fewer of them overlap".to_owned(),
                _ => "its patterns are too large for strings this long; use smaller repetition counts".to_owned(),
            };
            found.push(fault);
        }
        found
    }

    /// Whether a value matches.
    #[must_use]
    pub fn fits(&self, node: &Node) -> bool {
        let mut walker = Walker::new(self, Budget::of(node), Mode::Whole);
        walker.value(Self::ROOT, &At::root("", node)) && !walker.left.is_spent()
    }
}

/// What is left of the work that a validation may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// How many more subschemas may be evaluated.
    steps: u64,
    /// How many more bytes of string times bytes of pattern may be matched.
    matching: u64,
}

impl Budget {
    /// The budget for a value.
    pub(super) fn of(node: &Node) -> Self {
        Self { steps: MAX_STEPS + MAX_STEPS_A_VALUE * size(node), matching: MAX_MATCHING }
    }

    /// The budget for looking up a path.
    pub(super) const fn of_path() -> Self {
        Self { steps: MAX_PATH_STEPS, matching: MAX_PATH_MATCHING }
    }

    /// The budget for one of several values: its share of the base, and what its values and strings add.
    pub(crate) fn shared(node: &Node, among: usize) -> Self {
        let among = among.max(1) as u64;
        Self {
            steps: MAX_STEPS / among + MAX_STEPS_A_VALUE * size(node),
            matching: MAX_MATCHING / among + MAX_MATCHING_A_BYTE * bytes(node),
        }
    }

    /// Whether steps or matching are used up.
    pub(crate) fn is_spent(self) -> bool {
        self.steps == 0 || self.matching == 0
    }

    /// Spends the evaluation of a subschema.
    pub(super) fn step(&mut self) {
        self.steps = self.steps.saturating_sub(1);
    }

    /// Spends a number of comparisons.
    fn compare(&mut self, values: usize) {
        self.steps = self.steps.saturating_sub(values as u64 / COMPARISONS_A_STEP);
    }

    /// Whether a pattern matches; `false` if the budget is spent.
    pub(super) fn is_match(&mut self, pattern: &Pattern, text: &str) -> bool {
        self.matching = self.matching.saturating_sub(pattern.cost(text));
        self.matching > 0 && pattern.is_match(text)
    }
}

/// The number of values in a tree.
fn size(node: &Node) -> u64 {
    let items: u64 = node.items().iter().map(size).sum();
    let entries: u64 = node.entries().iter().map(|entry| size(&entry.value)).sum();
    1 + items + entries
}

/// The length of the strings in a tree, in bytes.
fn bytes(node: &Node) -> u64 {
    let items: u64 = node.items().iter().map(bytes).sum();
    let entries: u64 = node.entries().iter().map(|entry| bytes(&entry.value)).sum();
    node.text().len() as u64 + items + entries
}

/// The state of a validation.
pub(super) struct Walker<'s, 'n> {
    pub(super) schema: &'s Schema,
    /// How messages name the whole value.
    pub(super) whole: &'s str,
    /// The faults; `None` if only the verdict matters, and the walk stops at the first fault.
    pub(super) found: Option<Vec<Fault<'n>>>,
    pub(super) left: Budget,
    pub(super) mode: Mode,
    /// The API server whose rules apply, if the schema is structural.
    pub(super) server: Option<&'s dyn ApiServer>,
    /// Whether a structural schema prunes unknown fields here.
    pub(super) prune: bool,
}

impl<'s> Walker<'s, '_> {
    /// A walk for the verdict.
    pub(super) const fn new(schema: &'s Schema, left: Budget, mode: Mode) -> Self {
        Self { schema, whole: "", found: None, left, mode, server: None, prune: false }
    }

    /// Whether a value matches a subschema; reports nothing.
    pub(super) fn matches(&mut self, id: Id, at: &At<'_, '_>) -> bool {
        let mut walker = Walker { server: self.server, ..Walker::new(self.schema, self.left, self.mode) };
        let matches = walker.value(id, at);
        self.left = walker.left;
        matches
    }
}

impl<'s, 'n> Walker<'s, 'n> {
    /// Validates a value against a subschema. Returns whether it matches.
    pub(super) fn value(&mut self, id: Id, at: &At<'n, '_>) -> bool {
        let node = at.node;
        if self.left.is_spent() || self.is_full() || self.is_structural() && node.is_null() {
            return true;
        }
        self.left.step();
        let sub = self.schema.sub(id);
        if sub.never {
            return self.fault(FaultKind::Invalid, at, || "is not allowed here".to_owned());
        }
        if let Some(types) = sub.types
            && !types.has(Types::of(node))
        {
            return self.wrong_type(types, at);
        }
        let checks: [fn(&mut Self, &'s Sub, &At<'n, '_>) -> bool; 3] = [Self::listed, Self::by_type, Self::combined];
        let mut matches = true;
        for check in checks {
            if matches || self.found.is_some() {
                matches &= check(self, sub, at);
            }
        }
        // A value that does not match the alternatives is not evaluated by them, which would be a second fault of the same.
        matches && self.unevaluated(id, sub, at)
    }

    /// The keywords that apply to values of one type.
    fn by_type(&mut self, sub: &'s Sub, at: &At<'n, '_>) -> bool {
        match &at.node.value {
            Value::Int(_) | Value::Float(_) => sub.number.as_ref().is_none_or(|rules| self.number(rules, at)),
            Value::String(value) => sub.text.as_ref().is_none_or(|rules| self.text(rules, value, at, sub)),
            Value::Sequence(items) => sub.list.as_ref().is_none_or(|rules| self.list(rules, items, at)),
            Value::Mapping(mapping) => self.object(sub, mapping, at),
            Value::Null | Value::Bool(_) => true,
        }
    }

    fn object(&mut self, sub: &'s Sub, mapping: &'n Mapping, at: &At<'n, '_>) -> bool {
        static NO_RULES: LazyLock<ObjectRules> = LazyLock::new(ObjectRules::default);
        match &sub.object {
            Some(rules) => self.mapping(sub, rules, mapping, at),
            // A structural schema has no other fields than it describes.
            None if self.is_structural() => self.mapping(sub, &NO_RULES, mapping, at),
            None => true,
        }
    }

    /// The subschemas that apply to the same value. In a structural schema they only constrain values.
    fn combined(&mut self, sub: &'s Sub, at: &At<'n, '_>) -> bool {
        let prune = std::mem::take(&mut self.prune);
        let mut matches = true;
        for id in sub.reference.iter().chain(&sub.all) {
            if matches || self.found.is_some() {
                matches &= self.value(*id, at);
            }
        }
        let has_alternatives = !(sub.any.is_empty() && sub.one.is_empty()) || sub.not.is_some();
        if has_alternatives && (matches || self.found.is_some()) {
            matches &= self.alternatives(sub, at);
        }
        if self.mode == Mode::Whole {
            for (_, id) in sub.dependents.iter().filter(|(key, _)| at.node.get(key).is_some()) {
                if matches || self.found.is_some() {
                    matches &= self.value(*id, at);
                }
            }
            if let Some(id) = sub.condition {
                let branch = if self.matches(id, at) { sub.then } else { sub.otherwise };
                matches &= branch.is_none_or(|id| self.value(id, at));
            }
        }
        self.prune = prune;
        matches
    }

    /// `anyOf`, `oneOf` and `not`.
    fn alternatives(&mut self, sub: &'s Sub, at: &At<'n, '_>) -> bool {
        let filled = self.with_defaults(sub, at.node);
        let value = &filled.as_ref().map_or(*at, |node| At::root("", node));
        let is_any = sub.any.is_empty() || sub.any.iter().any(|id| self.matches(*id, value));
        // Several schemas may match a layer, if only one matches the whole.
        let most = if self.mode == Mode::Layer { 1 } else { 2 };
        let count = sub.one.iter().filter(|id| self.matches(**id, value)).take(most).count();
        let is_excluded = self.mode == Mode::Whole && sub.not.is_some_and(|id| self.matches(id, value));
        if self.left.is_spent() {
            return true;
        }
        let mut matches = is_any || self.no_match(&sub.any, "anyOf", at, sub);
        matches &= match count {
            0 => sub.one.is_empty() || self.no_match(&sub.one, "oneOf", at, sub),
            1 => true,
            _ => self.fault(FaultKind::Invalid, at, || "matches more than one schema of `oneOf`".to_owned()),
        };
        if is_excluded {
            matches = self.fault(FaultKind::Invalid, at, || "must not match `not`".to_owned());
        }
        matches
    }

    /// Reports a value that matches none of several schemas: the faults against the one that is nearest.
    fn no_match(&mut self, schemas: &[Id], keyword: &str, at: &At<'n, '_>, sub: &'s Sub) -> bool {
        if self.is_structural() {
            return self.fault(FaultKind::Invalid, at, || format!("must match a schema of `{keyword}`"));
        }
        if self.found.is_none() {
            return false;
        }
        let node = at.node;
        let types = self.schema.types(&SchemaRef::Any(schemas.iter().map(|id| SchemaRef::One(*id)).collect()));
        if !types.has(Types::of(node)) && types != Types::NONE {
            return self.wrong_type(types, at);
        }
        let choices: Option<Vec<&Node>> =
            schemas.iter().map(|id| self.schema.choices(*id)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        if let Some(choices) = choices {
            return self.not_among(&choices, at, sub);
        }
        let before = self.found.take();
        let field = at.in_profile();
        let nearest = schemas
            .iter()
            .map(|id| {
                self.found = Some(Vec::new());
                self.value(*id, at);
                self.found.take().unwrap_or_default()
            })
            .min_by_key(|found| {
                let type_fault = found.iter().any(|fault| fault.kind == FaultKind::Type && fault.field == field);
                let other_form = found.iter().filter(|fault| fault.choice).count();
                (type_fault, other_form, found.len())
            });
        self.found = before;
        self.found.get_or_insert_default().extend(nearest.unwrap_or_default());
        false
    }

    /// `enum` and `const`.
    fn listed(&mut self, sub: &'s Sub, at: &At<'n, '_>) -> bool {
        let node = at.node;
        let mut matches = true;
        if let Some(choices) = &sub.choices {
            self.left.compare(choices.comparisons(node));
            if !choices.contains(node) {
                matches = self.not_among(&choices.values().iter().collect::<Vec<_>>(), at, sub);
            }
        }
        if let Some(value) = &sub.constant
            && !equal(value, node)
        {
            matches = self.not_among(&[value], at, sub);
        }
        matches
    }

    fn not_among(&mut self, values: &[&Node], at: &At<'n, '_>, sub: &Sub) -> bool {
        let node = at.node;
        let types = values.iter().fold(Types::NONE, |types, value| types.or(Types::of(value)));
        if sub.types.is_none() && !types.has(Types::of(node)) && types != Types::NONE {
            return self.wrong_type(types, at);
        }
        let matches = self.fault(FaultKind::Invalid, at, || format!("must be {}", words::values(values)));
        if let Some(fault) = self.last() {
            fault.label = words::near_value(node, values);
            fault.choice = true;
        }
        matches
    }

    pub(super) fn wrong_type(&mut self, types: Types, at: &At<'n, '_>) -> bool {
        let node = at.node;
        let predicate = || format!("must be {}, not {}", types.words(), node.type_name());
        let matches = self.fault(FaultKind::Type, at, predicate);
        if let Some(fault) = self.last() {
            fault.help = words::type_help(types, node);
        }
        matches
    }

    fn number(&mut self, rules: &NumberRules, at: &At<'n, '_>) -> bool {
        let mut matches = true;
        for fault in rules.faults(at.node) {
            matches = self.fault(FaultKind::Invalid, at, || fault.to_string());
        }
        matches
    }

    fn text(&mut self, rules: &TextRules, value: &str, at: &At<'n, '_>, sub: &'s Sub) -> bool {
        // The API server reports each of the keywords, whereas one of them suffices to find the error in a profile.
        let all = self.is_structural() && self.found.is_some();
        let mut matches = true;
        if rules.length.is_set() && rules.length.excludes(value.chars().count()) {
            matches = self.fault(FaultKind::Invalid, at, || match rules.length.min {
                Some(_) if value.is_empty() => "must not be empty".to_owned(),
                _ => format!("must have {}", rules.length.of("character")),
            });
            if !all {
                return matches;
            }
        }
        let is_known = |since| self.server.is_none_or(|server| server.minor() >= since);
        if let Some(format) = rules.format
            && is_known(format.since)
            && !(format.is_match)(value)
        {
            matches = self.fault(FaultKind::Invalid, at, || format!("must be {}", format.words));
            if !all {
                return matches;
            }
        }
        let Some((pattern, compiled)) = rules.pattern.as_ref().and_then(|pattern| Some((pattern, pattern.compiled()?)))
        else {
            return matches;
        };
        if self.left.is_match(compiled, value) || self.left.is_spent() {
            return matches;
        }
        matches = self.fault(FaultKind::Invalid, at, || "does not match the pattern".to_owned());
        if let Some(fault) = self.last() {
            fault.label = format!("must match `{}`", pattern.text);
            fault.help = sub.description.as_deref().map_or_else(String::new, words::first_sentence);
        }
        matches
    }

    fn list(&mut self, rules: &'s ListRules, items: &'n [Node], at: &At<'n, '_>) -> bool {
        // The list of a layer may be a change of another list, so that its items are not those of the whole.
        let mut matches = self.mode == Mode::Layer || self.whole_list(rules, items, at);
        if self.mode == Mode::Layer && !rules.prefix.is_empty() {
            return matches;
        }
        let mode = std::mem::replace(&mut self.mode, Mode::Whole);
        for (index, item) in items.iter().enumerate() {
            let Some(id) = rules.of(index).filter(|_| matches || self.found.is_some()) else { break };
            let at = &at.item(index, item);
            matches &= if self.is_structural() && item.is_null() { self.null_item(id, at) } else { self.value(id, at) };
        }
        self.mode = mode;
        matches
    }

    /// The keywords about all items together.
    fn whole_list(&mut self, rules: &'s ListRules, items: &'n [Node], at: &At<'n, '_>) -> bool {
        let mut matches = true;
        if rules.count.excludes(items.len()) {
            matches = self.fault(FaultKind::Invalid, at, || format!("must have {}", rules.count.of("item")));
        }
        let values = items.iter().enumerate();
        if rules.unique {
            for index in duplicates(values.clone().map(|(index, item)| (index, item.clone())).collect()) {
                let item = at.item(index, &items[index]);
                matches = self.fault(FaultKind::Invalid, &item, || "is a duplicate item".to_owned());
            }
        }
        if rules.kind == ListKind::Map && !rules.keys.is_empty() {
            let default = |key: &str| self.subschema(rules.items?).field(key)?.default_value();
            let key_of = |item: &'n Node, key: &str| {
                item.get(key).filter(|value| value.is_set()).or_else(|| default(key)).cloned()
            };
            let identities = values.filter_map(|(index, item)| {
                let keys: Option<EcoVec<Node>> = rules.keys.iter().map(|key| key_of(item, key)).collect();
                Some((index, Node::new(Value::Sequence(keys?), Span::NONE)))
            });
            for index in duplicates(identities.collect()) {
                let item = at.item(index, &items[index]);
                let keys = suggest::list(&rules.keys, "and");
                matches = self.fault(FaultKind::Invalid, &item, || format!("has the same {keys} as an earlier item"));
            }
        }
        if let Some(id) = rules.contains {
            let wanted = Count { min: rules.contained.min.or(Some(1)), ..rules.contained };
            let count = at.items().filter(|item| self.matches(id, item)).count();
            if wanted.excludes(count) && !self.left.is_spent() {
                let noun = wanted.of("item");
                matches =
                    self.fault(FaultKind::Invalid, at, || format!("must contain {noun} of this kind, not {count}"));
                let help = self.schema.description_of(id).map_or_else(String::new, words::first_sentence);
                if let Some(fault) = self.last() {
                    fault.help = help;
                }
            }
        }
        matches
    }

    /// Whether further faults of a custom resource are not reported.
    pub(super) fn is_full(&self) -> bool {
        self.is_structural() && self.found.as_ref().is_some_and(|found| found.len() >= MOST_FAULTS)
    }

    pub(super) fn last(&mut self) -> Option<&mut Fault<'n>> {
        self.found.as_mut()?.last_mut()
    }

    /// Reports a fault of a value; `predicate` follows its name in the message. Always `false`, for the verdict.
    pub(super) fn fault(&mut self, kind: FaultKind, at: &At<'n, '_>, predicate: impl FnOnce() -> String) -> bool {
        self.fault_at(kind, at.node, at, |name| format!("{name} {}", predicate()))
    }

    /// Reports a fault of a node at a path. Always `false`, for the verdict.
    pub(super) fn fault_at(
        &mut self,
        kind: FaultKind,
        node: &'n Node,
        at: &At<'_, '_>,
        message: impl FnOnce(&str) -> String,
    ) -> bool {
        if self.found.is_some() {
            let field = if self.is_structural() { at.to_string() } else { at.in_profile() };
            let message = message(&words::name(&field, self.whole));
            self.found.get_or_insert_default().push(Fault::new(kind, node, field, message));
        }
        false
    }
}

/// The indices of the values that equal an earlier one.
fn duplicates(mut values: Vec<(usize, Node)>) -> Vec<usize> {
    values.sort_by(|(a, one), (b, other)| order(one, other).then(a.cmp(b)));
    let pairs = values.windows(2).filter(|pair| equal(&pair[0].1, &pair[1].1));
    let mut found: Vec<usize> = pairs.map(|pair| pair[1].0).collect();
    found.sort_unstable();
    found
}

impl Schema {
    /// The values that a subschema lists, if it does nothing else.
    fn choices(&self, id: Id) -> Option<Vec<&Node>> {
        let sub = self.sub(id);
        let choices: Vec<&Node> = sub.listed().collect();
        if choices.is_empty() { self.choices(sub.reference?) } else { Some(choices) }
    }
}
