//! Who set this? The merged values with their layers, and output fields with the template lines and values they were
//! made from; all of it read from the origins that nodes carry.

mod find;
mod json;
mod object;
mod terminal;
mod unused;

use crate::diff::{Hide, bare_name};
use crate::layers::Values;
use crate::node::{Input, Node, Origin};
use crate::report::plain;
use crate::secret::DOTS;
use crate::source::{Sources, Span};

pub use find::{Found, find_field, find_object, near_fields};
pub use json::json;
pub use object::annotated;
pub use terminal::terminal;
pub use unused::{Unused, unused};

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// The merged values of a profile.
    Values(Vec<Value>),
    /// An output field.
    Field(Box<Field>),
    /// All fields of an object.
    Fields(Vec<Field>),
    /// The values that reach no output, and those that change nothing.
    Unused(Vec<Unused>),
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its path in the profile: `expose.nodePort`.
    pub path: String,
    /// The value on one line; a secret as dots.
    pub value: String,
    /// Where it was set.
    pub span: Span,
    /// What it beat, latest first.
    pub beat: Vec<(String, Span)>,
}

/// An output field and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `Service/datastorage`.
    pub object: String,
    /// The field as the API server writes it; within a text the path in it follows.
    pub field: String,
    /// The value on one line; a secret as dots.
    pub value: String,
    /// The template's place.
    pub span: Span,
    /// The expression that made it; `None` where the template says it as it stands.
    pub expression: Option<String>,
    /// Whether the name of an object with a hash of its content was put in its place.
    pub content_name: bool,
    /// The profile values that the expression read.
    pub inputs: Vec<Value>,
}

/// The merged values, in their order.
#[must_use]
pub fn values(values: &Values, hide: &Hide<'_>) -> Vec<Value> {
    values.leaves().into_iter().map(|(path, node)| value(path, node, hide)).collect()
}

fn value(path: String, node: &Node, hide: &Hide<'_>) -> Value {
    let secret = node.origin.is_secret();
    let line = |node: &Node| if secret { DOTS.to_owned() } else { hide.line(node) };
    Value {
        value: line(node),
        span: node.origin.span,
        beat: node.origin.beat().iter().map(|beaten| (line(beaten), beaten.origin.span)).collect(),
        path: plain(&path),
    }
}

/// What an output field was made from.
#[must_use]
pub fn field(object: &str, found: &Found<'_>, sources: &Sources, hide: &Hide<'_>) -> Field {
    let input = |input: &Input| value(input.path.to_string(), &input.node, hide);
    let secret = found.origin.is_secret() || found.secret;
    Field {
        object: plain(object),
        field: plain(&found.field),
        value: if secret { DOTS.to_owned() } else { hide.line(&found.node) },
        span: found.origin.span,
        expression: expression(found.origin),
        content_name: bare_name(found.node.text()).is_some_and(|bare| sources.text(found.origin.span).contains(bare)),
        inputs: found.origin.inputs().iter().map(input).collect(),
    }
}

fn expression(origin: &Origin) -> Option<String> {
    origin.derived.as_ref().and_then(|derived| derived.expression.as_ref()).map(ToString::to_string)
}

/// `profiles/gateway.yaml:5:20`; empty for what stands in no file.
fn place(sources: &Sources, span: Span) -> String {
    if span.is_none() { String::new() } else { plain(&sources.describe(span)) }
}
