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
            fits = self.missing(rules, name, node);
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
                fits = self.at(Fault::Value, entry.key_span, |at| format!("the name of {at} is none it can have"));
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
            Some(id) if self.schema.sub(id).never => self.unknown(rules, entry),
            Some(id) => (deletes || self.value(id, &entry.value)) && fits,
            None => fits,
        }
    }

    fn unknown(&mut self, rules: &ObjectRules, entry: &Entry) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = words::name(&self.path[..self.path.len() - 1], self.whole);
        let message = format!("no field `{}` in {parent}", entry.key);
        let fits = self.at(Fault::Unknown, entry.key_span, |_| message);
        let names = rules.properties.iter().map(|(name, _)| name.as_str());
        let (label, help) = words::near_field(&entry.key, names);
        if let Some(violation) = self.last() {
            violation.label = label;
            violation.help = help;
        }
        fits
    }

    fn missing(&mut self, rules: &'a ObjectRules, name: &'a str, node: &'a Node) -> bool {
        if self.found.is_none() {
            return false;
        }
        let parent = words::name(&self.path, self.whole);
        self.path.push(Part::Key(name));
        let span = node.entries().iter().map(|entry| entry.key_span).find(|span| !span.is_none());
        self.at(Fault::Missing, span.unwrap_or(node.origin.span), |_| format!("{parent} has no `{name}`"));
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
