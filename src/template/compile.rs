//! A template document to a tree that can be instantiated: static parts, expressions, directives.

use std::cell::Cell;
use std::sync::Arc;

use ecow::{EcoString, EcoVec};
use foldhash::HashMap;

use crate::finding::{Finding, RuleId};
use crate::node::{Mapping, Node, Value};
use crate::source::{Sources, Span};
use crate::suggest;
use crate::template::expression::Expression;
use crate::template::files::{NamedFiles, is_binary};
use crate::template::functions::{self, Kind};
use crate::template::names::{self, BUILT_IN, Fault, Fields, Known, Local};
use crate::template::part::{Document, Each, Field, Format, Item, Key, Part, Site, Text, TextPiece, When};
use crate::template::scan::{self, Piece};

/// Where a part stands, which decides the directives it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Document,
    Item,
    Entry,
    /// The `metadata` of a document.
    Metadata,
    /// Under `$value`, `$yaml` or `$json`: there is nothing to repeat.
    Alone,
}

/// The directives.
const DIRECTIVES: [&str; 9] = ["$if", "$for", "$value", "$yaml", "$json", "$file", "$files", "$include", "$manifests"];
/// What stands in `metadata` and is read when the bundle is finished.
pub(super) const CONTENT_NAME: &str = "$contentName";

pub(super) struct Compiler<'a> {
    pub(super) sources: &'a Sources,
    pub(super) names: Known<'a>,
    pub(super) files: &'a dyn NamedFiles,
    pub(super) text: Arc<str>,
    pub(super) locals: Vec<Local>,
    pub(super) expressions: Vec<Expression>,
    /// The expressions by their text and whether they read a name of `$for`; with them, whether they come late.
    pub(super) known: HashMap<(EcoString, bool), (usize, bool)>,
    pub(super) findings: Vec<Finding>,
    /// Whether an expression of the document at hand needs the bundle's other documents.
    pub(super) late: bool,
    /// Whether the value at hand holds bytes in Base64.
    pub(super) binary: bool,
    /// The parts read so far, each with the text of its file; `None` where it cannot be read.
    pub(super) parts: HashMap<EcoString, Option<(Node, Arc<str>)>>,
    /// The parts being included, outermost first.
    pub(super) including: Vec<EcoString>,
    /// How many parts were included.
    pub(super) includes: usize,
}

impl Compiler<'_> {
    /// Compiles a document.
    pub(super) fn document(&mut self, node: &Node) -> Document {
        self.late = false;
        let item = self.item(node, Place::Document);
        Document { item, file: node.origin.span.file, late: self.late }
    }

    pub(super) fn item(&mut self, node: &Node, place: Place) -> Item {
        let depth = self.locals.len();
        let (guard, each, when) = self.repeated(node, place);
        let part = self.part(node, place);
        self.locals.truncate(depth);
        Item { guard, each, when, part }
    }

    /// The `$for` of a node, whose name counts from here on, between the `$if` that does not ask for that name and so guards
    /// the list, and the one that does.
    fn repeated(&mut self, node: &Node, place: Place) -> (Option<When>, Option<Each>, Option<When>) {
        let Some((each, local)) = self.each(node, place) else { return (None, None, self.when(node)) };
        let asks = node.get("$if").is_some_and(|when| names::mentions(when.text(), &each.name));
        let guard = if asks { None } else { self.when(node) };
        self.locals.extend(local);
        let when = if asks { self.when(node) } else { None };
        (guard, Some(each), when)
    }

    fn each(&mut self, node: &Node, place: Place) -> Option<(Each, Option<Local>)> {
        let directive = node.get("$for")?;
        let span = directive.origin.span;
        if matches!(place, Place::Alone | Place::Metadata) {
            let finding = Finding::error(RuleId::TemplateDirective, span, "`$for` is not allowed here")
                .with_help("it repeats the list item, the entry or the document it stands in");
            self.findings.push(finding);
            return None;
        }
        let text = directive.text();
        let parsed = text.split_once(char::is_whitespace).and_then(|(name, rest)| {
            let list = rest.trim_start().strip_prefix("in")?;
            let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            (identifier && list.starts_with(char::is_whitespace)).then_some((name, list.trim()))
        });
        let Some((name, list)) = parsed.filter(|(_, list)| !list.is_empty()) else {
            let finding = Finding::error(RuleId::TemplateDirective, span, "`$for` must be `<name> in <expression>`")
                .with_help("for example `$for: item in items`, or `$for: entry in labels | entries`");
            self.findings.push(finding);
            return None;
        };
        let taken = self.locals.iter().any(|local| local.name == name)
            || BUILT_IN.contains(&name)
            || functions::find(Kind::Function, name).is_some()
            || matches!(&*self.names.fields(&[]), Fields::Closed(known) if known.iter().any(|field| field == name));
        if taken {
            let finding = Finding::error(RuleId::TemplateDirective, span, format!("the name `{name}` is already used"))
                .with_label("a name of `$for` must be new")
                .with_help("it would hide a profile field, a function or an outer `$for`");
            self.findings.push(finding);
        }
        let shape = names::item_shape(list, &self.names, &self.locals);
        let offset = text.len() - list.len();
        let site = self.site(list, offset..text.len(), directive)?;
        let name = EcoString::from(name);
        Some((Each { name: name.clone(), list: site }, Some(Local { name, shape, used: Cell::new(false) })))
    }

    fn when(&mut self, node: &Node) -> Option<When> {
        let directive = node.get("$if")?;
        match &directive.value {
            Value::Bool(value) => Some(When::Fixed(*value)),
            Value::String(text) if scan::has_expression(text) => {
                let finding = Finding::error(
                    RuleId::TemplateDirective,
                    directive.origin.span,
                    "`$if` must be a single expression",
                )
                .with_help("leave the braces out: `$if: a == b`");
                self.findings.push(finding);
                None
            }
            Value::String(text) => self.site(text.trim(), range_of_trimmed(text), directive).map(When::Computed),
            _ => {
                let message = format!("`$if` expects an expression, not {}", directive.type_name());
                self.findings.push(Finding::error(RuleId::TemplateDirective, directive.origin.span, message));
                None
            }
        }
    }

    fn part(&mut self, node: &Node, place: Place) -> Part {
        match &node.value {
            Value::String(text) if scan::has_expression(text) => self.scalar(text, node),
            Value::Sequence(items) => {
                let items: Vec<Item> = items.iter().map(|item| self.item(item, Place::Item)).collect();
                fold_sequence(node, items)
            }
            Value::Mapping(mapping) => self.mapping(node, mapping, place),
            value => {
                let bytes = if let Value::String(text) = value { text.len() } else { 0 };
                Part::Static { node: node.clone(), nodes: 1, bytes }
            }
        }
    }

    fn scalar(&mut self, text: &EcoString, node: &Node) -> Part {
        let nothing = || Part::Static { node: node.clone(), nodes: 1, bytes: text.len() };
        let Some(made) = self.text(text, node) else { return nothing() };
        match made.pieces.as_slice() {
            [TextPiece::Expression(site)] => Part::Whole(*site),
            _ => Part::Text(made),
        }
    }

    fn text(&mut self, text: &EcoString, node: &Node) -> Option<Text> {
        self.split(text, node.origin.span)
    }

    pub(super) fn split(&mut self, text: &EcoString, scalar: Span) -> Option<Text> {
        let pieces = match scan::split(text) {
            Ok(pieces) => pieces,
            Err(error) => {
                let raw = self.raw(scalar);
                // Which of several is meant is known by how many stand before it.
                let nth = text[..error.at].matches("{{").count();
                let at = raw.match_indices("{{").nth(nth).map(|(at, _)| scalar.start + at as u32);
                let span = at.map_or(scalar, |at| Span::new(scalar.file, at, at + 2));
                self.findings.push(Finding::error(RuleId::TemplateSyntax, span, error.message).with_help(error.help));
                return None;
            }
        };
        let holder = Node::new(text.clone(), scalar);
        let mut whole = true;
        let mut made = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Text(plain) => made.push(TextPiece::Plain(plain.into())),
                Piece::Expression(source, range) => match self.site(source, range, &holder) {
                    Some(site) => made.push(TextPiece::Expression(site)),
                    None => whole = false,
                },
            }
        }
        whole.then(|| Text { pieces: made, source: text.clone(), span: scalar })
    }

    fn mapping(&mut self, node: &Node, mapping: &Mapping, place: Place) -> Part {
        let span = node.origin.span;
        let mut spread = Vec::new();
        let mut fields = Vec::with_capacity(mapping.len());
        if let Some(manifests) = mapping.get("$manifests").filter(|_| place == Place::Document) {
            return self.manifests(node, manifests);
        }
        let replaced =
            mapping.iter().find(|entry| matches!(entry.key.as_str(), "$value" | "$yaml" | "$json" | "$file"));
        let include = mapping.entry("$include").filter(|_| replaced.is_none());
        let with = mapping.entry("$with").filter(|_| include.is_some());
        if let Some(include) = include {
            let own = |key: &str| matches!(key, "$if" | "$for" | "$include" | "$with");
            let alone = mapping.iter().all(|entry| own(&entry.key));
            let made = self.include(&include.value, with, place);
            match made {
                None => return Part::Static { node: node.clone(), nodes: 1, bytes: 0 },
                Some(made) if alone => return Part::Include(Box::new(made)),
                Some(made) => spread.push((include.key_span, Part::Include(Box::new(made)))),
            }
        }
        if let Some(files) = mapping.entry("$files").filter(|_| replaced.is_none()) {
            spread.push((files.key_span, self.file(&files.value, true)));
        }
        for (key_span, part) in spread {
            fields.push(Field { key: Key::Spread, key_span, item: Item { guard: None, each: None, when: None, part } });
        }
        for entry in mapping {
            let key = entry.key.as_str();
            match key {
                "$if" | "$for" => continue,
                "$include" | "$files" if replaced.is_none() => continue,
                "$with" if include.is_some() => continue,
                _ if replaced.is_some_and(|replaced| replaced.key == entry.key) => continue,
                _ => {}
            }
            if let Some(replaced) = replaced {
                let message = format!("`{}` makes the whole value, so nothing else may stand beside it", replaced.key);
                let finding = Finding::error(RuleId::TemplateDirective, entry.key_span, message)
                    .with_help("only `$if` and `$for` may");
                self.findings.push(finding);
                continue;
            }
            let known = match key {
                CONTENT_NAME => place == Place::Metadata,
                _ => !key.starts_with('$'),
            };
            if !known {
                self.unknown_directive(key, entry.key_span);
                continue;
            }
            let outer = self.binary;
            if place == Place::Document {
                self.binary = is_binary(node, key);
            }
            let below = match place {
                Place::Document if key == "metadata" => Place::Metadata,
                _ => Place::Entry,
            };
            fields.push(self.field(entry, below));
            self.binary = outer;
        }
        let Some(replaced) = replaced else { return fold_mapping(node, fields) };
        match replaced.key.as_str() {
            "$file" => self.file(&replaced.value, false),
            "$value" => self.part(&replaced.value, Place::Alone),
            format => {
                let format = if format == "$yaml" { Format::Yaml } else { Format::Json };
                Part::Tree(format, Box::new(self.item(&replaced.value, Place::Alone)), span)
            }
        }
    }

    fn field(&mut self, entry: &crate::node::Entry, place: Place) -> Field {
        // The names that the value's `$for` binds are for the key as well.
        let depth = self.locals.len();
        let (guard, each, when) = self.repeated(&entry.value, place);
        let repeated = each.is_some() || entry.value.get("$for").is_some();
        let key = if !scan::has_expression(&entry.key) {
            Key::Plain(entry.key.clone())
        } else if repeated {
            match self.split(&entry.key, entry.key_span) {
                Some(text) => Key::Computed(text),
                None => Key::Plain(entry.key.clone()),
            }
        } else {
            let finding = Finding::error(RuleId::TemplateDirective, entry.key_span, "an expression in a key")
                .with_help("a key may hold one where its value is repeated with `$for`");
            self.findings.push(finding);
            Key::Plain(entry.key.clone())
        };
        let part = self.part(&entry.value, place);
        self.locals.truncate(depth);
        Field { key, key_span: entry.key_span, item: Item { guard, each, when, part } }
    }

    fn unknown_directive(&mut self, key: &str, span: Span) {
        let finding = if key == CONTENT_NAME {
            Finding::error(RuleId::TemplateDirective, span, "`$contentName` is only allowed in `metadata`")
                .with_help("it belongs into an object's own `metadata`, beside its `name`")
        } else if key == "$with" {
            Finding::error(RuleId::TemplateDirective, span, "`$with` without `$include`")
                .with_help("it holds the parameters of the part that `$include` names beside it")
        } else if key == "$manifests" || key == "$namespace" {
            Finding::error(RuleId::TemplateDirective, span, format!("`{key}` is not allowed inside a document"))
                .with_help("`$manifests` makes a whole document of a template, with `$if` and `$namespace` beside it")
        } else {
            let near = suggest::nearest(key, DIRECTIVES.into_iter().chain([CONTENT_NAME]));
            let help = near.map_or_else(
                || format!("there are {}", suggest::list(DIRECTIVES, "and")),
                |near| format!("did you mean `{near}`?"),
            );
            Finding::error(RuleId::TemplateDirective, span, format!("unknown directive `{key}`")).with_help(help)
        };
        self.findings.push(finding);
    }

    /// The text of a scalar as it stands in the file.
    fn raw(&self, scalar: Span) -> &str {
        self.text.get(scalar.start as usize..scalar.end as usize).unwrap_or_default()
    }

    /// Compiles an expression, or finds it among those already compiled.
    fn site(&mut self, source: &str, range: std::ops::Range<usize>, scalar: &Node) -> Option<Site> {
        let whole = scalar.origin.span;
        let raw = self.raw(whole);
        let before = scalar.text().get(..range.start).unwrap_or_default();
        // Mostly the file says the very same, in quotes or not.
        let quoted = usize::from(raw.starts_with(['"', '\'']));
        let same =
            raw.get(quoted..).and_then(|rest| rest.strip_prefix(before)).is_some_and(|at| at.starts_with(source));
        let found = if same {
            Some(quoted + before.len())
        } else {
            // Where the same text stands several times, the one after as many others.
            raw.match_indices(source).nth(before.matches(source).count()).map(|(at, _)| at)
        };
        let span = found.map_or(whole, |at| {
            let start = whole.start + at as u32;
            Span::new(whole.file, start, start + source.len() as u32)
        });
        // Where no `$for` binds a name, the same text means the same.
        if self.locals.is_empty()
            && let Some((expression, late)) = self.known.get(&(EcoString::from(source), false))
        {
            self.late |= late;
            return Some(Site { expression: *expression, scalar: whole, span });
        }
        let checked = names::check(source, &self.names, &self.locals);
        self.late |= checked.late;
        let place = |fault: &Fault| narrow(span, source, fault);
        if !checked.faults.is_empty() {
            let findings = checked.faults.into_iter().map(|fault| to_finding(place(&fault), fault));
            self.findings.extend(findings);
            return None;
        }
        let key = (EcoString::from(source), checked.local);
        let expression = match self.known.get(&key) {
            Some((index, _)) => *index,
            None => match Expression::compile(source, &checked) {
                Ok(expression) => {
                    let index = self.expressions.len();
                    self.expressions.push(expression);
                    self.known.insert(key, (index, checked.late));
                    index
                }
                Err(fault) => {
                    self.findings.push(to_finding(place(&fault), fault));
                    return None;
                }
            },
        };
        Some(Site { expression, scalar: whole, span })
    }
}

/// The place of a fault within an expression; the whole expression where escapes hide it.
pub(super) fn narrow(span: Span, source: &str, fault: &Fault) -> Span {
    let exact = (span.end - span.start) as usize == source.len();
    if !exact || fault.range.is_empty() || fault.range.end > source.len() {
        return span;
    }
    Span::new(span.file, span.start + fault.range.start as u32, span.start + fault.range.end as u32)
}

pub(super) fn to_finding(span: Span, fault: Fault) -> Finding {
    Finding::error(fault.rule, span, fault.message).with_help(fault.help)
}

fn range_of_trimmed(text: &str) -> std::ops::Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..start + text.trim().len()
}

/// Whether an item is the same for every profile.
fn is_fixed(item: &Item) -> bool {
    matches!(item, Item { guard: None, each: None, when: None, part: Part::Static { .. } })
}

fn fold_sequence(node: &Node, items: Vec<Item>) -> Part {
    if !items.iter().all(is_fixed) {
        return Part::Sequence(items, node.origin.span);
    }
    let (mut all_nodes, mut all_bytes) = (1, 0);
    let mut list = EcoVec::with_capacity(items.len());
    for item in items {
        if let Part::Static { node, nodes, bytes } = item.part {
            list.push(node);
            all_nodes += nodes;
            all_bytes += bytes;
        }
    }
    let node = Node { value: list.into(), origin: node.origin.clone() };
    Part::Static { node, nodes: all_nodes, bytes: all_bytes }
}

fn fold_mapping(node: &Node, fields: Vec<Field>) -> Part {
    if !fields.iter().all(|field| matches!(field.key, Key::Plain(_)) && is_fixed(&field.item)) {
        return Part::Mapping(fields, node.origin.span);
    }
    let (mut all_nodes, mut all_bytes) = (1, 0);
    let mut mapping = Mapping::new();
    for field in fields {
        if let (Key::Plain(key), Part::Static { node, nodes, bytes }) = (field.key, field.item.part) {
            all_nodes += nodes;
            all_bytes += bytes + key.len();
            mapping.push(key, field.key_span, node);
        }
    }
    let node = Node { value: mapping.into(), origin: node.origin.clone() };
    Part::Static { node, nodes: all_nodes, bytes: all_bytes }
}
