//! What a schema says of mappings: their keys, one by one and all together.

use super::walk::{Fault, Mode, Part, Walker};
use super::{ObjectRules, Place, words};
use crate::node::{Entry, Mapping, Node};

impl<'a> Walker<'a> {
    pub(super) fn mapping(&mut self, rules: &'a ObjectRules, mapping: &'a Mapping, node: &'a Node) -> bool {
        let mut fits = true;
        for entry in mapping {
            self.path.push(Part::Key(&entry.key));
            fits &= self.entry(rules, entry);
            self.path.pop();
            if !fits && self.found.is_none() {
                return false;
            }
        }
        if self.mode == Mode::Layer {
            return fits;
        }
        for name in rules.required.iter().filter(|name| mapping.get(name).is_none()) {
            fits = self.missing(rules, name, node, None);
        }
        for (key, names) in rules.required_with.iter().filter(|(key, _)| mapping.get(key).is_some()) {
            for name in names.iter().filter(|name| mapping.get(name).is_none()) {
                fits = self.missing(rules, name, node, Some(key));
            }
        }
        let length = mapping.len() as u64;
        if rules.min.is_some_and(|min| length < min) || rules.max.is_some_and(|max| length > max) {
            fits = self.fault(Fault::Value, node, |at| {
                format!("{at} must have {}", words::amount(rules.min, rules.max, "entry"))
            });
        }
        fits
    }

    fn entry(&mut self, rules: &'a ObjectRules, entry: &'a Entry) -> bool {
        let mut fits = true;
        if let Some(id) = rules.names {
            let key = Node::new(entry.key.clone(), entry.key_span);
            let mut names = Walker {
                schema: self.schema,
                whole: self.whole,
                path: Vec::new(),
                found: None,
                left: self.left,
                mode: Mode::Whole,
            };
            let named = names.value(id, &key);
            self.left = names.left;
            if !named {
                let description =
                    self.schema.description(&Place::One(id)).map_or_else(String::new, words::first_sentence);
                let pattern = self.schema.sub(id).text.as_ref().and_then(|rules| rules.pattern.as_ref());
                let label = pattern.map_or_else(String::new, |pattern| format!("must match `{}`", pattern.as_str()));
                fits = self.at(Fault::Value, entry.key_span, |at| format!("invalid name {at}"));
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
            fits &= deletes || self.value(id, &entry.value);
        }
        for (pattern, id) in &rules.patterns {
            if self.left.is_match(pattern, &entry.key) {
                known = true;
                fits &= deletes || self.value(*id, &entry.value);
            }
        }
        match rules.additional.filter(|_| !known && !self.left.is_spent()) {
            Some(id) if self.schema.sub(id).never => {
                let names = || rules.properties.iter().map(|(name, _)| name.as_str()).collect();
                self.unknown(names, entry)
            }
            Some(id) => (deletes || self.value(id, &entry.value)) && fits,
            None => fits,
        }
    }

    /// Reports a key that a mapping cannot have; `names` are those it can have.
    pub(super) fn unknown<'n>(&mut self, names: impl FnOnce() -> Vec<&'n str>, entry: &Entry) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = words::name(&self.path[..self.path.len() - 1], self.whole);
        let message = format!("no field `{}` in {parent}", entry.key);
        let fits = self.at(Fault::Unknown, entry.key_span, |_| message);
        let (label, help) = words::near_field(&entry.key, names().into_iter());
        if let Some(violation) = self.last() {
            violation.label = label;
            violation.help = help;
        }
        fits
    }

    /// Reports a key that a mapping lacks; `with` is the one that requires it, where not every mapping must have it.
    fn missing(&mut self, rules: &'a ObjectRules, name: &'a str, node: &'a Node, with: Option<&str>) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = words::name(&self.path, self.whole);
        self.path.push(Part::Key(name));
        let spans = |key: Option<&str>| {
            let entries = node.entries().iter().filter(move |entry| key.is_none_or(|key| entry.key == key));
            entries.map(|entry| entry.key_span).find(|span| !span.is_none())
        };
        let span = spans(with).or_else(|| spans(None)).unwrap_or(node.origin.span);
        let why = with.map_or_else(String::new, |key| format!(", which `{key}` requires"));
        self.at(Fault::Missing, span, |_| format!("{parent} has no `{name}`{why}"));
        self.path.pop();
        let place = rules.property(name).map(Place::One);
        let help =
            place.and_then(|place| self.schema.description(&place)).map_or_else(String::new, words::first_sentence);
        if let Some(violation) = self.last() {
            violation.help = help;
        }
        false
    }
}
