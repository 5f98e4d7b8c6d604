//! Trees as bytes: the build packs the built-in files, so that they need not be parsed again.
//!
//! A tree is packed along with its source. A scalar that occurs verbatim in the source is stored as its position
//! there. Numbers have seven bits in each byte, the lowest first.

use ecow::{EcoString, EcoVec};

use crate::node::{Mapping, Node, Value};
use crate::source::{FileId, Span};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const SEQUENCE: u8 = 5;
const MAPPING: u8 = 6;
const STRING: u8 = 7;

/// A string that is in the source at its position, or after a quote.
const PLAIN: u8 = 0;
const QUOTED: u8 = 1;
/// A string with line breaks or escapes, which follows.
const OWN: u8 = 2;

/// Packs the documents read from a string, without merged or rendered values.
#[must_use]
pub fn pack(documents: &[Node], text: &str) -> Vec<u8> {
    let mut packer = Packer { text, bytes: Vec::new() };
    packer.number(documents.len());
    documents.iter().for_each(|document| packer.node(document));
    packer.bytes
}

/// Unpacks documents, with positions in `file`. `None` if the bytes are invalid.
#[must_use]
pub fn unpack(bytes: &[u8], text: &str, file: FileId) -> Option<Vec<Node>> {
    let mut unpacker = Unpacker { bytes, text, file };
    let documents = unpacker.number()?;
    (0..documents).map(|_| unpacker.node()).collect()
}

struct Packer<'a> {
    text: &'a str,
    bytes: Vec<u8>,
}

impl Packer<'_> {
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn span(&mut self, span: Span) {
        self.number(span.start as usize);
        self.number((span.end - span.start) as usize);
    }

    fn string(&mut self, string: &str, span: Span) {
        self.span(span);
        let written = self.text.get(span.start as usize..).unwrap_or_default();
        let how = match written.strip_prefix(['"', '\'']) {
            _ if written.starts_with(string) => PLAIN,
            Some(written) if written.starts_with(string) => QUOTED,
            _ => OWN,
        };
        self.bytes.push(how);
        self.number(string.len());
        if how == OWN {
            self.bytes.extend_from_slice(string.as_bytes());
        }
    }

    fn node(&mut self, node: &Node) {
        let span = node.origin.span;
        let mut simple = |tag, rest: &[u8]| {
            self.bytes.push(tag);
            self.bytes.extend_from_slice(rest);
            self.span(span);
        };
        match &node.value {
            Value::Null => simple(NULL, &[]),
            Value::Bool(value) => simple(if *value { TRUE } else { FALSE }, &[]),
            Value::Int(number) => simple(INT, &number.to_le_bytes()),
            Value::Float(number) => simple(FLOAT, &number.to_le_bytes()),
            Value::String(text) => {
                self.bytes.push(STRING);
                self.string(text, span);
            }
            Value::Sequence(items) => {
                simple(SEQUENCE, &[]);
                self.number(items.len());
                items.iter().for_each(|item| self.node(item));
            }
            Value::Mapping(mapping) => {
                simple(MAPPING, &[]);
                self.number(mapping.len());
                for entry in mapping {
                    self.string(&entry.key, entry.key_span);
                    self.node(&entry.value);
                }
            }
        }
    }
}

struct Unpacker<'a> {
    bytes: &'a [u8],
    text: &'a str,
    file: FileId,
}

impl<'a> Unpacker<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn span(&mut self) -> Option<Span> {
        let start = u32::try_from(self.number()?).ok()?;
        let length = u32::try_from(self.number()?).ok()?;
        Some(Span::new(self.file, start, start.checked_add(length)?))
    }

    fn string(&mut self) -> Option<(EcoString, Span)> {
        let span = self.span()?;
        let written = self.text.get(span.start as usize..);
        let (how, length) = (self.byte()?, self.number()?);
        let string = match how {
            PLAIN => written?.get(..length)?,
            QUOTED => written?.get(1..)?.get(..length)?,
            OWN => std::str::from_utf8(self.take(length)?).ok()?,
            _ => return None,
        };
        Some((string.into(), span))
    }

    fn node(&mut self) -> Option<Node> {
        let value = match self.byte()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(i64::from_le_bytes(self.eight()?)),
            FLOAT => Value::Float(f64::from_le_bytes(self.eight()?)),
            STRING => return self.string().map(|(string, span)| Node::new(string, span)),
            SEQUENCE => return self.sequence(),
            MAPPING => return self.mapping(),
            _ => return None,
        };
        Some(Node::new(value, self.span()?))
    }

    fn sequence(&mut self) -> Option<Node> {
        let (span, length) = (self.span()?, self.number()?);
        let items: EcoVec<Node> = (0..length).map(|_| self.node()).collect::<Option<_>>()?;
        Some(Node::new(items, span))
    }

    fn mapping(&mut self) -> Option<Node> {
        let (span, length) = (self.span()?, self.number()?);
        // An entry has at least as many bytes as it has parts, whatever the number is.
        let mut mapping = Mapping::with_capacity(length.min(self.bytes.len()));
        for _ in 0..length {
            let (key, key_span) = self.string()?;
            mapping.push(key, key_span, self.node()?);
        }
        Some(Node::new(mapping, span))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::built_in::FILES;
    use crate::yaml::{Dialect, load_text};

    /// Compares positions as well, unlike `==`.
    fn whole(documents: &[Node]) -> String {
        format!("{documents:#?}")
    }

    #[test]
    fn every_built_in_tree_is_that_of_its_text() {
        for file in FILES {
            assert_eq!(file.path.ends_with(".yaml"), !file.tree.is_empty(), "{}", file.path);
            if !file.tree.is_empty() {
                let read = load_text(file.text, FileId(7), Dialect::Strict);
                let unpacked = unpack(file.tree, file.text, FileId(7)).unwrap();
                assert_eq!(whole(&unpacked), whole(&read.documents), "{}", file.path);
            }
        }
    }

    #[test]
    fn every_kind_of_value_comes_back() {
        let text = "a: [null, true, false, -7, 1.5, plain, \"quo ted\", 'it''s', \"tab\\t\", {}, []]\n\
                    \"k y\": |\n  two\n  lines\nb: >-\n  fol\n  ded\n---\n- ä\n- \"ä\\n\"\n";
        let read = load_text(text, FileId(0), Dialect::Strict);
        assert_eq!(read.documents.len(), 2, "{:?}", read.findings);
        let bytes = pack(&read.documents, text);
        assert_eq!(whole(&unpack(&bytes, text, FileId(0)).unwrap()), whole(&read.documents));
        for length in 0..bytes.len() {
            assert!(unpack(&bytes[..length], text, FileId(0)).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn other_bytes_are_rejected_or_read_differently() {
        let text = "a: {b: [1, two]}\n";
        let bytes = pack(&load_text(text, FileId(0), Dialect::Strict).documents, text);
        for at in 0..bytes.len() {
            for value in [0, 1, 7, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                // Random bytes must not cause a panic or an endless list.
                _ = unpack(&damaged, text, FileId(0));
            }
        }
    }
}
