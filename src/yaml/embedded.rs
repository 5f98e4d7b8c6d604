//! Positions inside a scalar: the bytes of the file from which a part of a value was read.
//!
//! A host in a config file in a block scalar of a ConfigMap has a line and a column of its own. YAML removes
//! indentation, folds lines and decodes escapes, so the scalar and the file are walked side by side.

use std::cell::Cell;
use std::ops::Range;

use crate::source::Span;

/// The bytes of the file from which `range` of a scalar's value was read. `text` is the whole file, `span` the scalar
/// in it. `None` if the two do not match (an alias, or a value that was not read).
///
/// `trail` keeps the position of the walk, so that many parts of a long value, requested in order, take one walk.
#[must_use]
pub fn locate(text: &str, span: Span, value: &str, range: Range<usize>, trail: &Cell<Trail>) -> Option<Span> {
    let raw = text.get(span.start as usize..span.end as usize)?;
    let mut walk = Walk { raw, at: 0, style: Style::Plain };
    walk.begin();
    let mut from = 0;
    let before = trail.get();
    if before.span == span && before.length == value.len() && before.offset <= range.start {
        (from, walk.at) = (before.offset, before.at);
    }
    let mut start = None;
    let mut end = walk.at;
    for (offset, c) in value.get(from..)?.char_indices() {
        let offset = from + offset;
        if offset >= range.end && start.is_some() {
            break;
        }
        if offset >= range.start && start.is_none() {
            trail.set(Trail { span, length: value.len(), offset, at: walk.at });
        }
        let place = walk.next(c)?;
        if offset >= range.start && offset < range.end {
            start = start.or(Some(place.start));
            end = place.end;
        }
    }
    let start = start.unwrap_or(end);
    Some(Span::new(span.file, span.start + start as u32, span.start + end as u32))
}

/// How far [`locate`] has walked: bytes of the value, and bytes of the file.
#[derive(Debug, Clone, Copy)]
pub struct Trail {
    span: Span,
    length: usize,
    offset: usize,
    at: usize,
}

impl Trail {
    /// The start of a scalar.
    pub const NONE: Self = Self { span: Span::NONE, length: 0, offset: usize::MAX, at: 0 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Block,
}

struct Walk<'a> {
    raw: &'a str,
    at: usize,
    style: Style,
}

impl Walk<'_> {
    /// Skips what is before the content: a quote, or the header line of a block.
    fn begin(&mut self) {
        match self.raw.as_bytes().first() {
            Some(b'"') => (self.style, self.at) = (Style::Double, 1),
            Some(b'\'') => (self.style, self.at) = (Style::Single, 1),
            Some(b'|' | b'>') => {
                self.style = Style::Block;
                self.at = self.raw.find('\n').map_or(self.raw.len(), |line| line + 1);
                self.skip_blanks();
            }
            _ => {}
        }
    }

    fn rest(&self) -> &str {
        &self.raw[self.at..]
    }

    /// The position of the next character of the value, which is `wanted`.
    fn next(&mut self, wanted: char) -> Option<Range<usize>> {
        if wanted == '\n' || wanted == ' ' {
            return Some(self.blank(wanted));
        }
        // Indentation and folded line breaks come before it.
        loop {
            let here = self.at;
            if self.style == Style::Double && self.rest().starts_with('\\') {
                let (c, length) = escape(self.rest());
                self.at += length;
                match c {
                    Some(c) if c == wanted => return Some(here..self.at),
                    // An escaped line break yields nothing.
                    None => continue,
                    Some(_) => return None,
                }
            }
            let c = self.rest().chars().next()?;
            if c == wanted {
                self.at += c.len_utf8();
                if self.style == Style::Single && c == '\'' && self.rest().starts_with('\'') {
                    self.at += 1;
                }
                return Some(here..self.at);
            }
            if matches!(c, ' ' | '\t' | '\n' | '\r') {
                self.at += 1;
                continue;
            }
            return None;
        }
    }

    /// A space or line break of the value: literal, or a folded line break.
    fn blank(&mut self, wanted: char) -> Range<usize> {
        let here = self.at;
        if self.style == Style::Double && self.rest().starts_with('\\') {
            let (c, length) = escape(self.rest());
            if c == Some(wanted) {
                self.at += length;
                return here..self.at;
            }
        }
        match self.rest().as_bytes() {
            [b' ', ..] if wanted == ' ' => self.at += 1,
            [b'\r', b'\n', ..] => self.line_break(2),
            [b'\n', ..] => self.line_break(1),
            // A space before the folded line break.
            [b' ' | b'\t', ..] => {
                let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
                if self.rest()[blanks..].starts_with(['\n', '\r']) {
                    self.at += blanks;
                    self.line_break(if self.rest().starts_with('\r') { 2 } else { 1 });
                }
            }
            _ => {}
        }
        here..self.at.max(here)
    }

    fn line_break(&mut self, length: usize) {
        self.at = (self.at + length).min(self.raw.len());
        if self.style == Style::Block {
            self.skip_blanks();
        } else {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        }
    }

    /// Skips a block's indentation: that of its first line that is not blank.
    fn skip_blanks(&mut self) {
        let indent = self.indent();
        let spaces = self.rest().len() - self.rest().trim_start_matches(' ').len();
        self.at += spaces.min(indent);
    }

    fn indent(&self) -> usize {
        let mut lines = self.raw.lines();
        let header = lines.next().unwrap_or_default();
        // An indentation indicator is relative to the parent, which is unknown here: the value's own spaces show it.
        if header.bytes().any(|byte| byte.is_ascii_digit()) {
            return 0;
        }
        lines.find(|line| !line.trim().is_empty()).map_or(0, |line| line.len() - line.trim_start_matches(' ').len())
    }
}

/// The character of an escape, and its length. `None` for an escaped line break.
fn escape(raw: &str) -> (Option<char>, usize) {
    let number = |digits: usize| {
        let c = raw.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        (c, 2 + digits)
    };
    match raw.as_bytes().get(1) {
        Some(b'\n') => (None, 2 + blanks(raw, 2)),
        Some(b'\r') => (None, 3 + blanks(raw, 3)),
        Some(b'n') => (Some('\n'), 2),
        Some(b't' | b'\t') => (Some('\t'), 2),
        Some(b'r') => (Some('\r'), 2),
        Some(b'0') => (Some('\0'), 2),
        Some(b'a') => (Some('\u{7}'), 2),
        Some(b'b') => (Some('\u{8}'), 2),
        Some(b'v') => (Some('\u{b}'), 2),
        Some(b'f') => (Some('\u{c}'), 2),
        Some(b'e') => (Some('\u{1b}'), 2),
        Some(b'N') => (Some('\u{85}'), 2),
        Some(b'_') => (Some('\u{a0}'), 2),
        Some(b'L') => (Some('\u{2028}'), 2),
        Some(b'P') => (Some('\u{2029}'), 2),
        Some(b'x') => number(2),
        Some(b'u') => number(4),
        Some(b'U') => number(8),
        _ => (raw[1..].chars().next(), 1 + raw[1..].chars().next().map_or(0, char::len_utf8)),
    }
}

fn blanks(raw: &str, from: usize) -> usize {
    raw.get(from..).map_or(0, |rest| rest.len() - rest.trim_start_matches([' ', '\t']).len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    use super::*;

    /// The position of `needle` in the value of `key`: line, column and the string there.
    fn find(text: &str, needle: &str) -> (usize, usize, String) {
        let sources = Sources::new();
        let file = sources.add("f", text);
        let loaded = load(&sources, file, Dialect::Kubectl);
        let node = &loaded.documents[0]["key"];
        let at = node.text().find(needle).unwrap();
        let range = at..at + needle.len();
        let trail = Cell::new(Trail::NONE);
        let span = locate(text, node.origin.span, node.text(), range.clone(), &trail).unwrap();
        // Continuing from a trail gives the same as starting at the beginning.
        for start in 0..at {
            let trail = Cell::new(Trail::NONE);
            let _ = locate(text, node.origin.span, node.text(), start..start + 1, &trail);
            assert_eq!(locate(text, node.origin.span, node.text(), range.clone(), &trail), Some(span));
        }
        let position = sources.get(file).unwrap().position(span.start);
        (position.line, position.column, sources.text(span))
    }

    #[test]
    fn a_part_of_every_kind_of_scalar_is_found() {
        let literal = "a: 1\nkey: |\n  first: x\n\n    host: postgres\n  end\nb: 2\n";
        assert_eq!(find(literal, "postgres"), (5, 11, "postgres".to_owned()));
        assert_eq!(find("key: |2-\n    host: postgres\n", "postgres"), (2, 11, "postgres".to_owned()));
        assert_eq!(find("key: >\n  one\n  two\n\n  host redis\n", "redis"), (5, 8, "redis".to_owned()));
        assert_eq!(find("key: \"a\\nb\\u00e4 \\\n   redis \\\"x\\\"\"\n", "redis"), (2, 4, "redis".to_owned()));
        assert_eq!(find("key: 'it''s redis'\n", "redis"), (1, 13, "redis".to_owned()));
        assert_eq!(find("key: one\n  two redis\n", "redis"), (2, 7, "redis".to_owned()));
        assert_eq!(find("key: redis:6379\n", "6379"), (1, 12, "6379".to_owned()));
        assert_eq!(find("key: |\r\n  a\r\n  redis\r\n", "redis"), (3, 3, "redis".to_owned()));
        assert_eq!(find("{\"key\": \"a\\n  redis\"}", "redis"), (1, 15, "redis".to_owned()));
    }

    #[test]
    fn mismatches_are_reported() {
        let sources = Sources::new();
        let file = sources.add("f", "key: abc\n");
        assert_eq!(locate("key: abc\n", Span::new(file, 5, 8), "xyz", 0..3, &Cell::new(Trail::NONE)), None);
    }
}
