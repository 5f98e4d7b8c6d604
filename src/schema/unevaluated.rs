//! `unevaluatedProperties` and `unevaluatedItems`: the subschemas of keys and items that no other keyword evaluates, neither
//! directly nor in a referenced or matching subschema.

use super::lookup::PathStep;
use super::walk::{Mode, Walker};
use super::{Id, SchemaRef, Sub};
use crate::cursor::At;
use crate::node::Value;

impl Sub {
    /// The subschema of an unevaluated key or item.
    pub(super) fn unevaluated(&self, step: PathStep<'_>) -> Option<Id> {
        match step {
            PathStep::Key(_) => self.object.as_ref()?.unevaluated,
            PathStep::Index(_) => self.list.as_ref()?.unevaluated,
        }
    }
}

impl<'s, 'n> Walker<'s, 'n> {
    /// Validates what no other keyword evaluates.
    pub(super) fn unevaluated(&mut self, id: Id, sub: &'s Sub, at: &At<'n, '_>) -> bool {
        match &at.node.value {
            Value::Mapping(mapping) => {
                let Some(rest) = sub.object.as_ref().and_then(|rules| rules.unevaluated) else { return true };
                let evaluated = match self.mode {
                    Mode::Whole => self.evaluated(sub, at),
                    // Which alternatives match is known of the whole only: a layer may have the keys of each of them.
                    Mode::Layer => mapping
                        .iter()
                        .map(|entry| self.schema.may_evaluate(sub, PathStep::Key(&entry.key), &mut self.left))
                        .collect(),
                };
                let mut matches = true;
                for (entry, evaluated) in mapping.iter().zip(evaluated) {
                    if evaluated || self.left.is_spent() || !matches && self.found.is_none() {
                        continue;
                    }
                    let below = at.on(&entry.key, &entry.value);
                    matches &= if self.schema.sub(rest).never {
                        let schema = self.schema;
                        self.unknown(|| schema.fields(&SchemaRef::One(id)), entry, &below)
                    } else {
                        let deletes = self.mode == Mode::Layer && entry.value.is_null();
                        deletes || self.value(rest, &below)
                    };
                }
                matches
            }
            Value::Sequence(items) if self.mode == Mode::Whole => {
                let Some(rest) = sub.list.as_ref().and_then(|rules| rules.unevaluated) else { return true };
                let evaluated = self.evaluated(sub, at);
                let mut matches = true;
                for (index, (item, evaluated)) in items.iter().zip(evaluated).enumerate() {
                    if !evaluated && !self.left.is_spent() && (matches || self.found.is_some()) {
                        matches &= self.value(rest, &at.item(index, item));
                    }
                }
                matches
            }
            _ => true,
        }
    }

    /// For each entry or item, whether another keyword evaluates it.
    fn evaluated(&mut self, sub: &'s Sub, at: &At<'n, '_>) -> Vec<bool> {
        let mut evaluated = vec![false; at.node.entries().len() + at.node.items().len()];
        self.mark_evaluated(sub, at, &mut evaluated);
        evaluated
    }

    fn mark_evaluated(&mut self, sub: &'s Sub, at: &At<'n, '_>, evaluated: &mut [bool]) {
        let node = at.node;
        if let Some(rules) = &sub.object {
            for (entry, evaluated) in node.entries().iter().zip(evaluated.iter_mut()) {
                let left = &mut self.left;
                *evaluated |= !rules.of(&entry.key, &mut |pattern, key| left.is_match(pattern, key)).is_empty();
            }
        }
        if let Some(rules) = &sub.list {
            for (index, (item, evaluated)) in at.items().zip(evaluated.iter_mut()).enumerate() {
                *evaluated |= rules.of(index).is_some() || rules.contains.is_some_and(|id| self.matches(id, &item));
            }
        }
        let alternatives = sub.any.iter().chain(&sub.one).filter(|id| self.matches(**id, at)).copied();
        let mut applied: Vec<Id> = alternatives.collect();
        applied.extend(sub.reference.iter().chain(&sub.all));
        if let Some(id) = sub.condition {
            if self.matches(id, at) {
                applied.push(id);
                applied.extend(sub.then);
            } else {
                applied.extend(sub.otherwise);
            }
        }
        applied.extend(sub.dependents.iter().filter(|(key, _)| node.get(key).is_some()).map(|(_, id)| *id));
        for id in applied {
            if self.left.is_spent() {
                return;
            }
            self.left.step();
            let sub = self.schema.sub(id);
            let is_mapping = matches!(node.value, Value::Mapping(_));
            let step = if is_mapping { PathStep::Key("") } else { PathStep::Index(0) };
            match sub.unevaluated(step) {
                Some(_) => evaluated.fill(true),
                None => self.mark_evaluated(sub, at, evaluated),
            }
        }
    }
}
