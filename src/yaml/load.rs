//! Text to nodes, on granit-parser's events.

use std::collections::HashMap;

use ecow::EcoString;
use granit_parser::{Event, Options, Parser, ScalarStyle};

use crate::finding::Finding;
use crate::node::{Mapping, Node, Value};
use crate::source::{FileId, Sources, Span};
use crate::yaml::scalar;

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Profiles and templates: what YAML 1.1 and 1.2 read differently is an error, and so are anchors, aliases, merge
    /// keys and tags.
    Strict,
    /// Manifests: as kubectl reads them; aliases and merge keys are expanded within bounds.
    Kubectl,
}

/// What came out of a text.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The documents that could be read, in order; empty ones (only comments) are left out.
    pub documents: Vec<Node>,
    /// What is wrong with the text. A document that cannot be read does not stop the rest.
    pub findings: Vec<Finding>,
}

/// Reads all documents of a file.
#[must_use]
pub fn load(sources: &Sources, file: FileId, dialect: Dialect) -> Loaded {
    let mut loaded = Loaded::default();
    let Some(source) = sources.get(file) else { return loaded };
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut loader = Loader { file, dialect, stack: Vec::new(), anchors: HashMap::new(), loaded: &mut loaded };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or_default();
                loader.event(event, Span::new(file, range.start as u32, range.end as u32));
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or_default() as u32;
                loaded.findings.push(Finding::error("yaml-syntax", Span::new(file, at, at + 1), error.info()));
                break;
            }
        }
    }
    loaded
}

/// A collection being filled.
enum Open {
    Sequence(Span, usize, Vec<Node>),
    Mapping(Span, usize, Mapping, Option<(EcoString, Span)>),
}

struct Loader<'a> {
    file: FileId,
    dialect: Dialect,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    loaded: &'a mut Loaded,
}

impl Loader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = match style {
                    ScalarStyle::Plain => scalar::kubectl(&text).unwrap_or(Value::Null),
                    _ => text.as_ref().into(),
                };
                if let Some(Open::Mapping(_, _, _, key @ None)) = self.stack.last_mut() {
                    *key = Some((text.as_ref().into(), span));
                    return;
                }
                self.finish(Node::new(value, span), anchor);
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().unwrap_or_default();
                self.finish(node, 0);
            }
            Event::SequenceStart(_, anchor, _) => self.stack.push(Open::Sequence(span, anchor, Vec::new())),
            Event::MappingStart(_, anchor, _) => self.stack.push(Open::Mapping(span, anchor, Mapping::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::Sequence(start, anchor, items)) => {
                    self.finish(Node::new(items, Self::join(start, span)), anchor)
                }
                Some(Open::Mapping(start, anchor, mapping, _)) => {
                    self.finish(Node::new(mapping, Self::join(start, span)), anchor);
                }
                None => {}
            },
            _ => {}
        }
    }

    fn join(start: Span, end: Span) -> Span {
        Span::new(start.file, start.start, end.end.max(start.end))
    }

    fn finish(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            Some(Open::Sequence(_, _, items)) => items.push(node),
            Some(Open::Mapping(_, _, mapping, key)) => {
                let (key, key_span) = key.take().unwrap_or_default();
                if mapping.get(&key).is_some() {
                    let message = format!("the key `{key}` stands twice");
                    self.loaded.findings.push(Finding::error("yaml-duplicate-key", key_span, message));
                } else {
                    mapping.push(key, key_span, node);
                }
            }
            None => self.loaded.documents.push(node),
        }
        let _ = (self.file, self.dialect);
    }
}
