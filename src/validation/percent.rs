//! Integers or percentages (`IntOrString` fields such as `maxSurge`).

use crate::formats::names;
use crate::node::{Node, Value};
use crate::validation::{At, Faults};

/// The integer, or the number of percent; 0 if the value is neither.
#[must_use]
pub fn amount(node: &Node) -> i64 {
    match &node.value {
        Value::Int(number) => *number,
        Value::String(text) if names::percent(text).is_ok() => percentage(text),
        Value::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

fn percentage(text: &str) -> i64 {
    text.strip_suffix('%').unwrap_or_default().parse().unwrap_or(i64::MAX)
}

/// Reports a value that is neither a non-negative integer nor a percentage. It need not be set.
pub fn not_negative(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    match &at.node.value {
        Value::String(text) => faults.check(at, names::percent(text)),
        _ => faults.not_negative(at),
    }
}

/// Reports a percentage of more than 100%.
pub fn at_most_100(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if let Value::String(text) = &at.node.value
        && names::percent(text).is_ok()
        && percentage(text) > 100
    {
        faults.invalid(at, "must not be greater than 100%");
    }
}
