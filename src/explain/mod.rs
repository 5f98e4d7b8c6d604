//! Who set this? The merged values with their layers, and output fields with the template lines and values they were
//! made from; all of it read from the origins that nodes carry.

mod find;
mod json;
mod object;
mod terminal;
mod unused;

use std::borrow::Cow;

use crate::bundle::bare_name;
use crate::diff::Hide;
use crate::layers::Values;
use crate::node::{self, Input, Node, Origin};
use crate::report::plain;
use crate::secret::{DOTS, typed};
use crate::source::{Sources, Span};

pub use find::{Found, find_field, find_object, near_fields};
pub use json::json;
pub use object::{Line, annotated, lines};
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
    /// What patches replaced, latest first.
    pub beat: Vec<(String, Span)>,
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
        // A value that lacks the blank before it stands in the key.
        path: plain(&typed(&path)),
    }
}

/// What an output field was made from.
#[must_use]
pub fn field(object: &str, found: &Found<'_>, sources: &Sources, hide: &Hide<'_>) -> Field {
    let input = |input: &Input| value(input.path.to_string(), &input.node, hide);
    let secret = found.origin.is_secret() || found.secret;
    let shown = |node: &Node| if secret { DOTS.to_owned() } else { hide.line(node) };
    Field {
        object: plain(object),
        field: plain(&found.field),
        value: shown(&found.node),
        span: found.origin.span,
        expression: expression(found.origin).map(|text| if secret { without_texts(&text) } else { text }),
        content_name: bare_name(found.node.text()).is_some_and(|bare| sources.text(found.origin.span).contains(bare)),
        inputs: found.origin.inputs().iter().map(input).collect(),
        beat: found.origin.beat().iter().map(|node| (shown(node), node.origin.span)).collect(),
    }
}

/// What the value on a line of an object was made from; `line` is of the object without its secrets.
#[must_use]
pub fn origin(object: &str, line: &Line, origin: &Origin, sources: &Sources, hide: &Hide<'_>) -> Field {
    let value = &line.text[line.value.clone()];
    let node = Node { value: node::Value::String(value.into()), origin: origin.clone() };
    let secret = value.contains(DOTS);
    field(object, &Found { field: line.field.clone(), node: Cow::Owned(node), origin, secret }, sources, hide)
}

fn expression(origin: &Origin) -> Option<String> {
    origin.derived.as_ref().and_then(|derived| derived.expression.as_ref()).map(ToString::to_string)
}

/// An expression without the texts in quotes, of which one may be the secret that it makes.
fn without_texts(expression: &str) -> String {
    let mut shown = String::new();
    let mut rest = expression;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = &rest[at..=at];
        let text = &rest[at + 1..];
        let mut escaped = false;
        let end = text.find(|c| {
            let ends = !escaped && quote.starts_with(c);
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.unwrap_or(text.len());
        shown.push_str(&rest[..=at]);
        shown.push_str(if end > 0 { DOTS } else { "" });
        shown.push_str(quote);
        rest = text.get(end + 1..).unwrap_or_default();
    }
    shown + rest
}

/// `profiles/gateway.yaml:5:20`; empty for what stands in no file.
fn place(sources: &Sources, span: Span) -> String {
    if span.is_none() { String::new() } else { plain(&sources.describe(span)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_shown_without_its_texts() {
        for (text, shown) in [
            ("database.password", "database.password"),
            (r#"password or "a\"b" | f('c', '')"#, r#"password or "•••" | f('•••', '')"#),
            ("a or 'b", "a or '•••'"),
        ] {
            assert_eq!(without_texts(text), shown);
        }
    }
}
