//! A whole object as YAML, annotated with the origin of each line.

use std::fmt::Write as _;
use std::ops::Range;

use crate::explain::position;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Node, Origin, Value};
use crate::path::{FieldPath, Segment};
use crate::report::plain;
use crate::source::Sources;
use crate::yaml;

/// The column where annotations start.
const MARGIN: usize = 64;

/// A line of the YAML of an object.
#[derive(Debug, Default)]
pub struct AnnotatedLine {
    /// The line.
    pub text: String,
    /// The field whose value is on the line, as the API server writes it; empty if there is none.
    pub field: String,
    /// The range of the value in the line.
    pub value: Range<usize>,
    /// The origin of the value; `None` if there is no value on the line.
    pub origin: Option<Origin>,
    /// Whether it is a line of a block scalar rather than of the object's own YAML.
    pub is_content: bool,
}

/// The lines of a tree's YAML, with the origin of the value on each.
#[must_use]
pub fn lines(node: &Node) -> Vec<AnnotatedLine> {
    let (text, parts) = yaml::emit_with_parts(node);
    let mut starts = Vec::new();
    let mut lines: Vec<AnnotatedLine> = Vec::new();
    for line in text.split_inclusive('\n') {
        starts.push(starts.last().map_or(0, |start| start + lines[lines.len() - 1].text.len() + 1));
        lines.push(AnnotatedLine { text: line.trim_end_matches('\n').to_owned(), ..AnnotatedLine::default() });
    }
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset).saturating_sub(1);
    let (mut texts, mut fields) = (Vec::new(), Vec::new());
    collect_texts(node, &mut texts);
    let shape = Shape::built_in(node, KubernetesVersion::default());
    collect_fields(node, shape, &mut FieldPath::default(), &mut fields);
    let mut texts = texts.into_iter();
    for (part, field) in parts.into_iter().zip(fields) {
        let (start, end) = (part.start as usize, part.end as usize);
        let at = line_of(start);
        let value = &text[start..end];
        let is_block = value.starts_with(['|', '>']) && value.contains('\n');
        if is_block {
            lines[at + 1..=line_of(end - 1)].iter_mut().for_each(|line| line.is_content = true);
        }
        let inner = part.origin.derived.as_ref().map_or(&[][..], |derived| &derived.text_parts);
        // A string serialized from a tree: its lines follow the header, one by one.
        let made = if inner.is_empty() || !is_block {
            None
        } else {
            texts.find(|text| text.matches('\n').count() == value.matches('\n').count() - 1)
        };
        if let Some(made) = made {
            for leaf in inner {
                let before = made.get(..leaf.start as usize).unwrap_or_default();
                let above = before.matches('\n').count();
                if let Some(line) = lines.get_mut(at + 1 + above) {
                    // Within its line it follows the indentation of the block.
                    let start = before.rfind('\n').map_or(0, |end| end + 1);
                    let indent = line.text.len().saturating_sub(made[start..].lines().next().map_or(0, str::len));
                    let from = (before.len() - start + indent).min(line.text.len());
                    let length = made.get(before.len()..leaf.end as usize).unwrap_or_default().trim_end().len();
                    line.value = from..(from + length).min(line.text.len());
                    line.field.clone_from(&field);
                    line.origin = Some(leaf.origin.clone());
                }
            }
            continue;
        }
        let line = &mut lines[at];
        let from = start - starts[at];
        line.value = from..(end - starts[at]).min(line.text.len());
        line.field = field;
        line.origin = Some(part.origin);
    }
    lines
}

/// The YAML of a redacted tree; each scalar is annotated with the profile values it was made from, or else with the
/// template's line.
#[must_use]
pub fn annotated(node: &Node, sources: &Sources, colour: bool) -> String {
    let (dim, off) = if colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let mut out = String::new();
    for line in lines(node) {
        let text = &line.text;
        match line.origin.map(|origin| note(&origin, sources)).filter(|note| !note.is_empty()) {
            Some(note) => {
                let pad = MARGIN.saturating_sub(text.chars().count()).max(2);
                let _ = writeln!(out, "{text}{:pad$}{dim}# {note}{off}", "");
            }
            None => {
                let _ = writeln!(out, "{text}");
            }
        }
    }
    out
}

/// The fields of the scalars and empty collections of a tree, in output order.
fn collect_fields(node: &Node, shape: Shape<'_>, path: &mut FieldPath, fields: &mut Vec<String>) {
    match &node.value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            for entry in mapping.iter() {
                path.0.push(shape.segment(&entry.key));
                collect_fields(&entry.value, shape.field(&entry.key), path, fields);
                path.0.pop();
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                path.0.push(Segment::Index(at));
                collect_fields(item, shape.items(), path, fields);
                path.0.pop();
            }
        }
        _ => fields.push(plain(&path.to_string())),
    }
}

/// The strings that were serialized from trees, in output order.
fn collect_texts<'a>(node: &'a Node, texts: &mut Vec<&'a str>) {
    match &node.value {
        Value::String(text) if node.origin.derived.as_ref().is_some_and(|derived| !derived.text_parts.is_empty()) => {
            texts.push(text);
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Mapping(mapping) => mapping.iter().for_each(|entry| collect_texts(&entry.value, texts)),
        _ => {}
    }
}

fn note(origin: &Origin, sources: &Sources) -> String {
    let inputs: Vec<String> = origin
        .inputs()
        .iter()
        .take(2)
        .map(|input| match position(sources, input.node.origin.span).as_str() {
            "" => plain(&input.path),
            position => format!("{} {position}", plain(&input.path)),
        })
        .collect();
    let more = origin.inputs().len().saturating_sub(2);
    match (inputs.is_empty(), more) {
        (true, _) => position(sources, origin.span),
        (false, 0) => inputs.join(", "),
        (false, more) => format!("{}, {more} more", inputs.join(", ")),
    }
}
