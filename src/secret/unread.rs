//! Secrets in documents that could not be read. Which values are secret is unknown there, so whatever may be one is
//! redacted.

use std::ops::Range;

use crate::secret::names::{self, has_name, is_kind, mentions_secret};
use crate::secret::text::in_lines;
use crate::text::assign::depth;

/// Names of fields that messages may repeat.
const FIELDS: &[&str] =
    &["apiVersion", "metadata", "namespace", "labels", "annotations", "stringData", "immutable", "value", "valueFrom"];

/// The byte ranges that may contain a secret, in order.
pub(crate) fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = in_lines(text);
    let whole = is_secret_kind(text)
        || ["stringData", ": Secret\n", "\"Secret\"", "Opaque"].iter().any(|sign| text.contains(sign));
    if !whole && !has_name(text) && !text.lines().any(names_variable) {
        return places;
    }
    // The indentation of the key whose value is redacted, whether the line before is redacted, and whether the value
    // is still to come.
    let (mut block, mut before, mut awaited) = (None, false, false);
    // The indentation of the keys of a Secret, and of the keys of its data: deeper lines belong to a value.
    let (mut top, mut data) = (None, None);
    let mut start = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    let mut last = None;
    while let Some(line) = lines.next() {
        let content = line.trim_end();
        let at = start;
        start += line.len();
        let first = content.len() - content.trim_start().len();
        let key = depth(content);
        if key == content.len() {
            continue;
        }
        if block.is_some_and(|depth| first <= depth) {
            block = None;
        }
        match (top, data) {
            (None, _) => top = Some(key),
            (Some(top), None) if key > top => data = Some(key),
            _ => {}
        }
        let deep = whole && data.is_some_and(|data| key > data);
        let colon = content.find(':').filter(|colon| is_key(&content[key..*colon])).map(|colon| colon + 1);
        // `value` follows or precedes the `name`, which may be misspelt.
        let beside = |line: &str| depth(line) == key && names_variable(line);
        let above = last.replace(content);
        let named = has_name(content)
            || above.is_some_and(beside)
            || lines.peek().is_some_and(|next| beside(next))
            || content.match_indices("value").any(|(at, _)| is_value(&content[at..]));
        let from = if deep || block.is_some() || awaited || (before || whole) && colon.is_none() {
            Some(key)
        } else if whole || named {
            colon.or(Some(key))
        } else {
            None
        };
        if named && block.is_none() {
            block = Some(key);
        }
        before = from.is_some();
        awaited = before && content.ends_with(':') && named;
        if let Some(from) = from.filter(|from| *from < content.len()) {
            // The space after the colon is not redacted.
            let from = from + content[from..].len() - content[from..].trim_start().len();
            places.push(at + from..at + content.len());
        }
    }
    places.sort_unstable_by_key(|range| range.start);
    places
}

/// The names in a redacted string that messages about YAML repeat: those of anchors and duplicate keys.
pub(crate) fn names(text: &str) -> Vec<&str> {
    const AROUND: &[char] = &[' ', '\t', '\n', ',', '{', '}', '[', ']', '"', '\'', ':'];
    let anchors = text.split(AROUND).filter_map(|word| word.strip_prefix(['*', '&']));
    let mut names: Vec<&str> = anchors.collect();
    for (at, _) in text.match_indices(':') {
        let key = text[..at].trim_end_matches([' ', '"', '\'']);
        let start = key.rfind(['\n', ',', '{', '[', '"', '\'', ':']).map_or(0, |start| start + 1);
        let key = key[start..].trim();
        if !FIELDS.contains(&key) && !mentions_secret(key) {
            names.push(key);
        }
    }
    names
}

/// Whether the string before a colon is a key and not a part of a value.
fn is_key(before: &str) -> bool {
    let key = before.trim_start_matches([' ', '{', '[']).trim_end();
    key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '"' | '\''))
}

/// Whether a line is like `name: DB_PASSWORD`, or names a header with credentials.
fn names_variable(line: &str) -> bool {
    let is_header = |value: &str| names::is_near(value.trim_matches([' ', '"', '\'', ',', '}']), "Authorization");
    line.split_once(':')
        .is_some_and(|(key, value)| !has_name(key) && value.trim() != "Secret" && (has_name(value) || is_header(value)))
}

/// Whether the kind of a document is Secret, or nearly.
pub(super) fn is_secret_kind(text: &str) -> bool {
    let is_of_kind = |rest: &str| {
        let kind = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | '\''));
        let end = kind.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | '"' | '\'')).unwrap_or(kind.len());
        kind.starts_with("Secret") || is_kind(&kind[..end])
    };
    text.match_indices("kind").any(|(at, kind)| is_of_kind(&text[at + kind.len()..]))
}

/// Whether a string starts with the key `value`.
fn is_value(text: &str) -> bool {
    text["value".len()..].trim_start_matches(['"', '\'', ' ']).starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{REDACTED, redact};

    fn hidden(text: &str) -> String {
        redact(text, &places(text)).replace(REDACTED, "•")
    }

    #[test]
    fn what_may_be_a_secret_is_redacted() {
        for (text, expected) in [
            ("kind: Pod\nimage: [", "kind: Pod\nimage: ["),
            ("kind: Secret\nstringData: {a: x", "kind: •\nstringData: •"),
            ("kind: Secret\ndata:\n  a: |\n    x\n- y", "kind: •\ndata:\n  a: •\n    •\n- •"),
            ("kind: Secret\ndata:\n  a:\n    x: y", "kind: •\ndata:\n  a:\n    •"),
            ("{\"kind\" : \"Secret\", \"data\": 1}", "{\"kind\" : •"),
            ("image: a\nenv:\n- name: DB_PASSWORD\n  value: x\n", "image: a\nenv:\n- name: •\n  value: •\n"),
            ("- name: DB_PASSWORD\n  valu: x\nb: c", "- name: •\n  valu: •\nb: c"),
            ("- valu: x\n  name: DB_PASSWORD\nb: c", "- valu: •\n  name: •\nb: c"),
            ("- value: x\n  name: DB_PASSWORD\nb: c", "- value: •\n  name: •\nb: c"),
            ("- name: Authorization\n  value: Bearer x y: z", "- name: Authorization\n  value: •"),
            ("- name: auth\n  value: x y: z", "- name: auth\n  value: x y: z"),
            ("- {name: DB_PASSWORD,\nvalue: x", "- {name: •\nvalue: •"),
            ("a:\n  password:\n    x: 1\n  b: c", "a:\n  password:\n    •\n  b: c"),
            ("a: {password:\nx, b: c", "a: •\n•"),
            ("a: 1\n\tpassword: x", "a: 1\n\tpassword: •"),
            ("secretKeyRef: {name: a, key: b", "secretKeyRef: {name: a, key: b"),
        ] {
            assert_eq!(hidden(text), expected, "{text}");
        }
        assert_eq!(names("{value: *alias, one: 1, \"two words\": 2}"), ["alias", "one", "two words"]);
    }
}
