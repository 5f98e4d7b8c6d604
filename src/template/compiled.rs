//! Compiled templates: trees of static nodes, expressions and directives.

use ecow::EcoString;

use crate::node::Node;
use crate::source::{FileId, Span};
use crate::template::files::{FileSelection, Manifests};
use crate::template::include::Include;

/// A node of a compiled template.
#[derive(Debug)]
pub(super) enum CompiledNode {
    /// Does not depend on the profile. `nodes` and `bytes` are its size.
    Static { node: Node, nodes: usize, bytes: usize },
    /// A single expression, whose result keeps its type.
    Whole(ExpressionSite),
    /// A string that contains expressions.
    Text(TextTemplate),
    /// A mapping with non-static values.
    Mapping(Vec<CompiledField>, Span),
    /// A list with non-static items.
    Sequence(Vec<CompiledItem>, Span),
    /// A tree that is serialized to a string.
    Tree(TreeFormat, Box<CompiledItem>, Span),
    /// An included partial with its parameters.
    Include(Box<Include>),
    /// Files selected by an expression or a pattern.
    Files(Box<FileSelection>),
    /// Objects of manifests, unchanged; only as a whole document.
    Manifests(Box<Manifests>),
}

/// The format of a serialized tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeFormat {
    Yaml,
    Json,
}

/// A string that contains expressions.
#[derive(Debug)]
pub(super) struct TextTemplate {
    pub(super) pieces: Vec<TemplatePiece>,
    /// The scalar as written in the template.
    pub(super) source: EcoString,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum TemplatePiece {
    Plain(EcoString),
    Expression(ExpressionSite),
}

/// An occurrence of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpressionSite {
    /// The index of the expression.
    pub(super) expression: usize,
    /// The scalar that contains it.
    pub(super) scalar: Span,
    /// The expression itself, without braces; the whole scalar if escapes or folding make its position unknown.
    pub(super) span: Span,
}

/// A node with its `$if` and `$for`.
#[derive(Debug)]
pub(super) struct CompiledItem {
    /// The `$if` that is evaluated once, before the list of `$for`.
    pub(super) guard: Option<Condition>,
    pub(super) each: Option<ForDirective>,
    /// The `$if` that is evaluated in each iteration.
    pub(super) when: Option<Condition>,
    pub(super) part: CompiledNode,
}

/// `$for`.
#[derive(Debug)]
pub(super) struct ForDirective {
    pub(super) name: EcoString,
    pub(super) list: ExpressionSite,
}

/// `$if`.
#[derive(Debug)]
pub(super) enum Condition {
    Fixed(bool),
    Computed(ExpressionSite),
}

/// An entry of a mapping.
#[derive(Debug)]
pub(super) struct CompiledField {
    pub(super) key: FieldKey,
    pub(super) key_span: Span,
    pub(super) item: CompiledItem,
}

#[derive(Debug)]
pub(super) enum FieldKey {
    Plain(EcoString),
    Computed(TextTemplate),
    /// No key: the value is a mapping whose entries are inserted here.
    Spread,
}

/// A document of a template.
#[derive(Debug)]
pub(super) struct CompiledDocument {
    pub(super) item: CompiledItem,
    /// The template.
    pub(super) file: FileId,
    /// Whether it is instantiated after the others, because an expression depends on them.
    pub(super) late: bool,
}
