//! What a schema says of mappings: their keys, one by one and all together.

use super::walk::{Fault, Mode, Walker};
use super::{ObjectRules, Place, words};
use crate::cursor::At;
use crate::node::{Entry, Mapping, Node};

impl<'a> Walker<'a> {
    pub(super) fn mapping(&mut self, rules: &'a ObjectRules, mapping: &'a Mapping, at: &At<'a, '_>) -> bool {
        let mut fits = true;
        for entry in mapping {
            fits &= self.entry(rules, entry, &at.on(&entry.key, &entry.value));
            if !fits && self.found.is_none() {
                return false;
            }
        }
        if self.mode == Mode::Layer {
            return fits;
        }
        for name in rules.required.iter().filter(|name| mapping.get(name).is_none()) {
            fits = self.missing(rules, name, at, None);
        }
        for (key, names) in rules.required_with.iter().filter(|(key, _)| mapping.get(key).is_some()) {
            for name in names.iter().filter(|name| mapping.get(name).is_none()) {
                fits = self.missing(rules, name, at, Some(key));
            }
        }
        if rules.count.excludes(mapping.len()) {
            fits = self.fault(Fault::Value, at, |name| format!("{name} must have {}", rules.count.of("entry")));
        }
        fits
    }

    fn entry(&mut self, rules: &'a ObjectRules, entry: &'a Entry, at: &At<'a, '_>) -> bool {
        let mut fits = true;
        if let Some(id) = rules.names {
            let key = Node::new(entry.key.clone(), entry.key_span);
            let mut names =
                Walker { schema: self.schema, whole: self.whole, found: None, left: self.left, mode: Mode::Whole };
            let named = names.value(id, &At::root("", &key));
            self.left = names.left;
            if !named {
                let description =
                    self.schema.description(&Place::One(id)).map_or_else(String::new, words::first_sentence);
                let pattern = self.schema.sub(id).text.as_ref().and_then(|rules| rules.pattern.as_ref());
                let label = pattern.map_or_else(String::new, |pattern| format!("must match `{}`", pattern.as_str()));
                fits = self.fault_on(Fault::Value, at, entry.key_span, |name| format!("invalid name {name}"));
                if let Some(violation) = self.last() {
                    violation.help = description;
                    violation.label = label;
                }
            }
        }
        // A layer's null deletes, whatever the type.
        let deletes = self.mode == Mode::Layer && entry.value.is_null();
        let mut known = false;
        if let Some(id) = rules.property(&entry.key) {
            known = true;
            fits &= deletes || self.value(id, at);
        }
        for (pattern, id) in &rules.patterns {
            if self.left.is_match(pattern, &entry.key) {
                known = true;
                fits &= deletes || self.value(*id, at);
            }
        }
        match rules.additional.filter(|_| !known && !self.left.is_spent()) {
            Some(id) if self.schema.sub(id).never => {
                let names = || rules.properties.iter().map(|(name, _)| name.as_str()).collect();
                self.unknown(names, entry, at)
            }
            Some(id) => (deletes || self.value(id, at)) && fits,
            None => fits,
        }
    }

    /// Reports a key that a mapping cannot have; `names` are those it can have.
    pub(super) fn unknown<'n>(&mut self, names: impl FnOnce() -> Vec<&'n str>, entry: &Entry, at: &At<'_, '_>) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = at.parent().map_or_else(String::new, |parent| words::name(parent, self.whole));
        let message = format!("no field `{}` in {parent}", entry.key);
        let fits = self.fault_on(Fault::Unknown, at, entry.key_span, |_| message);
        let (label, help) = words::near_field(&entry.key, names().into_iter());
        if let Some(violation) = self.last() {
            violation.label = label;
            violation.help = help;
        }
        fits
    }

    /// Reports a key that a mapping lacks; `with` is the one that requires it, where not every mapping must have it.
    fn missing(&mut self, rules: &'a ObjectRules, name: &'a str, at: &At<'a, '_>, with: Option<&str>) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = words::name(at, self.whole);
        let spans = |key: Option<&str>| {
            let entries = at.node.entries().iter().filter(move |entry| key.is_none_or(|key| entry.key == key));
            entries.map(|entry| entry.key_span).find(|span| !span.is_none())
        };
        let span = spans(with).or_else(|| spans(None)).unwrap_or(at.node.origin.span);
        let why = with.map_or_else(String::new, |key| format!(", which `{key}` requires"));
        self.fault_on(Fault::Missing, &at.get(name), span, |_| format!("{parent} has no `{name}`{why}"));
        let place = rules.property(name).map(Place::One);
        let help =
            place.and_then(|place| self.schema.description(&place)).map_or_else(String::new, words::first_sentence);
        if let Some(violation) = self.last() {
            violation.help = help;
        }
        false
    }
}
