//! Escapes strings for terminals.

use crate::yaml::is_bidi;

/// Replaces control characters of a message by visible ones.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    if !text.chars().any(is_control_character) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_control_character(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Escapes all control characters in JSON.
#[must_use]
pub(crate) fn plain_json(text: &str) -> String {
    use std::fmt::Write as _;
    let escaped = |c: char| !matches!(c, '\n' | '\t') && is_control_character(c);
    if !text.chars().any(escaped) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        // Line breaks and tabs occur between values only; other control characters occur in strings.
        if escaped(c) {
            _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}

/// Whether a character controls the terminal instead of being shown.
pub(crate) fn is_control_character(c: char) -> bool {
    c.is_control() || is_bidi(c)
}
