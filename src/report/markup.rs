//! Text within XML and HTML.

use crate::report::plain;

/// A text on one line, as the content of an element or within the double quotes of an attribute.
#[must_use]
pub(crate) fn markup(text: &str) -> String {
    escaped(&plain(text))
}

/// A text with its lines, as the content of an element.
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
            // XML has no such characters, not even escaped.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
