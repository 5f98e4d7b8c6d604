//! A schema held against a tree.

use super::compare::{equal, order};
use super::{Count, Id, ListRules, NumberRules, Pattern, Place, Schema, Sub, TextRules, Types, words};
use crate::cursor::At;
use crate::node::{Node, Value};
use crate::source::Span;

/// How many subschemas are held against values before a walk gives up, as a schema whose forms multiply could take for
/// ever: so many, and so many more for each value.
const MAX_STEPS: u64 = 1_000_000;
const MAX_STEPS_A_VALUE: u64 = 200;

/// How many values can be compared with one in the time that a subschema takes.
const COMPARISONS_A_STEP: u64 = 16;

/// How many bytes of text times bytes of pattern are matched before a walk gives up: a million bytes against a small
/// pattern. The slowest patterns take some 15 ns for 32 of them.
const MAX_MATCHING: u64 = 4_000_000_000;

/// How many bytes of pattern each byte of a custom resource is matched with beside that: as many as four small ones have.
const MAX_MATCHING_A_BYTE: u64 = 8192;

/// The same for one path that is looked up: every name in a template is such a path.
const MAX_PATH_STEPS: u64 = 100_000;
const MAX_PATH_MATCHING: u64 = 1_000_000;

/// What a tree is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A whole value: everything the schema says holds.
    Whole,
    /// One layer of a value: what it lacks may stand in another, and null deletes. What the schema says of the whole
    /// (`required`, `minProperties`, `not`, `if`, how many items a list has) is not asked; inside the items of lists, which
    /// layers replace, everything is.
    Layer,
}

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A mapping has a key that it cannot have.
    Unknown,
    /// A mapping lacks a key.
    Missing,
    /// A value has the wrong type.
    Type,
    /// A value has the right type and is none of those allowed.
    Value,
}

/// A place where a tree does not fit the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// What kind of fault it is.
    pub fault: Fault,
    /// The path of the value; of the key that is unknown or missing. `expose.nodePort`
    pub path: String,
    /// The value; the key that is unknown; the mapping that lacks one.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// Words beside the place; may be empty.
    pub label: String,
    /// What to do; may be empty.
    pub help: String,
    /// Whether it is none of a list of values.
    choice: bool,
}

impl Schema {
    /// Holds the schema against a tree. `whole` is how messages name it: `the profile`.
    #[must_use]
    pub fn check(&self, node: &Node, mode: Mode, whole: &str) -> Vec<Violation> {
        let mut walker = Walker { schema: self, whole, found: Some(Vec::new()), left: Budget::of(node), mode };
        walker.value(Self::ROOT, &At::root("", node));
        let mut found = walker.found.unwrap_or_default();
        if walker.left.is_spent() {
            found.push(Violation {
                fault: Fault::Value,
                path: String::new(),
                span: node.origin.span,
                message: format!("{whole} takes too long to validate against its schema"),
                label: String::new(),
                help: match walker.left.steps {
                    0 => "the schema's alternatives multiply; let fewer of them overlap".to_owned(),
                    _ => "its patterns are too large for strings this long; use smaller repetition counts".to_owned(),
                },
                choice: false,
            });
        }
        found
    }

    /// Whether a tree fits the schema.
    #[must_use]
    pub fn fits(&self, node: &Node) -> bool {
        let mut walker = Walker { schema: self, whole: "", found: None, left: Budget::of(node), mode: Mode::Whole };
        walker.value(Self::ROOT, &At::root("", node)) && !walker.left.is_spent()
    }
}

/// What may still be done before a walk gives up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// How many more subschemas may be held against values.
    steps: u64,
    /// How much more may be matched.
    matching: u64,
}

impl Budget {
    /// What a walk over a tree may take.
    pub(super) fn of(node: &Node) -> Self {
        Self { steps: MAX_STEPS + MAX_STEPS_A_VALUE * size(node), matching: MAX_MATCHING }
    }

    /// What a path that is looked up may take.
    pub(super) const fn of_path() -> Self {
        Self { steps: MAX_PATH_STEPS, matching: MAX_PATH_MATCHING }
    }

    /// What one of several trees may take: its share of what is granted for all of them, and what its values and texts add
    /// to that.
    pub(crate) fn shared(node: &Node, among: usize) -> Self {
        let among = among.max(1) as u64;
        Self {
            steps: MAX_STEPS / among + MAX_STEPS_A_VALUE * size(node),
            matching: MAX_MATCHING / among + MAX_MATCHING_A_BYTE * bytes(node),
        }
    }

    /// Whether there is nothing left of something.
    pub(crate) fn is_spent(self) -> bool {
        self.steps == 0 || self.matching == 0
    }

    /// Takes a subschema that is held against a value.
    pub(crate) fn step(&mut self) {
        self.steps = self.steps.saturating_sub(1);
    }

    /// Takes the values that one is held against.
    pub(crate) fn compare(&mut self, values: usize) {
        self.steps = self.steps.saturating_sub(values as u64 / COMPARISONS_A_STEP);
    }

    /// Whether a pattern matches; no where nothing is left to find out.
    pub(crate) fn is_match(&mut self, pattern: &Pattern, text: &str) -> bool {
        self.matching = self.matching.saturating_sub(pattern.cost(text));
        self.matching > 0 && pattern.is_match(text)
    }
}

/// How many values a tree holds.
fn size(node: &Node) -> u64 {
    let items: u64 = node.items().iter().map(size).sum();
    let entries: u64 = node.entries().iter().map(|entry| size(&entry.value)).sum();
    1 + items + entries
}

/// How many bytes of text a tree holds.
fn bytes(node: &Node) -> u64 {
    let items: u64 = node.items().iter().map(bytes).sum();
    let entries: u64 = node.entries().iter().map(|entry| bytes(&entry.value)).sum();
    node.text().len() as u64 + items + entries
}

pub(super) struct Walker<'a> {
    pub(super) schema: &'a Schema,
    pub(super) whole: &'a str,
    /// What was found; `None` where only the verdict counts, and the walk stops at the first fault.
    pub(super) found: Option<Vec<Violation>>,
    pub(super) left: Budget,
    pub(super) mode: Mode,
}

impl<'a> Walker<'a> {
    /// Whether a value fits a subschema.
    pub(super) fn value(&mut self, id: Id, at: &At<'a, '_>) -> bool {
        let node = at.node;
        if self.left.is_spent() {
            return true;
        }
        self.left.step();
        let sub = self.schema.sub(id);
        if sub.never {
            return self.fault(Fault::Value, at, |name| format!("{name} is not allowed here"));
        }
        if let Some(types) = sub.types
            && !types.has(Types::of(node))
        {
            return self.wrong_type(types, at);
        }
        let checks: [fn(&mut Self, &'a Sub, &At<'a, '_>) -> bool; 3] = [Self::listed, Self::by_type, Self::combined];
        let mut fits = true;
        for check in checks {
            // Where only the verdict counts, the first fault decides.
            if fits || self.found.is_some() {
                fits &= check(self, sub, at);
            }
        }
        // What does not fit the forms is not evaluated by them, which would be a second fault of the same.
        fits && self.unevaluated(id, sub, at)
    }

    /// What is asked of values of one type, and not of others.
    fn by_type(&mut self, sub: &'a Sub, at: &At<'a, '_>) -> bool {
        match &at.node.value {
            Value::Int(_) | Value::Float(_) => sub.number.as_ref().is_none_or(|rules| self.number(rules, at)),
            Value::String(value) => sub.text.as_ref().is_none_or(|rules| self.text(rules, value, at, sub)),
            Value::Sequence(items) => sub.list.as_ref().is_none_or(|rules| self.list(rules, items, at)),
            Value::Mapping(mapping) => sub.object.as_ref().is_none_or(|rules| self.mapping(rules, mapping, at)),
            Value::Null | Value::Bool(_) => true,
        }
    }

    fn combined(&mut self, sub: &'a Sub, at: &At<'a, '_>) -> bool {
        let node = at.node;
        let mut fits = true;
        for id in sub.reference.iter().chain(&sub.all) {
            fits &= self.value(*id, at);
            if !fits && self.found.is_none() {
                return false;
            }
        }
        for (key, id) in &sub.dependents {
            if self.mode == Mode::Whole && node.get(key).is_some() && (fits || self.found.is_some()) {
                fits &= self.value(*id, at);
            }
        }
        if !sub.any.is_empty() {
            fits &= self.any(&sub.any, at, sub);
        }
        if !sub.one.is_empty() {
            fits &= match self.mode {
                Mode::Layer => self.any(&sub.one, at, sub),
                Mode::Whole => match sub.one.iter().filter(|id| self.quietly(**id, at)).count() {
                    0 => self.any(&sub.one, at, sub),
                    1 => true,
                    _ => self.fault(Fault::Value, at, |name| format!("{name} matches more than one schema of `oneOf`")),
                },
            };
        }
        if self.mode == Mode::Whole {
            if let Some(id) = sub.not
                && self.quietly(id, at)
            {
                fits &= self.fault(Fault::Value, at, |name| format!("{name} must not match `not`"));
            }
            if let Some(id) = sub.condition {
                let branch = if self.quietly(id, at) { sub.then } else { sub.otherwise };
                fits &= branch.is_none_or(|id| self.value(id, at));
            }
        }
        fits
    }

    /// Whether a value fits, without a word.
    pub(super) fn quietly(&mut self, id: Id, at: &At<'a, '_>) -> bool {
        let found = self.found.take();
        let fits = self.value(id, at);
        self.found = found;
        fits
    }

    /// Whether a value fits any of several forms; tells what keeps it from the one it is nearest to.
    fn any(&mut self, forms: &[Id], at: &At<'a, '_>, sub: &'a Sub) -> bool {
        let node = at.node;
        if forms.iter().any(|id| self.quietly(*id, at)) {
            return true;
        }
        if self.found.is_none() {
            return false;
        }
        let place = Place::Any(forms.iter().map(|id| Place::One(*id)).collect());
        let types = self.schema.types(&place);
        if !types.has(Types::of(node)) && types != Types::NONE {
            return self.wrong_type(types, at);
        }
        let choices: Option<Vec<&Node>> =
            forms.iter().map(|id| self.schema.choices(*id)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        if let Some(choices) = choices {
            return self.not_among(&choices, at, sub);
        }
        let before = self.found.take();
        let path = at.in_profile();
        let nearest = forms
            .iter()
            .map(|id| {
                self.found = Some(Vec::new());
                self.value(*id, at);
                self.found.take().unwrap_or_default()
            })
            .min_by_key(|found| {
                let type_fault = found.iter().any(|violation| violation.fault == Fault::Type && violation.path == path);
                let other_form = found.iter().filter(|violation| violation.choice).count();
                (type_fault, other_form, found.len())
            });
        self.found = before;
        self.found.get_or_insert_default().extend(nearest.unwrap_or_default());
        false
    }

    /// Whether a value is among those listed by `enum` and `const`.
    fn listed(&mut self, sub: &'a Sub, at: &At<'a, '_>) -> bool {
        let node = at.node;
        let mut fits = true;
        self.left.compare(sub.values.as_ref().map_or(0, |values| values.len()));
        if let Some(values) = &sub.values
            && !values.iter().any(|value| equal(value, node))
        {
            fits = self.not_among(&values.iter().collect::<Vec<_>>(), at, sub);
        }
        if let Some(value) = &sub.constant
            && !equal(value, node)
        {
            fits = self.not_among(&[value], at, sub);
        }
        fits
    }

    fn not_among(&mut self, values: &[&Node], at: &At<'a, '_>, sub: &Sub) -> bool {
        let node = at.node;
        let types = values.iter().fold(Types::NONE, |types, value| types.or(Types::of(value)));
        if sub.types.is_none() && !types.has(Types::of(node)) && types != Types::NONE {
            return self.wrong_type(types, at);
        }
        let fits = self.fault(Fault::Value, at, |name| format!("{name} must be {}", words::values(values)));
        if let Some(violation) = self.last() {
            violation.label = words::near_value(node, values);
            violation.choice = true;
        }
        fits
    }

    fn wrong_type(&mut self, types: Types, at: &At<'a, '_>) -> bool {
        let node = at.node;
        let help = words::type_help(types, node);
        let fits =
            self.fault(Fault::Type, at, |name| format!("{name} must be {}, not {}", types.words(), node.type_name()));
        if let Some(violation) = self.last() {
            violation.help = help;
        }
        fits
    }

    fn number(&mut self, rules: &NumberRules, at: &At<'a, '_>) -> bool {
        let mut fits = true;
        for fault in rules.faults(at.node) {
            fits = self.fault(Fault::Value, at, |name| format!("{name} must be {fault}"));
        }
        fits
    }

    fn text(&mut self, rules: &TextRules, value: &str, at: &At<'a, '_>, sub: &'a Sub) -> bool {
        if rules.length.is_set() && rules.length.excludes(value.chars().count()) {
            return self.fault(Fault::Value, at, |name| match rules.length.min {
                Some(_) if value.is_empty() => format!("{name} must not be empty"),
                _ => format!("{name} must have {}", rules.length.of("character")),
            });
        }
        if let Some(format) = rules.format
            && !(format.is_match)(value)
        {
            return self.fault(Fault::Value, at, |name| format!("{name} must be {}", format.words));
        }
        let Some(pattern) = &rules.pattern else { return true };
        if self.left.is_match(pattern, value) || self.left.is_spent() {
            return true;
        }
        let fits = self.fault(Fault::Value, at, |name| format!("{name} does not match the pattern"));
        if let Some(violation) = self.last() {
            violation.label = format!("must match `{}`", pattern.as_str());
            violation.help = sub.description.as_deref().map_or_else(String::new, words::first_sentence);
        }
        fits
    }

    fn list(&mut self, rules: &'a ListRules, items: &'a [Node], at: &At<'a, '_>) -> bool {
        // A list of a layer may be a change of another: then it says nothing of how many items there are, and which.
        let mut fits = self.mode == Mode::Layer || self.whole_list(rules, items, at);
        if self.mode == Mode::Layer && !rules.prefix.is_empty() {
            return fits;
        }
        let mode = std::mem::replace(&mut self.mode, Mode::Whole);
        for (index, item) in items.iter().enumerate() {
            if !fits && self.found.is_none() {
                break;
            }
            let Some(id) = rules.of(index) else { break };
            fits &= self.value(id, &at.item(index, item));
        }
        self.mode = mode;
        fits
    }

    /// What is asked of all items together.
    fn whole_list(&mut self, rules: &'a ListRules, items: &'a [Node], at: &At<'a, '_>) -> bool {
        let mut fits = true;
        if rules.count.excludes(items.len()) {
            fits = self.fault(Fault::Value, at, |name| format!("{name} must have {}", rules.count.of("item")));
        }
        if rules.unique {
            let mut sorted: Vec<usize> = (0..items.len()).collect();
            sorted.sort_by(|a, b| order(&items[*a], &items[*b]).then(a.cmp(b)));
            if let Some(pair) = sorted.windows(2).find(|pair| equal(&items[pair[0]], &items[pair[1]])) {
                let item = at.item(pair[1], &items[pair[1]]);
                fits = self.fault(Fault::Value, &item, |name| format!("{name} is a duplicate item"));
            }
        }
        if let Some(id) = rules.contains {
            let wanted = Count { min: rules.contained.min.or(Some(1)), ..rules.contained };
            let count = at.items().filter(|item| self.quietly(id, item)).count();
            if wanted.excludes(count) && !self.left.is_spent() {
                fits = self.fault(Fault::Value, at, |name| {
                    format!("{name} must contain {} of this kind, not {count}", wanted.of("item"))
                });
                let help = self.schema.description(&Place::One(id)).map_or_else(String::new, words::first_sentence);
                if let Some(violation) = self.last() {
                    violation.help = help;
                }
            }
        }
        fits
    }

    pub(super) fn last(&mut self) -> Option<&mut Violation> {
        self.found.as_mut()?.last_mut()
    }

    pub(super) fn fault(&mut self, fault: Fault, at: &At<'_, '_>, message: impl FnOnce(&str) -> String) -> bool {
        self.fault_on(fault, at, at.node.origin.span, message)
    }

    /// Reports a fault that is underlined elsewhere; always false, for the verdict.
    pub(super) fn fault_on(
        &mut self,
        fault: Fault,
        at: &At<'_, '_>,
        span: Span,
        message: impl FnOnce(&str) -> String,
    ) -> bool {
        if let Some(found) = &mut self.found {
            found.push(Violation {
                fault,
                path: at.in_profile(),
                span,
                message: message(&words::name(at, self.whole)),
                label: String::new(),
                help: String::new(),
                choice: false,
            });
        }
        false
    }
}

impl Schema {
    /// The values a subschema allows, where it does nothing but list them.
    fn choices(&self, id: Id) -> Option<Vec<&Node>> {
        let sub = self.sub(id);
        let listed = sub.values.iter().flatten().chain(&sub.constant);
        let choices: Vec<&Node> = listed.collect();
        if choices.is_empty() { self.choices(sub.reference?) } else { Some(choices) }
    }
}
