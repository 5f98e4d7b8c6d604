//! Writes nodes as JSON, with an indentation of two spaces.

use std::fmt::Write as _;

use crate::node::{Node, TextPart, Value};

/// A value as JSON, without a line break at the end.
#[must_use]
pub fn json(node: &Node) -> String {
    let mut writer = Writer { out: String::new(), parts: None };
    writer.value(node, 0);
    writer.out
}

/// A value as JSON, and the origin of its bytes, one part for each scalar.
#[must_use]
pub fn json_with_parts(node: &Node) -> (String, Vec<TextPart>) {
    let mut writer = Writer { out: String::new(), parts: Some(Vec::new()) };
    writer.value(node, 0);
    (writer.out, writer.parts.unwrap_or_default())
}

struct Writer {
    out: String,
    parts: Option<Vec<TextPart>>,
}

impl Writer {
    fn value(&mut self, node: &Node, indent: usize) {
        let start = self.out.len();
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => _ = write!(self.out, "{value}"),
            Value::Int(number) => _ = write!(self.out, "{number}"),
            Value::Float(number) => _ = write!(self.out, "{number:?}"),
            Value::String(text) => string(&mut self.out, text),
            Value::Sequence(items) if items.is_empty() => self.out.push_str("[]"),
            Value::Mapping(mapping) if mapping.is_empty() => self.out.push_str("{}"),
            Value::Sequence(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.line(at, indent + 2);
                    self.value(item, indent + 2);
                }
                self.line(0, indent);
                self.out.push(']');
                return;
            }
            Value::Mapping(mapping) => {
                self.out.push('{');
                for (at, entry) in mapping.iter().enumerate() {
                    self.line(at, indent + 2);
                    string(&mut self.out, &entry.key);
                    self.out.push_str(": ");
                    self.value(&entry.value, indent + 2);
                }
                self.line(0, indent);
                self.out.push('}');
                return;
            }
        }
        if let Some(parts) = &mut self.parts {
            parts.push(TextPart { start: start as u32, end: self.out.len() as u32, origin: node.origin.clone() });
        }
    }

    fn line(&mut self, at: usize, indent: usize) {
        self.out.push_str(if at > 0 { ",\n" } else { "\n" });
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // YAML readers reject these unescaped, though JSON allows some of them.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
