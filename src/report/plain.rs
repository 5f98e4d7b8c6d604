//! Text made safe for a terminal.

use crate::yaml::is_bidi;

/// Words of a message made safe for a terminal: control characters are shown, not obeyed.
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

/// JSON in which no character is left that a terminal would obey: each stands as its escape.
#[must_use]
pub(crate) fn plain_json(text: &str) -> String {
    use std::fmt::Write as _;
    let escaped = |c: char| !matches!(c, '\n' | '\t') && is_control_character(c);
    if !text.chars().any(escaped) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        // Line breaks and tabs stand between values only; all others that are obeyed stand in strings.
        if escaped(c) {
            _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}

/// Whether a terminal obeys a character rather than showing it.
pub(crate) fn is_control_character(c: char) -> bool {
    c.is_control() || is_bidi(c)
}
