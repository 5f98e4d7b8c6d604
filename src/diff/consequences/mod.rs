//! What applying changed manifests does: pods that restart, Jobs that run again, objects that stay behind, changes that
//! the API server refuses.
//!
//! Each consequence bears the id of a change rule, and is told beside the object it befalls.

mod apply;
mod data;
mod pods;
mod schema;
mod traffic;

use crate::diff::Change;
use crate::finding::{RuleId, Severity};
use crate::object::Object;
use crate::updates::Effect;

/// What applying a change does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Consequence {
    /// The change rule it falls under.
    pub rule: RuleId,
    /// An error where it cannot be applied, a warning where somebody must act or lose something, else a note.
    pub severity: Severity,
    /// What happens: a lower-case phrase.
    pub message: String,
    /// What to do; may be empty.
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

/// Pods restart, or ought to; Jobs run again.
fn restarts(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeRestarts, severity, message)
}

/// Something stays behind, or somebody must follow.
fn renames(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeRenames, severity, message)
}

/// There is less than before.
fn shrinks(severity: Severity, message: impl Into<String>) -> Consequence {
    Consequence::new(RuleId::ChangeShrinks, severity, message)
}

/// What applying the changes does, for each of them. `new`: all objects as they will be, unchanged ones too.
#[must_use]
pub fn consequences(changes: &[Change<'_>], new: &[Object]) -> Vec<Vec<Consequence>> {
    let refused: Vec<Vec<Consequence>> = changes.iter().map(refusals).collect();
    // What is refused changes nothing in the cluster.
    let restarting: Vec<&Object> = changes
        .iter()
        .zip(&refused)
        .filter(|(change, refused)| refused.is_empty() && pods::restarts_pods(change))
        .filter_map(|(change, _)| change.new)
        .collect();
    let mut readers = data::Readers::of(changes, &restarting, new);
    let histories = schema::Histories::of(changes, new);
    changes
        .iter()
        .zip(refused)
        .map(|(change, mut found)| {
            if change.effect() == Some(Effect::None) {
                let message = "no effect: the stored object does not change";
                found.push(restarts(Severity::Note, message));
                apply::stays(change, &mut found);
            } else if found.is_empty() {
                apply::tell(change, &mut found);
                pods::tell(change, &mut found);
                data::tell(change, &mut readers, &mut found);
                schema::tell_variables(change, &mut found);
                histories.tell(change, &mut found);
                traffic::tell(change, &mut found);
                found.sort_by_key(|consequence| std::cmp::Reverse(consequence.severity));
            } else {
                apply::lost(change, &mut found);
            }
            found
        })
        .collect()
}

/// What the API server refuses; nothing, where the object gets another name.
fn refusals(change: &Change<'_>) -> Vec<Consequence> {
    let refusals = change.update.iter().flat_map(|update| &update.refusals);
    refusals
        .map(|refusal| {
            // The words often name the field already.
            let told = refusal.field.is_empty() || refusal.message.contains(&refusal.field);
            let place = if told { String::new() } else { format!("`{}`: ", refusal.field) };
            let message = format!("the API server will reject it: {place}{}", refusal.message);
            Consequence::new(RuleId::ChangeImmutable, Severity::Error, message).with_help(refusal.help.as_str())
        })
        .collect()
}

/// `kubectl delete job/x -n ns`.
fn delete(object: &Object) -> String {
    let namespace = if object.namespace().is_empty() { String::new() } else { format!(" -n {}", object.namespace()) };
    format!("kubectl delete {}/{}{namespace}", object.kind().to_lowercase(), object.name())
}

/// `a, b and c`.
fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
