//! What a template is compiled to: a tree of static parts, expressions and directives.

use ecow::EcoString;

use crate::node::Node;
use crate::source::{FileId, Span};
use crate::template::files::{Choice, Manifests};
use crate::template::include::Include;

/// A part of a template.
#[derive(Debug)]
pub(super) enum Part {
    /// Nothing in it depends on the profile; its nodes and bytes are counted.
    Static { node: Node, nodes: usize, bytes: usize },
    /// One expression: the result keeps its type.
    Whole(Site),
    /// Text and expressions.
    Text(Text),
    /// A mapping, some of it not static.
    Mapping(Vec<Field>, Span),
    /// A list, some of it not static.
    Sequence(Vec<Item>, Span),
    /// A tree that becomes text.
    Tree(Format, Box<Item>, Span),
    /// A part of another file, with parameters.
    Include(Box<Include>),
    /// Files that an expression or a pattern chooses.
    Files(Box<Choice>),
    /// Objects of manifests as they are; a whole document only.
    Manifests(Box<Manifests>),
}

/// How a tree becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
}

/// Text with expressions in it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) pieces: Vec<TextPiece>,
    /// The scalar as it is written.
    pub(super) source: EcoString,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum TextPiece {
    Plain(EcoString),
    Expression(Site),
}

/// A place where an expression stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    /// Which one.
    pub(super) expression: usize,
    /// The scalar it stands in.
    pub(super) scalar: Span,
    /// The expression itself, without the braces; the scalar where escapes or folding hide it.
    pub(super) span: Span,
}

/// A part with the directives beside it.
#[derive(Debug)]
pub(super) struct Item {
    /// The `$if` that is asked once, before the list of `$for` is read.
    pub(super) guard: Option<When>,
    pub(super) each: Option<Each>,
    /// The `$if` that is asked in each round.
    pub(super) when: Option<When>,
    pub(super) part: Part,
}

/// `$for`.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) name: EcoString,
    pub(super) list: Site,
}

/// `$if`.
#[derive(Debug)]
pub(super) enum When {
    Fixed(bool),
    Computed(Site),
}

/// An entry of a mapping.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Key,
    pub(super) key_span: Span,
    pub(super) item: Item,
}

#[derive(Debug)]
pub(super) enum Key {
    Plain(EcoString),
    Computed(Text),
    /// None: the entries of the mapping that the value comes out as stand here.
    Spread,
}

/// A document of a template.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) item: Item,
    /// The template.
    pub(super) file: FileId,
    /// Whether it is made after the others, because an expression needs them.
    pub(super) late: bool,
}
