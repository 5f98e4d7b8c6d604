//! What an environment enforces: values that win over every layer, and that none which speaks of the environment, or of
//! one run, may contradict.

use super::lists;
use crate::finding::{Finding, RuleId};
use crate::node::{Mapping, Node, Value};

/// Merges what a later part of the environment enforces. A null is kept: it deletes what the profile says.
pub(super) fn lay(under: &mut Node, over: &Node) {
    match (&mut under.value, &over.value) {
        (Value::Mapping(below), Value::Mapping(above)) if !lists::is_change(above) => {
            for entry in above {
                match below.entry_mut(&entry.key) {
                    Some(known) => {
                        known.key_span = entry.key_span;
                        lay(&mut known.value, &entry.value);
                    }
                    None => below.push(entry.key.clone(), entry.key_span, entry.value.clone()),
                }
            }
        }
        _ => *under = over.clone(),
    }
}

/// Reports what a layer sets otherwise than it is enforced.
pub(super) fn contradictions(enforced: &Node, layer: &Node, findings: &mut Vec<Finding>) {
    compare(enforced, layer, "", findings);
}

fn compare(enforced: &Node, layer: &Node, path: &str, findings: &mut Vec<Finding>) {
    let (Value::Mapping(enforced), Value::Mapping(layer)) = (&enforced.value, &layer.value) else { return };
    for entry in layer {
        let Some(rule) = enforced.entry(&entry.key) else { continue };
        let path = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
        match (&rule.value.value, &entry.value.value) {
            // A change of a list is made on top of whatever the layers say.
            (Value::Mapping(change), _) if lists::is_change(change) => {}
            (Value::Mapping(_), Value::Mapping(_)) => compare(&rule.value, &entry.value, &path, findings),
            (Value::Mapping(inner), _) if says_nothing(inner) => {}
            (one, other) if one == other => {}
            _ => {
                let message = format!("`{path}` contradicts what the environment enforces");
                let finding = Finding::error(RuleId::EnforcedValue, entry.key_span, message)
                    .with_help("leave it out here, or change what is enforced")
                    .with_related(rule.key_span, "enforced here");
                findings.push(finding);
            }
        }
    }
}

fn says_nothing(mapping: &Mapping) -> bool {
    mapping.iter().all(|entry| matches!(&entry.value.value, Value::Mapping(inner) if says_nothing(inner)))
}
