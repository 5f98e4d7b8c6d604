//! Escapes strings for XML and HTML.

use crate::report::plain;

/// A string on one line, as the content of an element or of a double-quoted attribute.
#[must_use]
pub(crate) fn markup(text: &str) -> String {
    escaped(&plain(text))
}

/// A string of several lines, as the content of an element.
#[must_use]
pub(crate) fn markup_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(markup).collect();
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML does not allow these characters, not even escaped.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
