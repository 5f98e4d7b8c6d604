//! Marking the values that are `writeOnly`.

use std::collections::BTreeSet;

use super::walk::Budget;
use super::{Id, Lookup, PathStep, Schema, SchemaRef, Sub};
use crate::node::{Node, Value};
use crate::secret::{is_credentials, is_secret_name};
use crate::suggest;

impl Schema {
    /// Marks the origins of all values that may be secrets, of the values that they override and of those inside. A value is
    /// a secret if it is one in any alternative.
    pub fn mark_secrets(&self, node: &mut Node) {
        self.mark_secrets_at(&self.root(), node);
    }

    /// As [`Schema::mark_secrets`], for the value of a path.
    pub fn mark_secrets_at(&self, schema: &SchemaRef, node: &mut Node) {
        schema.ids().into_iter().for_each(|id| Marker { schema: self, left: Budget::of(node) }.descend(vec![id], node));
    }

    /// Whether a value is or may contain a secret.
    #[must_use]
    pub fn reaches_secret(&self, schema: &SchemaRef) -> bool {
        schema.ids().into_iter().any(|id| self.secret[id as usize])
    }

    /// Whether a name is or resembles that of a secret anywhere in the schema.
    #[must_use]
    pub fn is_near_secret(&self, name: &str) -> bool {
        let properties = self.subs.iter().flat_map(|sub| sub.object.iter().flat_map(|rules| &rules.properties));
        let mut secrets = properties.filter(|(_, id)| self.is_secret_sub(*id)).map(|(known, _)| known.as_str());
        secrets.any(|known| known == name || suggest::nearest(name, [known]).is_some())
    }

    /// Whether a name below `steps` is that of a secret and unknown to the schema, whose own names are secrets only if they are
    /// `writeOnly`.
    #[must_use]
    pub fn is_free_secret(&self, steps: &[PathStep<'_>], name: &str) -> bool {
        is_secret_name(name) && self.is_free(steps, name)
    }

    fn is_free(&self, steps: &[PathStep<'_>], name: &str) -> bool {
        match self.follow(steps.iter().copied()) {
            Lookup::Known(schema) => !self.fields(&schema).contains(&name),
            Lookup::Open | Lookup::Unknown { .. } => true,
        }
    }

    /// The values below `steps` whose names are free secrets.
    #[must_use]
    pub fn free_secrets<'n>(&self, mut steps: Vec<PathStep<'n>>, node: &'n Node) -> Vec<&'n Node> {
        let mut found = Vec::new();
        self.collect_free(&mut steps, node, &mut found);
        found
    }

    fn collect_free<'n>(&self, steps: &mut Vec<PathStep<'n>>, node: &'n Node, found: &mut Vec<&'n Node>) {
        for (at, item) in node.items().iter().enumerate() {
            steps.push(PathStep::Index(at));
            self.collect_free(steps, item, found);
            steps.pop();
        }
        for entry in node.entries() {
            let is_free_credential = || is_credentials(&entry.key, &entry.value) && self.is_free(steps, &entry.key);
            if self.is_free_secret(steps, &entry.key) || is_free_credential() {
                found.push(&entry.value);
                continue;
            }
            steps.push(PathStep::Key(&entry.key));
            self.collect_free(steps, &entry.value, found);
            steps.pop();
        }
    }
}

/// A walk that marks secrets. Once the budget is spent, every value that may contain one is marked.
struct Marker<'a> {
    schema: &'a Schema,
    left: Budget,
}

impl Marker<'_> {
    /// Marks what these subschemas, which all apply to the value, call secret. Each is evaluated once, however many paths
    /// lead to it.
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
                    let mut inside = self.unevaluated(&subs, PathStep::Index(index));
                    let lists = subs.iter().filter_map(|sub| sub.list.as_deref());
                    inside.extend(lists.flat_map(|rules| rules.of(index).into_iter().chain(rules.contains)));
                    self.descend(inside, item);
                }
            }
            Value::Mapping(mapping) => {
                for entry in mapping.iter_mut() {
                    let mut inside = self.unevaluated(&subs, PathStep::Key(&entry.key));
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

    /// The subschemas of what no other keyword evaluates.
    fn unevaluated(&mut self, subs: &[&Sub], step: PathStep<'_>) -> Vec<Id> {
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

    /// Adds the subschemas that apply to the same value, and keeps those that reach a secret.
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

/// For each subschema, whether it is secret or contains one that is.
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

/// Marks a value, the values inside and those that it overrides.
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
