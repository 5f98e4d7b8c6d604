//! Explains where values come from: the merged values with their layers, and rendered fields with the template lines
//! and values they were made from. All of it is read from the origins of nodes.

mod find;
mod json;
mod object;
mod terminal;
mod unused;

use std::borrow::Cow;

use crate::bundle::bare_name;
use crate::diff::Redactor;
use crate::layers::Values;
use crate::node::{self, Input, Node, Origin};
use crate::report::plain;
use crate::secret::{REDACTED, typed};
use crate::source::{Sources, Span};

pub use find::{FoundField, find_field, find_object, near_fields};
pub use json::json;
pub use object::{AnnotatedLine, annotated, lines};
pub use terminal::terminal;
pub use unused::{Unused, unused};

/// What `explain` shows.
#[derive(Debug)]
pub enum Answer {
    /// The merged values of a profile.
    Values(Vec<ProfileValue>),
    /// A rendered field.
    Field(Box<RenderedField>),
    /// All fields of an object.
    Fields(Vec<RenderedField>),
    /// The values that are not used or change nothing.
    Unused(Vec<Unused>),
}

/// A value and the layer that set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileValue {
    /// Its path in the profile: `expose.nodePort`.
    pub path: String,
    /// The value on one line; a secret is redacted.
    pub value: String,
    /// Where it was set.
    pub span: Span,
    /// The values that it overrode, latest first.
    pub overridden: Vec<(String, Span)>,
}

/// A rendered field and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedField {
    /// `Service/datastorage`.
    pub object: String,
    /// The field as the API server writes it; a path within a string follows it.
    pub field: String,
    /// The value on one line; a secret is redacted.
    pub value: String,
    /// The position in the template.
    pub span: Span,
    /// The expression that produced it; `None` if it is literal in the template.
    pub expression: Option<String>,
    /// Whether it is the name of an object with a content hash.
    pub content_name: bool,
    /// The profile values that the expression read.
    pub inputs: Vec<ProfileValue>,
    /// The values that patches replaced, latest first.
    pub overridden: Vec<(String, Span)>,
}

/// The merged values, in their order.
#[must_use]
pub fn values(values: &Values, redactor: &Redactor<'_>) -> Vec<ProfileValue> {
    values.leaves().into_iter().map(|(path, node)| value(path, node, redactor)).collect()
}

fn value(path: String, node: &Node, redactor: &Redactor<'_>) -> ProfileValue {
    let secret = node.origin.is_secret();
    let line = |node: &Node| if secret { REDACTED.to_owned() } else { redactor.line(node) };
    ProfileValue {
        value: line(node),
        span: node.origin.span,
        overridden: node
            .origin
            .overridden()
            .iter()
            .map(|overridden| (line(overridden), overridden.origin.span))
            .collect(),
        // Without a space after the colon, the value is part of the key.
        path: plain(&typed(&path)),
    }
}

/// What a rendered field was made from.
#[must_use]
pub fn field(object: &str, found: &FoundField<'_>, sources: &Sources, redactor: &Redactor<'_>) -> RenderedField {
    let input = |input: &Input| value(input.path.to_string(), &input.node, redactor);
    let secret = found.origin.is_secret() || found.secret;
    let shown = |node: &Node| if secret { REDACTED.to_owned() } else { redactor.line(node) };
    RenderedField {
        object: plain(object),
        field: plain(&found.field),
        value: shown(&found.node),
        span: found.origin.span,
        expression: expression(found.origin).map(|text| if secret { without_texts(&text) } else { text }),
        content_name: bare_name(found.node.text()).is_some_and(|bare| sources.text(found.origin.span).contains(bare)),
        inputs: found.origin.inputs().iter().map(input).collect(),
        overridden: found.origin.overridden().iter().map(|node| (shown(node), node.origin.span)).collect(),
    }
}

/// What the value on a line of an object was made from; `line` is of the redacted object.
#[must_use]
pub fn origin(
    object: &str,
    line: &AnnotatedLine,
    origin: &Origin,
    sources: &Sources,
    redactor: &Redactor<'_>,
) -> RenderedField {
    let value = &line.text[line.value.clone()];
    let node = Node { value: node::Value::String(value.into()), origin: origin.clone() };
    let secret = value.contains(REDACTED);
    field(object, &FoundField { field: line.field.clone(), node: Cow::Owned(node), origin, secret }, sources, redactor)
}

fn expression(origin: &Origin) -> Option<String> {
    origin.derived.as_ref().and_then(|derived| derived.expression.as_ref()).map(ToString::to_string)
}

/// An expression with its string literals redacted, since one of them may be the secret that it produces.
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
        shown.push_str(if end > 0 { REDACTED } else { "" });
        shown.push_str(quote);
        rest = text.get(end + 1..).unwrap_or_default();
    }
    shown + rest
}

/// `profiles/gateway.yaml:5:20`; empty for a value that is not from a file.
fn position(sources: &Sources, span: Span) -> String {
    if span.is_none() { String::new() } else { plain(&sources.describe(span)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_literals_of_an_expression_are_redacted() {
        for (text, shown) in [
            ("database.password", "database.password"),
            (r#"password or "a\"b" | f('c', '')"#, r#"password or "•••" | f('•••', '')"#),
            ("a or 'b", "a or '•••'"),
        ] {
            assert_eq!(without_texts(text), shown);
        }
    }
}
