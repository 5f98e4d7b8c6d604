//! The keywords of mappings.

use super::walk::{Mode, Walker};
use super::{FaultKind, ObjectRules, Sub, words};
use crate::cursor::At;
use crate::node::{Entry, Mapping, Node};
use crate::source::Span;

impl<'s, 'n> Walker<'s, 'n> {
    pub(super) fn mapping(
        &mut self,
        sub: &'s Sub,
        rules: &'s ObjectRules,
        mapping: &'n Mapping,
        at: &At<'n, '_>,
    ) -> bool {
        let mut matches = self.resource(sub, at);
        for entry in mapping {
            matches &= self.entry(sub, rules, entry, &at.on(&entry.key, &entry.value));
            if !matches && self.found.is_none() {
                return false;
            }
        }
        if self.mode == Mode::Layer {
            return matches;
        }
        for name in &rules.required {
            if self.lacks(rules, name, at.node) {
                matches = self.missing(rules, name, at, None);
            }
        }
        for (key, names) in rules.required_with.iter().filter(|(key, _)| mapping.get(key).is_some()) {
            for name in names.iter().filter(|name| mapping.get(name).is_none()) {
                matches = self.missing(rules, name, at, Some(key));
            }
        }
        if rules.count.excludes(mapping.len()) {
            matches = self.fault(FaultKind::Invalid, at, || format!("must have {}", rules.count.of("entry")));
        }
        matches
    }

    fn entry(&mut self, sub: &'s Sub, rules: &'s ObjectRules, entry: &'n Entry, at: &At<'n, '_>) -> bool {
        let mut matches = rules.names.is_none_or(|id| self.key(id, entry, at));
        // A layer's null deletes, whatever the type.
        let deletes = self.mode == Mode::Layer && entry.value.is_null();
        // The schema of a resource only constrains the values of its metadata, whose fields are built in.
        let prune = self.prune;
        self.prune &= !(sub.extensions().resource && entry.key == "metadata");
        let mut known = false;
        if let Some(id) = rules.property(&entry.key) {
            known = true;
            matches &= deletes || self.value(id, at);
        }
        for (pattern, id) in &rules.patterns {
            if self.left.is_match(pattern, &entry.key) {
                known = true;
                matches &= deletes || self.value(*id, at);
            }
        }
        let names = || rules.properties.iter().map(|(name, _)| name.as_str()).collect();
        matches &= match rules.additional {
            _ if known || self.left.is_spent() => true,
            Some(id) if self.schema.sub(id).never => self.unknown(names, entry, at),
            Some(id) => deletes || self.value(id, at),
            None => !self.prunes(sub, &entry.key) || self.unknown(names, entry, at),
        };
        self.prune = prune;
        matches
    }

    /// `propertyNames`.
    fn key(&mut self, id: super::Id, entry: &'n Entry, at: &At<'n, '_>) -> bool {
        let key = Node::new(entry.key.clone(), entry.key_span);
        let mut names = Walker::new(self.schema, self.left, Mode::Whole);
        let matches = names.value(id, &At::root("", &key));
        self.left = names.left;
        if !matches {
            let help = self.schema.description_of(id).map_or_else(String::new, words::first_sentence);
            let pattern = self.schema.sub(id).text.as_ref().and_then(|rules| rules.pattern.as_ref());
            self.fault_at(FaultKind::Invalid, &entry.value, at, |name| format!("invalid name {name}"));
            if let Some(fault) = self.last() {
                fault.key_span = entry.key_span;
                fault.help = help;
                fault.label = pattern.map_or_else(String::new, |pattern| format!("must match `{}`", pattern.text));
            }
        }
        matches
    }

    /// Reports an unknown field; `names` are the known ones.
    pub(super) fn unknown<'k>(
        &mut self,
        names: impl FnOnce() -> Vec<&'k str>,
        entry: &'n Entry,
        at: &At<'n, '_>,
    ) -> bool {
        if self.found.is_none() || self.is_full() {
            return false;
        }
        let matches = self.fault_at(FaultKind::Unknown, &entry.value, at, |name| format!("unknown field {name}"));
        let (label, help) = words::near_field(&entry.key, names().into_iter());
        if let Some(fault) = self.last() {
            fault.key_span = entry.key_span;
            fault.label = label;
            fault.help = help;
        }
        matches
    }

    /// Reports a missing field; `with` is the key that requires it, unless the mapping always does.
    fn missing(&mut self, rules: &'s ObjectRules, name: &str, at: &At<'n, '_>, with: Option<&str>) -> bool {
        if self.found.is_none() {
            return false;
        }
        let spans = |key: Option<&str>| {
            let entries = at.node.entries().iter().filter(move |entry| key.is_none_or(|key| entry.key == key));
            entries.map(|entry| entry.key_span).find(|span| !span.is_none())
        };
        let why = with.map_or_else(String::new, |key| format!(" if `{key}` is set"));
        self.fault_at(FaultKind::Missing, at.node, &at.get(name), |name| format!("{name} is required{why}"));
        let description = rules.property(name).and_then(|id| self.schema.description_of(id));
        if let Some(fault) = self.last() {
            fault.key_span = spans(with).or_else(|| spans(None)).unwrap_or(Span::NONE);
            fault.help = description.map_or_else(String::new, words::first_sentence);
        }
        false
    }
}
