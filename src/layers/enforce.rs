//! Enforced values: an environment's values that override every layer, and that layers specific to the environment or
//! the run may not contradict.

use super::lists;
use crate::finding::{Finding, RuleId};
use crate::node::{Mapping, Node, Value};

/// Merges the enforced values of a later layer. Nulls are kept: they delete values of the profile.
pub(super) fn merge(under: &mut Node, over: &Node) {
    match (&mut under.value, &over.value) {
        (Value::Mapping(below), Value::Mapping(above)) if !lists::is_change(above) => {
            for entry in above {
                match below.entry_mut(&entry.key) {
                    Some(known) => {
                        known.key_span = entry.key_span;
                        merge(&mut known.value, &entry.value);
                    }
                    None => below.push(entry.key.clone(), entry.key_span, entry.value.clone()),
                }
            }
        }
        _ => *under = over.clone(),
    }
}

/// Reports the values of a layer that differ from the enforced ones.
pub(super) fn contradictions(enforced: &Node, layer: &Node, findings: &mut Vec<Finding>) {
    compare(enforced, layer, "", findings);
}

fn compare(enforced: &Node, layer: &Node, path: &str, findings: &mut Vec<Finding>) {
    let (Value::Mapping(enforced), Value::Mapping(layer)) = (&enforced.value, &layer.value) else { return };
    for entry in layer {
        let Some(rule) = enforced.entry(&entry.key) else { continue };
        let path = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
        match (&rule.value.value, &entry.value.value) {
            // A list operation applies to whatever list the layers produce.
            (Value::Mapping(change), _) if lists::is_change(change) => {}
            (Value::Mapping(_), Value::Mapping(_)) => compare(&rule.value, &entry.value, &path, findings),
            (Value::Mapping(inner), _) if has_no_values(inner) => {}
            (one, other) if one == other => {}
            _ => {
                let message = format!("`{path}` contradicts the value that the environment enforces");
                let finding = Finding::error(RuleId::EnforcedValue, entry.key_span, message)
                    .with_help("remove it here, or change the enforced value")
                    .with_related(rule.key_span, "enforced here");
                findings.push(finding);
            }
        }
    }
}

fn has_no_values(mapping: &Mapping) -> bool {
    mapping.iter().all(|entry| matches!(&entry.value.value, Value::Mapping(inner) if has_no_values(inner)))
}
