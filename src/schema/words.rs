//! The wording of faults.

use super::{NumberRules, Types};
use crate::node::{Node, Value};
use crate::suggest;
use crate::yaml;

/// The help for a scalar that is written as one of another type.
pub(crate) const QUOTE: &str = "put it in quotes";
pub(crate) const UNQUOTE: &str = "write it without quotes";

/// How many field names help lists if none is similar to the unknown one.
const MOST_NAMES: usize = 12;

/// A path as messages name it: in backticks, or the name of the whole document.
pub(super) fn name(path: &str, whole: &str) -> String {
    if path.is_empty() { whole.to_owned() } else { format!("`{path}`") }
}

/// A value as JSON.
pub(super) fn value(node: &Node) -> String {
    yaml::json(node)
}

/// `` `a`, `b` or `c` ``.
pub(super) fn values(values: &[&Node]) -> String {
    suggest::list(values.iter().map(|node| node.as_str().map_or_else(|| value(node), str::to_owned)), "or")
}

/// The label that suggests the most similar value; empty if none is similar.
pub(super) fn near_value(node: &Node, values: &[&Node]) -> String {
    let names = values.iter().filter_map(|node| node.as_str());
    node.as_str()
        .and_then(|text| suggest::nearest(text, names))
        .map_or_else(String::new, |near| format!("did you mean `{near}`?"))
}

/// The label that suggests the most similar field, or else the help that lists all fields.
pub(super) fn near_field<'a>(name: &str, fields: impl Iterator<Item = &'a str> + Clone) -> (String, String) {
    let count = fields.clone().count();
    match suggest::nearest(name, fields.clone()) {
        Some(near) => (format!("did you mean `{near}`?"), String::new()),
        None if count == 0 => (String::new(), "it has no fields".to_owned()),
        None if count <= MOST_NAMES => (String::new(), format!("available fields: {}", suggest::list(fields, "and"))),
        None => (String::new(), String::new()),
    }
}

/// The help for a value of the wrong type; may be empty.
pub(super) fn type_help(types: Types, node: &Node) -> String {
    let parses = |text: &str| match () {
        () if types.has(Types::NUMBER) => text.parse::<f64>().is_ok_and(f64::is_finite),
        () if types.has(Types::INTEGER) => text.parse::<i64>().is_ok(),
        () => types.has(Types::BOOLEAN) && matches!(text, "true" | "false"),
    };
    match &node.value {
        Value::Int(_) | Value::Float(_) | Value::Bool(_) if types.has(Types::STRING) => QUOTE.to_owned(),
        Value::String(text) if parses(text) => UNQUOTE.to_owned(),
        _ => String::new(),
    }
}

/// `from 1 to 65535`, `at least 1`, `above 0 and at most 1`.
pub(super) fn range(rules: &NumberRules) -> String {
    match rules {
        NumberRules { minimum: Some(min), maximum: Some(max), above: None, below: None, .. } => {
            format!("from {} to {}", value(min), value(max))
        }
        _ => {
            let bounds = [
                ("at least", &rules.minimum),
                ("above", &rules.above),
                ("at most", &rules.maximum),
                ("below", &rules.below),
            ];
            let words = bounds.iter().filter_map(|(words, bound)| Some(format!("{words} {}", value(bound.as_ref()?))));
            words.collect::<Vec<_>>().join(" and ")
        }
    }
}

/// The first sentence of a description without its full stop, as help.
pub(super) fn first_sentence(description: &str) -> String {
    let paragraph = description.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(first, _)| first);
    sentence.trim_end_matches('.').to_owned()
}
