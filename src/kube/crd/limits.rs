//! The bounds that a structural schema sets, as the API server reads them.

use crate::node::Node;
use crate::schema::{Count, NumberFormat, NumberRules, Types};

/// Bounds of numbers, lengths and counts.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) numbers: NumberRules,
    /// Why no number is valid: the API server reads bounds as numbers of the type, and takes no value where it cannot.
    pub(super) unreadable: Option<String>,
    /// Whether the maximum is none that an integer can be compared with.
    pub(super) overflows: bool,
    pub(super) length: Count,
    pub(super) items: Count,
    pub(super) unique: bool,
    pub(super) properties: Count,
}

impl Limits {
    pub(super) fn read(node: &Node) -> Self {
        let number = |name: &str| Types::NUMBER.has(Types::of(&node[name])).then(|| node[name].clone());
        let count = |min: &str, max: &str| {
            let bound = |name: &str| node[name].as_i64().map(|count| u64::try_from(count).unwrap_or(0));
            Count { min: bound(min), max: bound(max) }
        };
        let is = |name: &str| node[name].as_bool() == Some(true);
        // What is exclusive is the same bound, read another way.
        let bound = |name: &str, exclusive: &str| {
            let bound = number(name);
            if is(exclusive) { (None, bound) } else { (bound, None) }
        };
        let (minimum, above) = bound("minimum", "exclusiveMinimum");
        let (maximum, below) = bound("maximum", "exclusiveMaximum");
        let format = node["format"].text();
        let wanted = if format == "int32" { "int32" } else { "int64" };
        let is_readable = |name: &&str| node[*name].as_f64().is_none_or(|bound| is_whole(bound, format));
        let is_integer = node["type"].text() == "integer";
        let unreadable = ["minimum", "maximum", "multipleOf"].into_iter().find(|name| is_integer && !is_readable(name));
        Self {
            numbers: NumberRules {
                minimum,
                maximum,
                above,
                below,
                multiple: number("multipleOf").filter(|of| of.as_f64().is_some_and(|of| of > 0.0)),
                format: NumberFormat::find(format).filter(|_| format == "int32"),
            },
            unreadable: unreadable.map(|name| {
                format!("`{name}` of the definition must be of type integer with format {wanted}: no value is valid")
            }),
            overflows: node["maximum"].as_f64().is_some_and(|most| most >= LEAST_OVERFLOW),
            length: count("minLength", "maxLength"),
            items: count("minItems", "maxItems"),
            unique: is("uniqueItems"),
            properties: count("minProperties", "maxProperties"),
        }
    }
}

/// The least number that is too large for a signed integer of 64 bits.
const LEAST_OVERFLOW: f64 = 9_223_372_036_854_775_808.0;

/// Whether a number is an integer of a format, as the digits that tell it from its neighbours are read.
fn is_whole(number: f64, format: &str) -> bool {
    let digits = number.to_string();
    if format == "int32" { digits.parse::<i32>().is_ok() } else { digits.parse::<i64>().is_ok() }
}
