//! Marking what the schema calls `writeOnly`.

use std::collections::BTreeSet;

use super::walk::Budget;
use super::{Id, Lookup, Place, Schema, Step, Sub};
use crate::node::{Node, Value};
use crate::secret::{is_credentials, is_secret_name};
use crate::suggest;

impl Schema {
    /// Marks the origin of every value that may be a secret, and of all it beat and holds. Where a schema has several forms,
    /// a value is a secret if it is one in any of them.
    pub fn mark_secrets(&self, node: &mut Node) {
        self.mark_secrets_at(&Place::One(Self::ROOT), node);
    }

    /// As [`Schema::mark_secrets`], for a value at a place.
    pub fn mark_secrets_at(&self, place: &Place, node: &mut Node) {
        match place {
            Place::One(id) => Marker { schema: self, left: Budget::of(node) }.descend(vec![*id], node),
            Place::All(places) | Place::Any(places) => {
                places.iter().for_each(|place| self.mark_secrets_at(place, node));
            }
        }
    }

    /// Whether a value there is a secret or may hold one.
    #[must_use]
    pub fn reaches_secret(&self, place: &Place) -> bool {
        match place {
            Place::One(id) => self.secret[*id as usize],
            Place::All(places) | Place::Any(places) => places.iter().any(|place| self.reaches_secret(place)),
        }
    }

    /// Whether a name is that of a secret anywhere in the schema, or one misspelt.
    #[must_use]
    pub fn is_near_secret(&self, name: &str) -> bool {
        let properties = self.subs.iter().flat_map(|sub| sub.object.iter().flat_map(|rules| &rules.properties));
        let mut secrets =
            properties.filter(|(_, id)| self.is_secret(&Place::One(*id))).map(|(known, _)| known.as_str());
        secrets.any(|known| known == name || suggest::nearest(name, [known]).is_some())
    }

    /// Whether a name below `steps` is one that the schema leaves free, as those of variables, and that of a secret. Of the
    /// names it gives itself it says which are secrets.
    #[must_use]
    pub fn is_free_secret(&self, steps: &[Step<'_>], name: &str) -> bool {
        is_secret_name(name) && self.is_free(steps, name)
    }

    fn is_free(&self, steps: &[Step<'_>], name: &str) -> bool {
        match self.follow(steps.iter().copied()) {
            Lookup::Known(place) => !self.fields(&place).contains(&name),
            Lookup::Open | Lookup::Unknown { .. } => true,
        }
    }

    /// The values below `steps` that have such a name.
    #[must_use]
    pub fn free_secrets<'n>(&self, mut steps: Vec<Step<'n>>, node: &'n Node) -> Vec<&'n Node> {
        let mut found = Vec::new();
        self.collect_free(&mut steps, node, &mut found);
        found
    }

    fn collect_free<'n>(&self, steps: &mut Vec<Step<'n>>, node: &'n Node, found: &mut Vec<&'n Node>) {
        for (at, item) in node.items().iter().enumerate() {
            steps.push(Step::Index(at));
            self.collect_free(steps, item, found);
            steps.pop();
        }
        for entry in node.entries() {
            let is_free_credential = || is_credentials(&entry.key, &entry.value) && self.is_free(steps, &entry.key);
            if self.is_free_secret(steps, &entry.key) || is_free_credential() {
                found.push(&entry.value);
                continue;
            }
            steps.push(Step::Key(&entry.key));
            self.collect_free(steps, &entry.value, found);
            steps.pop();
        }
    }
}

/// A walk that marks secrets. Where it would take too long, all that may hold one is marked.
struct Marker<'a> {
    schema: &'a Schema,
    left: Budget,
}

impl Marker<'_> {
    /// Marks what these subschemas, which all hold for the value, call secret. Each is asked once, however many ways lead
    /// to it.
    fn descend(&mut self, mut ids: Vec<Id>, node: &mut Node) {
        self.complete(&mut ids);
        if ids.is_empty() || node.origin.is_secret() {
            return;
        }
        let subs: Vec<&Sub> = ids.iter().map(|id| self.schema.sub(*id)).collect();
        subs.iter().for_each(|_| self.left.step());
        if subs.iter().any(|sub| sub.secret) || self.left.is_spent() {
            mark(node);
            return;
        }
        match &mut node.value {
            Value::Sequence(items) => {
                for (index, item) in items.make_mut().iter_mut().enumerate() {
                    let mut inside = self.unevaluated(&subs, Step::Index(index));
                    let lists = subs.iter().filter_map(|sub| sub.list.as_deref());
                    inside.extend(lists.flat_map(|rules| rules.of(index).into_iter().chain(rules.contains)));
                    self.descend(inside, item);
                }
            }
            Value::Mapping(mapping) => {
                for entry in mapping.iter_mut() {
                    let mut inside = self.unevaluated(&subs, Step::Key(&entry.key));
                    let rules = subs.iter().filter_map(|sub| sub.object.as_deref());
                    let left = &mut self.left;
                    let mut is_match = |pattern: &_, key: &str| left.is_match(pattern, key) || left.is_spent();
                    inside.extend(rules.flat_map(|rules| rules.of(&entry.key, &mut is_match)));
                    self.descend(inside, &mut entry.value);
                }
            }
            _ => {}
        }
    }

    /// The subschemas that hold for what no other keyword evaluates.
    fn unevaluated(&mut self, subs: &[&Sub], step: Step<'_>) -> Vec<Id> {
        let mut ids = Vec::new();
        for sub in subs {
            if let Some(id) = sub.unevaluated(step)
                && !self.schema.may_evaluate(sub, step, &mut self.left)
            {
                ids.push(id);
            }
        }
        ids
    }

    /// Adds the subschemas that hold for the same value, and keeps those that reach a secret.
    fn complete(&self, ids: &mut Vec<Id>) {
        let mut seen = BTreeSet::new();
        let mut todo = std::mem::take(ids);
        while let Some(id) = todo.pop() {
            if self.schema.secret[id as usize] && seen.insert(id) {
                todo.extend(self.schema.sub(id).in_place());
            }
        }
        ids.extend(seen);
    }
}

/// Which subschemas are secret or hold one.
pub(super) fn reaching(subs: &[Sub]) -> Vec<bool> {
    let mut reaching: Vec<bool> = subs.iter().map(|sub| sub.secret).collect();
    let mut before = 0;
    loop {
        let count = reaching.iter().filter(|reaches| **reaches).count();
        if count == before {
            return reaching;
        }
        before = count;
        for (at, sub) in subs.iter().enumerate() {
            reaching[at] = reaching[at] || sub.in_place().chain(sub.inside()).any(|id| reaching[id as usize]);
        }
    }
}

/// Marks a value, what it holds and what it beat.
pub(super) fn mark(node: &mut Node) {
    if !node.origin.is_secret() {
        let derived = node.origin.derived_mut();
        derived.secret = true;
        derived.overridden.iter_mut().for_each(mark);
    }
    match &mut node.value {
        Value::Sequence(items) => items.make_mut().iter_mut().for_each(mark),
        Value::Mapping(mapping) => mapping.iter_mut().for_each(|entry| mark(&mut entry.value)),
        _ => {}
    }
}
