//! How violations are put into words.

use super::{NumberRules, Types};
use crate::cursor::At;
use crate::node::{Node, Value};
use crate::suggest;
use crate::yaml;

/// How many names are listed where one is wrong and none is near.
const MOST_NAMES: usize = 12;

/// The path in backticks; the whole by its name.
pub(super) fn name(at: &At<'_, '_>, whole: &str) -> String {
    if at.parent().is_none() { whole.to_owned() } else { format!("`{}`", at.in_profile()) }
}

/// A value as its author would write it.
pub(super) fn value(node: &Node) -> String {
    yaml::json(node)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn values(values: &[&Node]) -> String {
    suggest::list(values.iter().map(|node| node.as_str().map_or_else(|| value(node), str::to_owned)), "or")
}

/// Which of the values may have been meant.
pub(crate) fn near_value(node: &Node, values: &[&Node]) -> String {
    let names = values.iter().filter_map(|node| node.as_str());
    node.as_str()
        .and_then(|text| suggest::nearest(text, names))
        .map_or_else(String::new, |near| format!("did you mean `{near}`?"))
}

/// Which of the fields may have been meant, as a label; else all of them, as a help.
pub(super) fn near_field<'a>(name: &str, fields: impl Iterator<Item = &'a str> + Clone) -> (String, String) {
    let count = fields.clone().count();
    match suggest::nearest(name, fields.clone()) {
        Some(near) => (format!("did you mean `{near}`?"), String::new()),
        None if count == 0 => (String::new(), "it has no fields".to_owned()),
        None if count <= MOST_NAMES => (String::new(), format!("it can have {}", suggest::list(fields, "and"))),
        None => (String::new(), String::new()),
    }
}

/// What to do about a wrong type.
pub(super) fn type_help(types: Types, node: &Node) -> String {
    let parses = |text: &str| match () {
        () if types.has(Types::NUMBER) => text.parse::<f64>().is_ok_and(f64::is_finite),
        () if types.has(Types::INTEGER) => text.parse::<i64>().is_ok(),
        () => types.has(Types::BOOLEAN) && matches!(text, "true" | "false"),
    };
    match &node.value {
        Value::Int(_) | Value::Float(_) | Value::Bool(_) if types.has(Types::STRING) => "put it in quotes".to_owned(),
        Value::String(text) if parses(text) => "write it without quotes".to_owned(),
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

/// The first sentence of a description, as a help: without its full stop.
pub(super) fn first_sentence(description: &str) -> String {
    let paragraph = description.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(first, _)| first);
    sentence.trim_end_matches('.').to_owned()
}
