//! The consequences of applying changed manifests: pods that restart, Jobs that run again, objects that are left
//! behind, changes that the API server rejects.
//!
//! Each consequence has the id of a change rule and belongs to a changed object.

mod apply;
mod data;
mod pods;
mod schema;
mod traffic;

use crate::diff::ObjectChange;
use crate::finding::{RuleId, Severity};
use crate::object::Object;
use crate::updates::Effect;

/// A consequence of applying a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Consequence {
    /// The change rule.
    pub rule: RuleId,
    /// An error if the change cannot be applied, a warning if it requires action or loses something, otherwise a note.
    pub severity: Severity,
    /// The message, in lower case.
    pub message: String,
    /// How to handle it; may be empty.
    pub help: String,
}

impl Consequence {
    fn new(rule: RuleId, severity: Severity, message: impl Into<String>) -> Self {
        Self { rule, severity, message: message.into(), help: String::new() }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Pods restart or should be restarted, or Jobs run again.
fn restarts(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeRestarts, severity, message)
}

/// An object is left behind, or clients must be updated.
fn renames(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeRenames, severity, message)
}

/// A capacity or permission is reduced.
fn shrinks(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeShrinks, severity, message)
}

/// The consequences of each change. `new` contains all new objects, including unchanged ones.
#[must_use]
pub fn consequences(changes: &[ObjectChange<'_>], new: &[Object]) -> Vec<Vec<Consequence>> {
    let rejected: Vec<Vec<Consequence>> = changes.iter().map(rejections).collect();
    // A rejected change has no effect in the cluster.
    let restarting: Vec<&Object> = changes
        .iter()
        .zip(&rejected)
        .filter(|(change, rejected)| rejected.is_empty() && pods::restarts_pods(change))
        .filter_map(|(change, _)| change.new)
        .collect();
    let mut consumers = data::Consumers::of(changes, &restarting, new);
    let histories = schema::MigrationHistories::of(changes, new);
    changes
        .iter()
        .zip(rejected)
        .map(|(change, mut found)| {
            if change.effect() == Some(Effect::None) {
                let message = "no effect: the stored object does not change";
                found.push(restarts(Severity::Note, message));
                apply::add_retained_keys(change, &mut found);
            } else if found.is_empty() {
                apply::add(change, &mut found);
                pods::add(change, &mut found);
                data::add(change, &mut consumers, &mut found);
                schema::add_init_only_variables(change, &mut found);
                histories.add(change, &mut found);
                traffic::add(change, &mut found);
                found.sort_by_key(|consequence| std::cmp::Reverse(consequence.severity));
            } else {
                apply::add_storage_loss(change, &mut found);
            }
            found
        })
        .collect()
}

/// The rejections by the API server; empty if the object is renamed.
fn rejections(change: &ObjectChange<'_>) -> Vec<Consequence> {
    let rejections = change.update.iter().flat_map(|update| &update.rejections);
    rejections
        .map(|rejection| {
            // The message often contains the field already.
            let has_field = rejection.field.is_empty() || rejection.message.contains(&rejection.field);
            let field = if has_field { String::new() } else { format!("`{}`: ", rejection.field) };
            let message = format!("the API server will reject it: {field}{}", rejection.message);
            Consequence::new(RuleId::ChangeImmutable, Severity::Error, message).with_help(rejection.help.as_str())
        })
        .collect()
}

/// The command that deletes an object: `kubectl delete job/x -n ns`.
fn delete_command(object: &Object) -> String {
    let namespace = if object.namespace().is_empty() { String::new() } else { format!(" -n {}", object.namespace()) };
    format!("kubectl delete {}/{}{namespace}", object.kind().to_lowercase(), object.name())
}

/// Joins names as `a, b and c`.
fn join_and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
