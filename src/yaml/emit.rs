//! Writes nodes as YAML that YAML 1.1 (kubectl) and 1.2 (editors, kustomize) readers read the same.
//!
//! A string is written plain only if every reader reads it as that string, as a literal block if it has several
//! lines, and in double quotes otherwise. Lists start in the column of their key, as in kubectl's output.

use std::fmt::Write as _;

use crate::memo::Memo;
use crate::node::{Mapping, Node, Origin, TextPart, Value};

thread_local! {
    /// Which strings are written as blocks.
    static BLOCKS: Memo<bool> = const { Memo::new() };
}

/// Longer keys need the explicit `? key` form: readers search only 1024 characters for the colon.
const MAX_PLAIN_KEY: usize = 512;

/// One document as YAML, ending in a line break.
#[must_use]
pub fn emit(node: &Node) -> String {
    let mut emitter = Emitter::default();
    emitter.document(node);
    emitter.out
}

/// Several documents as YAML, separated by `---`.
#[must_use]
pub fn emit_stream<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> String {
    let mut emitter = Emitter::default();
    for (at, node) in nodes.into_iter().enumerate() {
        if at > 0 {
            emitter.out.push_str("---\n");
        }
        emitter.document(node);
    }
    emitter.out
}

/// One document as YAML, and the origin of its bytes, one part for each scalar.
#[must_use]
pub fn emit_with_parts(node: &Node) -> (String, Vec<TextPart>) {
    let mut emitter = Emitter { parts: Some(Vec::new()), ..Emitter::default() };
    emitter.document(node);
    (emitter.out, emitter.parts.unwrap_or_default())
}

#[derive(Default)]
struct Emitter {
    out: String,
    parts: Option<Vec<TextPart>>,
}

impl Emitter {
    fn document(&mut self, node: &Node) {
        match &node.value {
            Value::Mapping(mapping) if !mapping.is_empty() => self.mapping(mapping, 0, false),
            Value::Sequence(items) if !items.is_empty() => self.sequence(items, 0, false),
            _ => self.scalar(node, 0),
        }
    }

    /// Writes the entries of a mapping. `inline`: the first one continues the line of a list item.
    fn mapping(&mut self, mapping: &Mapping, indent: usize, inline: bool) {
        for (at, entry) in mapping.iter().enumerate() {
            if at > 0 || !inline {
                self.indent(indent);
            }
            if entry.key.len() > MAX_PLAIN_KEY {
                self.out.push_str("? ");
                write_quoted(&mut self.out, &entry.key);
                self.out.push('\n');
                self.indent(indent);
            } else {
                write_key(&mut self.out, &entry.key);
            }
            self.out.push(':');
            match &entry.value.value {
                Value::Mapping(inner) if !inner.is_empty() => {
                    self.out.push('\n');
                    self.mapping(inner, indent + 2, false);
                }
                Value::Sequence(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.sequence(items, indent, false);
                }
                _ => {
                    self.out.push(' ');
                    self.scalar(&entry.value, indent);
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Node], indent: usize, inline: bool) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 || !inline {
                self.indent(indent);
            }
            self.out.push_str("- ");
            match &item.value {
                Value::Mapping(mapping) if !mapping.is_empty() => self.mapping(mapping, indent + 2, true),
                Value::Sequence(items) if !items.is_empty() => self.sequence(items, indent + 2, true),
                _ => self.scalar(item, indent),
            }
        }
    }

    /// Writes a scalar or an empty collection, and a line break.
    fn scalar(&mut self, node: &Node, indent: usize) {
        let start = self.out.len();
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(number) => _ = write!(self.out, "{number}"),
            Value::Float(number) => _ = write!(self.out, "{number:?}"),
            Value::String(text) if is_plain(text) => self.out.push_str(text),
            Value::String(text) if BLOCKS.with(|memo| memo.get(text, || is_block(text))) => {
                self.block(text, indent + 2);
                self.part(start, &node.origin);
                return;
            }
            Value::String(text) => write_quoted(&mut self.out, text),
            Value::Sequence(_) => self.out.push_str("[]"),
            Value::Mapping(_) => self.out.push_str("{}"),
        }
        self.part(start, &node.origin);
        self.out.push('\n');
    }

    fn block(&mut self, text: &str, indent: usize) {
        let body = text.trim_end_matches('\n');
        self.out.push_str(match text.len() - body.len() {
            0 => "|-\n",
            1 => "|\n",
            _ => "|+\n",
        });
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', body.as_bytes()).chain([body.len()]) {
            if end > start {
                self.indent(indent);
                self.out.push_str(&body[start..end]);
            }
            self.out.push('\n');
            start = end + 1;
        }
        for _ in 1..text.len() - body.len() {
            self.out.push('\n');
        }
    }

    fn part(&mut self, start: usize, origin: &Origin) {
        if let Some(parts) = &mut self.parts {
            parts.push(TextPart { start: start as u32, end: self.out.len() as u32, origin: origin.clone() });
        }
    }

    fn indent(&mut self, width: usize) {
        const BLANKS: &str = "                                ";
        let mut left = width;
        while left > 0 {
            let some = left.min(BLANKS.len());
            self.out.push_str(&BLANKS[..some]);
            left -= some;
        }
    }
}

fn write_key(out: &mut String, key: &str) {
    if is_plain(key) { out.push_str(key) } else { write_quoted(out, key) }
}

/// The byte requires quotes.
const UNSAFE: u8 = 1;
/// The byte does not occur in numbers and dates.
const LETTER: u8 = 2;
/// A space, which must not follow a colon.
const BLANK: u8 = 4;

/// The class of each byte in a plain scalar.
const CLASSES: [u8; 256] = {
    let mut classes = [UNSAFE; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b' ' => BLANK,
            b'a'..=b'f' | b'o' | b't' | b'x' | b'z' | b'A'..=b'F' | b'O' | b'T' | b'X' | b'Z' => 0,
            b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' | b':' | b'@' | b'+' | b'=' => 0,
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            _ => UNSAFE,
        };
        byte += 1;
    }
    classes
};

/// Whether every reader reads the plain scalar as this string.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !(first.is_ascii_alphanumeric() || *first == b'/') || matches!(last, b':' | b' ') {
        return false;
    }
    // Four at a time without an early exit: most strings are short and safe.
    let class = |byte: u8| CLASSES[usize::from(byte)];
    let four = |classes, [a, b, c, d]: &[u8; 4]| classes | class(*a) | class(*b) | class(*c) | class(*d);
    let mut classes = 0;
    for piece in bytes.chunks(64) {
        let (fours, rest) = piece.as_chunks::<4>();
        classes = fours.iter().fold(classes, four);
        classes = rest.iter().fold(classes, |classes, byte| classes | class(*byte));
        if classes & UNSAFE != 0 {
            return false;
        }
    }
    if classes & BLANK != 0 && text.contains(": ") {
        return false;
    }
    // Only what starts with a digit can be a number or a date, and a letter that occurs in neither excludes both.
    (classes & LETTER != 0 || !first.is_ascii_digit()) && !is_word(text)
}

/// Words that some reader reads as a boolean, a null or a number.
fn is_word(text: &str) -> bool {
    let words: &[&str] = match text.len() {
        1 => &["y", "n"],
        2 => &["no", "on"],
        3 => &["yes", "off", "nil", "inf", "nan"],
        4 => &["true", "null", "none"],
        5 => &["false"],
        8 => &["infinity"],
        _ => &[],
    };
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a string survives as a literal block: it has several lines, the first non-empty one does not start with a
/// space, no line ends in one, and everything is printable.
fn is_block(text: &str) -> bool {
    if !text.as_bytes().contains(&b'\n') || text.ends_with([' ', '\t']) {
        return false;
    }
    let first = text.trim_start_matches('\n');
    if first.is_empty() || first.starts_with([' ', '\t']) {
        return false;
    }
    // Without an early exit, so that the loop is vectorized.
    let bytes = text.as_bytes();
    let control = |byte: u8| (byte < b' ') & (byte != b'\n') & (byte != b'\t') | (byte == 0x7f);
    let blank = |byte: u8| (byte == b' ') | (byte == b'\t');
    let controls = bytes.iter().fold(false, |found, byte| found | control(*byte));
    let trailing = bytes.iter().zip(&bytes[1..]).fold(false, |found, (a, b)| found | (blank(*a) & (*b == b'\n')));
    !controls && !trailing && (text.is_ascii() || text.chars().all(|c| c.is_ascii() || is_printable(c)))
}

/// Characters that change the writing direction, so that a string looks different from what it is.
pub(crate) const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Whether every reader accepts the character unescaped, and displays it in its position.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c if is_bidi(c) => false,
        '\u{a1}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => true,
        _ => false,
    }
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x100 => _ = write!(out, "\\x{:02x}", c as u32),
            c if (c as u32) < 0x1_0000 => _ = write!(out, "\\u{:04x}", c as u32),
            c => _ = write!(out, "\\U{:08x}", c as u32),
        }
    }
    out.push('"');
}
