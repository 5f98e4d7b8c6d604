//! Answers for a terminal.

use std::fmt::Write as _;

use crate::explain::unused::UnusedReason;
use crate::explain::{Answer, ProfileValue, RenderedField, Unused, position};
use crate::report::plain;
use crate::secret::typed;
use crate::source::{Sources, Span};
use crate::suggest;

/// Longer values are truncated in the list.
const LONGEST: usize = 44;

/// An answer as text. `is_base`: whether a position is in the base, whose values are dimmed.
#[must_use]
pub fn terminal(answer: &Answer, sources: &Sources, colour: bool, is_base: &dyn Fn(Span) -> bool) -> String {
    let paint = |code: &'static str| if colour { code } else { "" };
    let (bold, dim, off) = (paint("\x1b[1m"), paint("\x1b[2m"), paint("\x1b[0m"));
    match answer {
        Answer::Values(found) => values(found, sources, [bold, dim, off], is_base),
        Answer::Field(one) => field(one, sources, [bold, dim, off]),
        Answer::Fields(fields) => fields.iter().map(|one| field(one, sources, [bold, dim, off])).collect(),
        Answer::Unused(found) => unused(found, sources),
    }
}

fn values(
    values: &[ProfileValue],
    sources: &Sources,
    [bold, dim, off]: [&str; 3],
    is_base: &dyn Fn(Span) -> bool,
) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let paths = width(&mut values.iter().map(|value| value.path.chars().count()));
    let shown = |value: &ProfileValue| cut(&value.value);
    let widest = width(&mut values.iter().map(|value| shown(value).chars().count()));
    let mut out = String::new();
    for value in values {
        let (on, path, text) = (if is_base(value.span) { dim } else { bold }, &value.path, shown(value));
        let _ = write!(out, "{on}{path:paths$}  {text:widest$}{off}  {}", position(sources, value.span));
        for (overridden, span) in &value.overridden {
            let _ = write!(out, "{dim}, was {} {}{off}", cut(overridden), position(sources, *span));
        }
        out.push('\n');
    }
    out
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn field(field: &RenderedField, sources: &Sources, [bold, dim, off]: [&str; 3]) -> String {
    let mut out = format!("{bold}{}{off}\n", field.value);
    let how = match &field.expression {
        Some(expression) => {
            format!("{{{{ {} }}}}", plain(&expression.split_whitespace().collect::<Vec<_>>().join(" ")))
        }
        None if field.content_name => "literal, with the content hash".to_owned(),
        None => "literal".to_owned(),
    };
    let _ = writeln!(out, "  written by   {}   {dim}{how}{off}", position(sources, field.span));
    for (overridden, span) in &field.overridden {
        let _ = writeln!(out, "  {dim}overrides    {}   was {}{off}", position(sources, *span), cut(overridden));
    }
    let paths = field.inputs.iter().map(|input| input.path.chars().count()).max().unwrap_or_default();
    let texts = field
        .inputs
        .iter()
        .flat_map(|input| std::iter::once(&input.value).chain(input.overridden.iter().map(|(text, _)| text)));
    let widest = texts.map(|text| cut(text).chars().count()).max().unwrap_or_default();
    for (at, input) in field.inputs.iter().enumerate() {
        let from = if at == 0 { "from" } else { "" };
        let (path, text) = (&input.path, cut(&input.value));
        let position = |span| match position(sources, span).as_str() {
            "" => "not from a file".to_owned(),
            position => position.to_owned(),
        };
        let _ = writeln!(out, "  {from:11}  {path:paths$}      {text:widest$}  {}", position(input.span));
        for (overridden, span) in &input.overridden {
            let (blank, text) = ("", cut(overridden));
            let _ = writeln!(out, "  {blank:11}  {blank:paths$}  {dim}was {text:widest$}  {}{off}", position(*span));
        }
    }
    out
}

fn unused(found: &[Unused], sources: &Sources) -> String {
    if found.is_empty() {
        return "every value is used\n".to_owned();
    }
    let width = found.iter().map(|unused| unused.path.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for unused in found {
        let why = match &unused.reason {
            UnusedReason::NotRead => "is not used".to_owned(),
            UnusedReason::Redundant(span) => format!("repeats what {} sets", position(sources, *span)),
            UnusedReason::DeletesNothing => "deletes a value that is not set".to_owned(),
        };
        let _ = writeln!(out, "{:width$}  {}  {why}", plain(&typed(&unused.path)), position(sources, unused.span));
    }
    let _ = writeln!(
        out,
        "{}",
        suggest::count(found.len(), "value") + if found.len() == 1 { " has no effect" } else { " have no effect" }
    );
    out
}
