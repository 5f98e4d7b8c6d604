//! Reads YAML into nodes, from the events of granit-parser.
//!
//! A stream is split at its `---` lines. Each document is read separately, so that invalid ones do not affect the
//! others, and large streams are read in parallel.

use std::sync::atomic::{AtomicUsize, Ordering};

use ecow::{EcoString, EcoVec};
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use granit_parser::{Event, Options, Parser, ScalarStyle, StructureStyle, Tag};

use crate::finding::{Finding, Remedy, RuleId, Severity};
use crate::node::{FEW, Mapping, Node, Value};
use crate::source::{FileId, Span};
use crate::yaml::scalar;
use crate::yaml::stream::{groups, json_values, segments};

/// The maximum nesting depth of collections.
pub const MAX_DEPTH: usize = 128;

/// The maximum number of nodes to which the aliases of a file expand, and of nodes kept for its anchors.
pub const MAX_ALIASED_NODES: usize = 10_000_000;

/// The size in bytes from which a stream is read by several threads.
const PARALLEL_BYTES: usize = 256 * 1024;

/// How YAML is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Profiles and templates: scalars that YAML 1.1 and 1.2 read differently are errors, and so are anchors,
    /// aliases, merge keys, tags and keys that are not strings.
    Strict,
    /// Manifests: as kubectl reads them (`sigs.k8s.io/yaml`); aliases and merge keys are expanded within bounds.
    Kubectl,
}

/// The result of reading a file.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The valid documents, in order, without empty ones (only comments, `null`).
    pub documents: Vec<Node>,
    /// The findings. An invalid document does not affect the others.
    pub findings: Vec<Finding>,
    /// The documents with errors.
    pub unread: Vec<Span>,
}

impl Loaded {
    /// Whether readers that reject duplicate keys, such as Go's yaml.v3, can read it as well.
    #[must_use]
    pub fn is_readable_by_all(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity != Severity::Error && finding.rule != RuleId::YamlDuplicateKey)
    }
}

/// Reads all documents of a string; spans are offsets in it, in `file`.
#[must_use]
pub fn load_text(text: &str, file: FileId, dialect: Dialect) -> Loaded {
    load_some(text, file, dialect, &|_| true)
}

/// Reads those documents of a string whose contents satisfy a predicate.
#[must_use]
pub fn load_some(text: &str, file: FileId, dialect: Dialect, is_wanted: &dyn Fn(&str) -> bool) -> Loaded {
    let mut segments = json_values(text).unwrap_or_else(|| segments(text));
    segments.retain(|(_, segment)| is_wanted(segment));
    let threads = if text.len() < PARALLEL_BYTES {
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from).min(segments.len()).max(1)
    };
    let read = |segments: &[(usize, &str)], budget: &Budget| {
        let mut loaded = Loaded::default();
        for (offset, segment) in segments {
            read_segment(segment, *offset, file, dialect, budget, &mut loaded);
        }
        loaded
    };
    if threads == 1 {
        return read(&segments, &Budget::default());
    }
    let budget = Budget::default();
    let read_share = |share| read(share, &budget);
    let mut whole = Loaded::default();
    std::thread::scope(|scope| {
        let shares: Vec<_> = groups(&segments, text.len() / threads + 1)
            .into_iter()
            .map(|share| scope.spawn(move || read_share(share)))
            .collect();
        for share in shares {
            let loaded = share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            whole.documents.extend(loaded.documents);
            whole.findings.extend(loaded.findings);
            whole.unread.extend(loaded.unread);
        }
    });
    if budget.is_short() {
        // Which documents exceed the limit depends on the threads. Read one after the other, it depends on the input
        // alone.
        drop(whole);
        return read(&segments, &Budget::default());
    }
    whole
}

/// The budget of nodes that the anchors and aliases of a file's documents share.
///
/// Nothing is given back, so whether the budget is exceeded does not depend on the order.
#[derive(Debug, Default)]
struct Budget {
    taken: AtomicUsize,
}

impl Budget {
    /// Takes a number of nodes; `false` if fewer are left.
    fn take(&self, nodes: usize) -> bool {
        // Once exceeded it stays exceeded, so that nothing after it has to be read twice.
        self.taken.fetch_add(nodes, Ordering::Relaxed).saturating_add(nodes) <= MAX_ALIASED_NODES
    }

    /// Whether the budget was exceeded.
    fn is_short(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > MAX_ALIASED_NODES
    }
}

fn read_segment(text: &str, offset: usize, file: FileId, dialect: Dialect, budget: &Budget, loaded: &mut Loaded) {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.bom_inside_document_as_content = true;
    options.block_nesting_limit = MAX_DEPTH;
    options.flow_nesting_limit = MAX_DEPTH;
    let mut loader = Loader {
        text,
        offset,
        file,
        dialect,
        stack: Vec::new(),
        anchors: HashMap::new(),
        budget,
        documents: Vec::new(),
        findings: Vec::new(),
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or_default();
                loader.event(event, range.start, range.end)
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                Err(loader.syntax_error(at, &error.info()))
            }
        };
        if let Err(finding) = step {
            loader.findings.push(*finding);
            break;
        }
    }
    // Of duplicate keys only the last value is in the tree; the others may be secrets as well.
    let is_lost = |finding: &Finding| finding.severity == Severity::Error || finding.rule == RuleId::YamlDuplicateKey;
    if loader.findings.iter().any(is_lost) {
        loaded.unread.push(loader.span(0, text.len()));
    }
    loaded.documents.append(&mut loader.documents);
    loaded.findings.append(&mut loader.findings);
}

/// A collection that is being read.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    items: Items,
}

enum Items {
    Sequence(EcoVec<Node>),
    Mapping { mapping: Mapping, key: Option<Key>, seen: HashSet<EcoString>, merged: Vec<Mapping> },
}

struct Key {
    text: EcoString,
    span: Span,
    /// A plain `<<`, the merge key.
    merge: bool,
    /// Whether the mapping has the key already.
    again: bool,
}

struct Loader<'a> {
    text: &'a str,
    offset: usize,
    file: FileId,
    dialect: Dialect,
    stack: Vec<Open>,
    /// The value of an anchor, and the number of its nodes.
    anchors: HashMap<usize, (Node, usize)>,
    budget: &'a Budget,
    documents: Vec<Node>,
    findings: Vec<Finding>,
}

/// Why reading of the current document stopped.
type Step = Result<(), Box<Finding>>;

impl Loader<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, (self.offset + start) as u32, (self.offset + end.max(start)) as u32)
    }

    fn event(&mut self, event: Event<'_>, start: usize, end: usize) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.reject_properties(anchor, tag.as_deref(), start, end)?;
                self.scalar(&text, style, anchor, tag.as_deref(), start, end)
            }
            Event::Alias(anchor) => {
                let span = self.span(start, end);
                if self.dialect == Dialect::Strict {
                    return Err(Box::new(
                        Finding::error(RuleId::YamlAlias, span, "aliases are not allowed in profiles and templates")
                            .with_help("write out the value"),
                    ));
                }
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(Box::new(Finding::error(RuleId::YamlAlias, span, "recursive alias")));
                };
                if !self.budget.take(*size) {
                    return Err(too_large(span));
                }
                let node = node.clone();
                if self.wants_key() {
                    let Value::String(text) = node.value else { return Err(self.no_string_key(start, end)) };
                    return self.key(Key { text, span, merge: false, again: false });
                }
                self.finish(node, 0, 0)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.reject_properties(anchor, tag.as_deref(), start, end)?;
                self.open(style, anchor, start, end, Items::Sequence(EcoVec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                self.reject_properties(anchor, tag.as_deref(), start, end)?;
                let items =
                    Items::Mapping { mapping: Mapping::new(), key: None, seen: HashSet::new(), merged: Vec::new() };
                self.open(style, anchor, start, end, items)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::UnresolvedAlias(name) => {
                let message = format!("unknown anchor `&{name}`");
                Err(Box::new(Finding::error(RuleId::YamlAlias, self.span(start, end), message)))
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { items: Items::Mapping { key: None, .. }, .. }))
    }

    fn no_string_key(&self, start: usize, end: usize) -> Box<Finding> {
        let finding = Finding::error(RuleId::YamlKey, self.span(start, end.max(start + 1)), "a key must be a string");
        let before = self.text[..start].trim_end_matches(' ');
        if before.ends_with('{') && self.text[start..].starts_with('{') {
            let outer = before.len() - 1;
            let mut finding = finding.with_help("quote the expression: \"{{ … }}\"");
            finding.message = "YAML reads an unquoted `{{` as a mapping inside a mapping".to_owned();
            finding.span = self.span(outer, start + 1);
            return Box::new(finding);
        }
        Box::new(finding)
    }

    fn open(&mut self, style: StructureStyle, anchor: usize, start: usize, end: usize, items: Items) -> Step {
        if self.wants_key() {
            return Err(self.no_string_key(start, end));
        }
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Box::new(Finding::error(RuleId::YamlTooDeep, self.span(start, end), message)));
        }
        self.stack.push(Open { start, flow: style == StructureStyle::Flow, anchor, items });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Step {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        // granit-parser starts a list without indentation after its first dash.
        let start = match &open.items {
            Items::Sequence(_) if !open.flow && !self.text[open.start..].starts_with('-') => {
                self.text[..open.start].rfind('-').unwrap_or(open.start)
            }
            _ => open.start,
        };
        let (value, last) = match open.items {
            Items::Sequence(items) => {
                let last = items.last().map(|item| item.origin.span);
                (Value::Sequence(items), last)
            }
            Items::Mapping { mut mapping, merged, .. } => {
                merge_missing(&mut mapping, merged);
                let last = mapping.iter().last().map(|entry| entry.value.origin.span);
                (Value::Mapping(mapping), last)
            }
        };
        // A block collection ends with its last value, not at the next token.
        let end = match last {
            Some(last) if !open.flow && !last.is_none() && last.end as usize >= self.offset + open.start => {
                last.end as usize - self.offset
            }
            _ => end,
        };
        let node = Node::new(value, self.span(start, end));
        let size = if open.anchor == 0 { 0 } else { count(&node) };
        self.finish(node, open.anchor, size)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        start: usize,
        end: usize,
    ) -> Step {
        let span = self.span(start, end);
        let plain = style == ScalarStyle::Plain;
        let value = match tag.map(|tag| tag.core_suffix().unwrap_or("local")) {
            None if !plain => Ok(text.into()),
            None => scalar::kubectl(text)
                .map(|value| if self.dialect == Dialect::Kubectl { scalar::through_json(value) } else { value })
                .ok_or("JSON cannot represent infinity or NaN"),
            Some("str" | "local") => Ok(text.into()),
            Some("int" | "float" | "bool" | "null") => scalar::kubectl(text).ok_or("the tag does not match the value"),
            Some(_) => Ok(text.into()),
        };
        let value = value.map_err(|message| Box::new(Finding::error(RuleId::YamlValue, span, message)))?;
        if plain && tag.is_none() {
            self.tell_ambiguous(text, &value, span);
        }
        if self.wants_key() {
            let merge = plain && text == "<<" && tag.is_none();
            if merge && self.dialect == Dialect::Strict {
                let finding =
                    Finding::error(RuleId::YamlAlias, span, "merge keys are not allowed in profiles and templates");
                return Err(Box::new(finding.with_help("write out the keys")));
            }
            let text = match value {
                Value::String(text) => text,
                Value::Null => {
                    return Err(Box::new(Finding::error(RuleId::YamlKey, span, "a key must be a string, not null")));
                }
                _ if self.dialect == Dialect::Strict => {
                    let finding = Finding::error(RuleId::YamlKey, span, format!("the key `{text}` is not a string"));
                    return Err(Box::new(finding.with_help(format!("quote it: \"{text}\""))));
                }
                // kubectl converts these to strings on the way to JSON.
                Value::Bool(value) => if value { "true" } else { "false" }.into(),
                Value::Int(number) => number.to_string().into(),
                Value::Float(number) => number.to_string().into(),
                Value::Sequence(_) | Value::Mapping(_) => text.into(),
            };
            if anchor != 0 {
                self.anchors.insert(anchor, (Node::new(text.clone(), span), 1));
            }
            return self.key(Key { text, span, merge, again: false });
        }
        self.finish(Node::new(value, span), anchor, 1)
    }

    /// Reports a scalar that readers read differently.
    fn tell_ambiguous(&mut self, text: &str, value: &Value, span: Span) {
        let Some(otherwise) = scalar::ambiguity(text, value, self.dialect == Dialect::Strict) else { return };
        let severity = match (self.dialect, value) {
            (Dialect::Strict, _) => Severity::Error,
            // `defaultMode: 0644` is the form in the field's own documentation.
            (Dialect::Kubectl, Value::Int(_)) => Severity::Note,
            (Dialect::Kubectl, _) => Severity::Warning,
        };
        let finding = Finding::new(RuleId::YamlAmbiguous, severity, span, "YAML parsers disagree about this value");
        let finding = finding.with_label(otherwise).with_help(match value {
            Value::Bool(_) => "quote it if it is a string, else write `true` or `false`",
            Value::Int(_) | Value::Float(_) => "quote it if it is a string, else write it as a plain decimal number",
            _ => "quote it",
        });
        self.findings.push(finding);
    }

    /// Anchors and tags are not allowed in profiles and templates.
    fn reject_properties(&self, anchor: usize, tag: Option<&Tag>, start: usize, end: usize) -> Step {
        if self.dialect == Dialect::Kubectl || (anchor == 0 && tag.is_none()) {
            return Ok(());
        }
        let (rule, what) = if anchor == 0 { (RuleId::YamlTag, "tags are") } else { (RuleId::YamlAlias, "anchors are") };
        let message = format!("{what} not allowed in profiles and templates");
        let mark = if anchor == 0 { '!' } else { '&' };
        let at = self.text[..start].rfind(mark).unwrap_or(start);
        Err(Box::new(Finding::error(rule, self.span(at, end.max(at + 1)), message)))
    }

    /// Reads a key of a mapping. Of duplicate keys kubectl uses the last.
    fn key(&mut self, mut new: Key) -> Step {
        if let Some(Open { items: Items::Mapping { mapping, key, seen, .. }, .. }) = self.stack.last_mut() {
            if mapping.len() == FEW && seen.is_empty() {
                seen.extend(mapping.iter().map(|entry| entry.key.clone()));
            }
            let twice =
                if mapping.len() < FEW { mapping.get(&new.text).is_some() } else { !seen.insert(new.text.clone()) };
            if twice && !new.merge {
                let message = format!("duplicate key `{}`", new.text);
                let mut finding = Finding::error(RuleId::YamlDuplicateKey, new.span, message);
                if let Some(first) = mapping.entry(&new.text) {
                    finding = finding.with_related(first.key_span, "first defined here");
                }
                if self.dialect == Dialect::Strict {
                    return Err(Box::new(finding));
                }
                finding.severity = Severity::Warning;
                self.findings
                    .push(finding.with_help("remove one of them: kubectl uses the last, other tools reject it"));
                new.again = true;
            }
            *key = Some(new);
        }
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize, size: usize) -> Step {
        if anchor != 0 {
            // It is kept as a copy, and anchors may be nested.
            if !self.budget.take(size) {
                return Err(too_large(node.origin.span));
            }
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut().map(|open| &mut open.items) {
            Some(Items::Sequence(items)) => items.push(node),
            Some(Items::Mapping { mapping, key, merged, .. }) => match key.take() {
                Some(Key { merge: true, span, .. }) => match node.value {
                    Value::Mapping(mapping) => merged.push(mapping),
                    Value::Sequence(items) if items.iter().all(|item| matches!(item.value, Value::Mapping(_))) => {
                        merged.extend(items.into_iter().filter_map(|item| match item.value {
                            Value::Mapping(mapping) => Some(mapping),
                            _ => None,
                        }));
                    }
                    _ => return Err(Box::new(Finding::error(RuleId::YamlAlias, span, "`<<` merges mappings only"))),
                },
                Some(Key { text, span, again, .. }) => match mapping.entry_mut(&text).filter(|_| again) {
                    Some(entry) => {
                        // Which of two equal values is used makes no difference.
                        if entry.value == node
                            && let Some(finding) = self.findings.iter_mut().rfind(|finding| finding.span == span)
                        {
                            let end = node.origin.span.end.max(span.end);
                            finding.remedy = Some(Remedy::RemoveEntry(Span::new(span.file, span.start, end)));
                        }
                        (entry.key_span, entry.value) = (span, node);
                    }
                    None => mapping.push(text, span, node),
                },
                None => {}
            },
            None if node.is_null() => {}
            None => self.documents.push(node),
        }
        Ok(())
    }

    fn syntax_error(&self, at: usize, message: &str) -> Box<Finding> {
        // The parser often reports the line after the fault, where an empty span shows nothing.
        let at = if at >= self.text.len() { self.text.trim_end().len().saturating_sub(1) } else { at };
        let at = (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let width = self.text[at..].chars().next().map_or(0, char::len_utf8);
        let mut finding = Finding::error(RuleId::YamlSyntax, self.span(at, at + width), message.to_lowercase());
        let line = self.text[..at].rfind('\n').map_or(0, |line| line + 1);
        if self.text[line..].trim_start_matches(' ').starts_with('\t') {
            finding.help = "indent with spaces: YAML does not allow tabs there".to_owned();
        }
        Box::new(finding)
    }
}

/// Adds the entries of merged mappings that are not set yet; of duplicate keys the first is used.
fn merge_missing(mapping: &mut Mapping, merged: Vec<Mapping>) {
    if merged.is_empty() {
        return;
    }
    let mut seen: HashSet<EcoString> = mapping.iter().map(|entry| entry.key.clone()).collect();
    let last = merged.len() - 1;
    for (at, mut other) in merged.into_iter().enumerate() {
        let mut entries = std::mem::take(other.entries_mut());
        entries.retain(|entry| !seen.contains(&entry.key));
        if at < last {
            seen.extend(entries.iter().map(|entry| entry.key.clone()));
        }
        mapping.extend(entries);
    }
}

fn too_large(span: Span) -> Box<Finding> {
    let message = format!("the aliases of this file expand to more than {MAX_ALIASED_NODES} nodes");
    Box::new(Finding::error(RuleId::YamlTooLarge, span, message))
}

/// The number of nodes of a tree.
fn count(node: &Node) -> usize {
    1 + node.items().iter().map(count).sum::<usize>()
        + node.entries().iter().map(|entry| count(&entry.value)).sum::<usize>()
}
