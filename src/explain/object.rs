//! A whole object as YAML, with who set each line beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::explain::place;
use crate::node::{Node, Origin, Value};
use crate::report::plain;
use crate::source::Sources;
use crate::yaml;

/// The column from which on origins stand.
const MARGIN: usize = 64;

/// The YAML of a tree whose secrets are struck out; beside each scalar the profile values it was made from, else the
/// template's line.
#[must_use]
pub fn annotated(node: &Node, sources: &Sources, colour: bool) -> String {
    let (text, parts) = yaml::emit_with_parts(node);
    let (dim, off) = if colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let mut notes: BTreeMap<usize, String> = BTreeMap::new();
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset).saturating_sub(1);
    let mut texts = Vec::new();
    collect_texts(node, &mut texts);
    let mut texts = texts.into_iter();
    for part in &parts {
        let line = line_of(part.start as usize);
        notes.insert(line, note(&part.origin, sources));
        let value = &text[part.start as usize..part.end as usize];
        let inner = part.origin.derived.as_ref().map_or(&[][..], |derived| &derived.text_parts);
        if inner.is_empty() || !value.starts_with(['|', '>']) {
            continue;
        }
        // A text that was made from a tree: its lines follow the header, one for one.
        let Some(made) = texts.find(|text| text.matches('\n').count() == value.matches('\n').count() - 1) else {
            continue;
        };
        notes.remove(&line);
        for leaf in inner {
            let above = made.get(..leaf.start as usize).map_or(0, |before| before.matches('\n').count());
            notes.insert(line + 1 + above, note(&leaf.origin, sources));
        }
    }
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        match notes.get(&at).filter(|note| !note.is_empty()) {
            Some(note) => {
                let pad = MARGIN.saturating_sub(line.chars().count()).max(2);
                let _ = writeln!(out, "{line}{:pad$}{dim}# {note}{off}", "");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

/// The texts that were made from trees, in the order in which they are written.
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
        .map(|input| match place(sources, input.node.origin.span).as_str() {
            "" => plain(&input.path),
            place => format!("{} {place}", plain(&input.path)),
        })
        .collect();
    let more = origin.inputs().len().saturating_sub(2);
    match (inputs.is_empty(), more) {
        (true, _) => place(sources, origin.span),
        (false, 0) => inputs.join(", "),
        (false, more) => format!("{}, {more} more", inputs.join(", ")),
    }
}
