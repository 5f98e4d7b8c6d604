//! The faults that validation reports.

use crate::node::Node;
use crate::source::Span;

/// How many faults of one object are reported; the API server's decoder also stops after a hundred.
pub(crate) const MOST_FAULTS: usize = 100;

/// A field that does not match its schema, or that the API server's decoder rejects.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault<'n> {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The value; for a missing field, the mapping that lacks it.
    pub node: &'n Node,
    /// The key to underline instead of the value: that of an unknown field, or the first of a mapping that lacks a field.
    pub key_span: Span,
    /// The path of the field.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The label of the underlined text; may be empty.
    pub label: String,
    /// What to do; may be empty.
    pub help: String,
    /// Whether the value is not among those that the schema lists.
    pub(crate) choice: bool,
}

impl<'n> Fault<'n> {
    /// A fault of a value.
    pub(crate) fn new(kind: FaultKind, node: &'n Node, field: String, message: String) -> Self {
        let (label, help) = (String::new(), String::new());
        Self { kind, node, key_span: Span::NONE, field, message, label, help, choice: false }
    }

    /// The text to underline.
    #[must_use]
    pub const fn span(&self) -> Span {
        if self.key_span.is_none() { self.node.origin.span } else { self.key_span }
    }
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The field is unknown.
    Unknown,
    /// A required field is missing.
    Missing,
    /// The value has the wrong type or cannot be decoded.
    Type,
    /// The value has the right type, but is invalid.
    Invalid,
}
