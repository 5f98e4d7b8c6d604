//! Compiles template documents to trees of static nodes, expressions and directives.

use std::cell::Cell;
use std::sync::Arc;

use ecow::{EcoString, EcoVec};
use foldhash::HashMap;

use crate::finding::{Finding, RuleId};
use crate::node::{Mapping, Node, Value};
use crate::source::{Sources, Span};
use crate::suggest;
use crate::template::compiled::{
    CompiledDocument, CompiledField, CompiledItem, CompiledNode, Condition, ExpressionSite, FieldKey, ForDirective,
    TemplatePiece, TextTemplate, TreeFormat,
};
use crate::template::expression::Expression;
use crate::template::files::{NamedFiles, is_binary};
use crate::template::functions::{self, CallableKind};
use crate::template::names::{self, AllowedFields, BUILT_IN, CachedFields, ExpressionFault, Variable};
use crate::template::scan::{self, ScalarPiece};

/// The position of a node, which decides the directives it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirectiveContext {
    Document,
    Item,
    Entry,
    /// The `metadata` of a document.
    Metadata,
    /// Under `$value`, `$yaml` or `$json`, where nothing can be repeated.
    Alone,
}

/// The directives.
const DIRECTIVES: [&str; 9] = ["$if", "$for", "$value", "$yaml", "$json", "$file", "$files", "$include", "$manifests"];
/// The key in `metadata` that is handled when the bundle is finished.
pub(super) const CONTENT_NAME: &str = "$contentName";

pub(super) struct Compiler<'a> {
    pub(super) sources: &'a Sources,
    pub(super) names: CachedFields<'a>,
    pub(super) files: &'a dyn NamedFiles,
    pub(super) text: Arc<str>,
    pub(super) locals: Vec<Variable>,
    pub(super) expressions: Vec<Expression>,
    /// The expressions by source and whether they read a `$for` variable, with their index and whether they are late.
    pub(super) known: HashMap<(EcoString, bool), (usize, bool)>,
    pub(super) findings: Vec<Finding>,
    /// Whether an expression of the current document depends on the bundle's other documents.
    pub(super) late: bool,
    /// Whether the current value is base64-encoded binary data.
    pub(super) binary: bool,
    /// The partials read so far, each with the contents of its file; `None` if it cannot be read.
    pub(super) partials: HashMap<EcoString, Option<(Node, Arc<str>)>>,
    /// The partials being included, outermost first.
    pub(super) including: Vec<EcoString>,
    /// The number of includes so far.
    pub(super) includes: usize,
}

impl Compiler<'_> {
    /// Compiles a document.
    pub(super) fn document(&mut self, node: &Node) -> CompiledDocument {
        self.late = false;
        let item = self.item(node, DirectiveContext::Document);
        CompiledDocument { item, file: node.origin.span.file, late: self.late }
    }

    pub(super) fn item(&mut self, node: &Node, context: DirectiveContext) -> CompiledItem {
        let depth = self.locals.len();
        let (guard, each, when) = self.repeated(node, context);
        let part = self.node(node, context);
        self.locals.truncate(depth);
        CompiledItem { guard, each, when, part }
    }

    /// Compiles `$for` and `$if`. An `$if` that does not mention the `$for` variable is a guard, which is evaluated
    /// before the list; one that does is evaluated in each iteration. The variable is in scope from here on.
    fn repeated(
        &mut self,
        node: &Node,
        context: DirectiveContext,
    ) -> (Option<Condition>, Option<ForDirective>, Option<Condition>) {
        let Some((each, local)) = self.each(node, context) else { return (None, None, self.when(node)) };
        let mentions_variable = node.get("$if").is_some_and(|when| names::mentions(when.text(), &each.name));
        let guard = if mentions_variable { None } else { self.when(node) };
        self.locals.extend(local);
        let when = if mentions_variable { self.when(node) } else { None };
        (guard, Some(each), when)
    }

    fn each(&mut self, node: &Node, context: DirectiveContext) -> Option<(ForDirective, Option<Variable>)> {
        let directive = node.get("$for")?;
        let span = directive.origin.span;
        if matches!(context, DirectiveContext::Alone | DirectiveContext::Metadata) {
            let finding = Finding::error(RuleId::TemplateDirective, span, "`$for` is not allowed here")
                .with_help("use it in a list item, a mapping entry or a document, which it repeats");
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
            || functions::find(CallableKind::Function, name).is_some()
            || matches!(&*self.names.fields(&[]), AllowedFields::Closed(known) if known.iter().any(|field| field == name));
        if taken {
            let finding = Finding::error(RuleId::TemplateDirective, span, format!("the name `{name}` is already used"))
                .with_label("the variable of a `$for` must have a new name")
                .with_help("it would hide a profile field, a function or an outer `$for`");
            self.findings.push(finding);
        }
        let shape = names::item_shape(list, &self.names, &self.locals);
        let offset = text.len() - list.len();
        let site = self.site(list, offset..text.len(), directive)?;
        let name = EcoString::from(name);
        Some((ForDirective { name: name.clone(), list: site }, Some(Variable { name, shape, used: Cell::new(false) })))
    }

    fn when(&mut self, node: &Node) -> Option<Condition> {
        let directive = node.get("$if")?;
        match &directive.value {
            Value::Bool(value) => Some(Condition::Fixed(*value)),
            Value::String(text) if scan::has_expression(text) => {
                let finding = Finding::error(
                    RuleId::TemplateDirective,
                    directive.origin.span,
                    "`$if` must be a single expression",
                )
                .with_help("remove the braces: `$if: a == b`");
                self.findings.push(finding);
                None
            }
            Value::String(text) => self.site(text.trim(), range_of_trimmed(text), directive).map(Condition::Computed),
            _ => {
                let message = format!("`$if` expects an expression, not {}", directive.type_name());
                self.findings.push(Finding::error(RuleId::TemplateDirective, directive.origin.span, message));
                None
            }
        }
    }

    fn node(&mut self, node: &Node, context: DirectiveContext) -> CompiledNode {
        match &node.value {
            Value::String(text) if scan::has_expression(text) => self.scalar(text, node),
            Value::Sequence(items) => {
                let items: Vec<CompiledItem> =
                    items.iter().map(|item| self.item(item, DirectiveContext::Item)).collect();
                fold_sequence(node, items)
            }
            Value::Mapping(mapping) => self.mapping(node, mapping, context),
            value => {
                let bytes = if let Value::String(text) = value { text.len() } else { 0 };
                CompiledNode::Static { node: node.clone(), nodes: 1, bytes }
            }
        }
    }

    fn scalar(&mut self, text: &EcoString, node: &Node) -> CompiledNode {
        let nothing = || CompiledNode::Static { node: node.clone(), nodes: 1, bytes: text.len() };
        let Some(made) = self.text(text, node) else { return nothing() };
        match made.pieces.as_slice() {
            [TemplatePiece::Expression(site)] => CompiledNode::Whole(*site),
            _ => CompiledNode::Text(made),
        }
    }

    fn text(&mut self, text: &EcoString, node: &Node) -> Option<TextTemplate> {
        self.split(text, node.origin.span)
    }

    pub(super) fn split(&mut self, text: &EcoString, scalar: Span) -> Option<TextTemplate> {
        let pieces = match scan::split(text) {
            Ok(pieces) => pieces,
            Err(error) => {
                let raw = self.raw(scalar);
                // Earlier occurrences in the scalar give the position.
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
                ScalarPiece::Text(plain) => made.push(TemplatePiece::Plain(plain.into())),
                ScalarPiece::Expression(source, range) => match self.site(source, range, &holder) {
                    Some(site) => made.push(TemplatePiece::Expression(site)),
                    None => whole = false,
                },
            }
        }
        whole.then(|| TextTemplate { pieces: made, source: text.clone(), span: scalar })
    }

    fn mapping(&mut self, node: &Node, mapping: &Mapping, context: DirectiveContext) -> CompiledNode {
        let span = node.origin.span;
        let mut spread = Vec::new();
        let mut fields = Vec::with_capacity(mapping.len());
        if let Some(manifests) = mapping.get("$manifests").filter(|_| context == DirectiveContext::Document) {
            return self.manifests(node, manifests);
        }
        let replaced =
            mapping.iter().find(|entry| matches!(entry.key.as_str(), "$value" | "$yaml" | "$json" | "$file"));
        let include = mapping.entry("$include").filter(|_| replaced.is_none());
        let with = mapping.entry("$with").filter(|_| include.is_some());
        if let Some(include) = include {
            let own = |key: &str| matches!(key, "$if" | "$for" | "$include" | "$with");
            let alone = mapping.iter().all(|entry| own(&entry.key));
            let made = self.include(&include.value, with, context);
            match made {
                None => return CompiledNode::Static { node: node.clone(), nodes: 1, bytes: 0 },
                Some(made) if alone => return CompiledNode::Include(Box::new(made)),
                Some(made) => spread.push((include.key_span, CompiledNode::Include(Box::new(made)))),
            }
        }
        if let Some(files) = mapping.entry("$files").filter(|_| replaced.is_none()) {
            spread.push((files.key_span, self.file(&files.value, true)));
        }
        for (key_span, part) in spread {
            fields.push(CompiledField {
                key: FieldKey::Spread,
                key_span,
                item: CompiledItem { guard: None, each: None, when: None, part },
            });
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
                let message = format!("`{}` cannot be combined with other keys", replaced.key);
                let finding = Finding::error(RuleId::TemplateDirective, entry.key_span, message)
                    .with_help("only `$if` and `$for` are allowed beside it");
                self.findings.push(finding);
                continue;
            }
            let known = match key {
                CONTENT_NAME => context == DirectiveContext::Metadata,
                _ => !key.starts_with('$'),
            };
            if !known {
                self.unknown_directive(key, entry.key_span);
                continue;
            }
            let outer = self.binary;
            if context == DirectiveContext::Document {
                self.binary = is_binary(node, key);
            }
            let below = match context {
                DirectiveContext::Document if key == "metadata" => DirectiveContext::Metadata,
                _ => DirectiveContext::Entry,
            };
            fields.push(self.field(entry, below));
            self.binary = outer;
        }
        let Some(replaced) = replaced else { return fold_mapping(node, fields) };
        match replaced.key.as_str() {
            "$file" => self.file(&replaced.value, false),
            "$value" => self.node(&replaced.value, DirectiveContext::Alone),
            format => {
                let format = if format == "$yaml" { TreeFormat::Yaml } else { TreeFormat::Json };
                CompiledNode::Tree(format, Box::new(self.item(&replaced.value, DirectiveContext::Alone)), span)
            }
        }
    }

    fn field(&mut self, entry: &crate::node::Entry, context: DirectiveContext) -> CompiledField {
        // The variable of the value's `$for` is also in scope in the key.
        let depth = self.locals.len();
        let (guard, each, when) = self.repeated(&entry.value, context);
        let repeated = each.is_some() || entry.value.get("$for").is_some();
        let key = if !scan::has_expression(&entry.key) {
            FieldKey::Plain(entry.key.clone())
        } else if repeated {
            match self.split(&entry.key, entry.key_span) {
                Some(text) => FieldKey::Computed(text),
                None => FieldKey::Plain(entry.key.clone()),
            }
        } else {
            let finding = Finding::error(RuleId::TemplateDirective, entry.key_span, "expression in a key")
                .with_help("an expression in a key is allowed only if its value has a `$for`");
            self.findings.push(finding);
            FieldKey::Plain(entry.key.clone())
        };
        let part = self.node(&entry.value, context);
        self.locals.truncate(depth);
        CompiledField { key, key_span: entry.key_span, item: CompiledItem { guard, each, when, part } }
    }

    fn unknown_directive(&mut self, key: &str, span: Span) {
        let finding = if key == CONTENT_NAME {
            Finding::error(RuleId::TemplateDirective, span, "`$contentName` is only allowed in `metadata`")
                .with_help("move it to the `metadata` of the object")
        } else if key == "$with" {
            Finding::error(RuleId::TemplateDirective, span, "`$with` without `$include`")
                .with_help("add the `$include` whose parameters it holds")
        } else if key == "$manifests" || key == "$namespace" {
            Finding::error(RuleId::TemplateDirective, span, format!("`{key}` is not allowed inside a document"))
                .with_help("use it as a document of its own, optionally with `$if` and `$namespace`")
        } else {
            let near = suggest::nearest(key, DIRECTIVES.into_iter().chain([CONTENT_NAME]));
            let help = near.map_or_else(
                || format!("available directives: {}", suggest::list(DIRECTIVES, "and")),
                |near| format!("did you mean `{near}`?"),
            );
            Finding::error(RuleId::TemplateDirective, span, format!("unknown directive `{key}`")).with_help(help)
        };
        self.findings.push(finding);
    }

    /// The source of a scalar in the file.
    fn raw(&self, scalar: Span) -> &str {
        self.text.get(scalar.start as usize..scalar.end as usize).unwrap_or_default()
    }

    /// Compiles an expression, or finds it among those already compiled.
    fn site(&mut self, source: &str, range: std::ops::Range<usize>, scalar: &Node) -> Option<ExpressionSite> {
        let whole = scalar.origin.span;
        let raw = self.raw(whole);
        let before = scalar.text().get(..range.start).unwrap_or_default();
        // In most cases the source is the scalar itself, with or without quotes.
        let quoted = usize::from(raw.starts_with(['"', '\'']));
        let same =
            raw.get(quoted..).and_then(|rest| rest.strip_prefix(before)).is_some_and(|at| at.starts_with(source));
        let found = if same {
            Some(quoted + before.len())
        } else {
            // Find the occurrence with the same number of earlier occurrences.
            raw.match_indices(source).nth(before.matches(source).count()).map(|(at, _)| at)
        };
        let span = found.map_or(whole, |at| {
            let start = whole.start + at as u32;
            Span::new(whole.file, start, start + source.len() as u32)
        });
        // Without `$for` variables, the same source is the same expression.
        if self.locals.is_empty()
            && let Some((expression, late)) = self.known.get(&(EcoString::from(source), false))
        {
            self.late |= late;
            return Some(ExpressionSite { expression: *expression, scalar: whole, span });
        }
        let checked = names::check(source, &self.names, &self.locals);
        self.late |= checked.late;
        let position = |fault: &ExpressionFault| narrow(span, source, fault);
        if !checked.faults.is_empty() {
            let findings = checked.faults.into_iter().map(|fault| to_finding(position(&fault), fault));
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
                    self.findings.push(to_finding(position(&fault), fault));
                    return None;
                }
            },
        };
        Some(ExpressionSite { expression, scalar: whole, span })
    }
}

/// The position of an error within an expression; the whole expression if escapes make it unknown.
pub(super) fn narrow(span: Span, source: &str, fault: &ExpressionFault) -> Span {
    let exact = (span.end - span.start) as usize == source.len();
    if !exact || fault.range.is_empty() || fault.range.end > source.len() {
        return span;
    }
    Span::new(span.file, span.start + fault.range.start as u32, span.start + fault.range.end as u32)
}

pub(super) fn to_finding(span: Span, fault: ExpressionFault) -> Finding {
    Finding::error(fault.rule, span, fault.message).with_help(fault.help)
}

fn range_of_trimmed(text: &str) -> std::ops::Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..start + text.trim().len()
}

/// Whether an item does not depend on the profile.
fn is_fixed(item: &CompiledItem) -> bool {
    matches!(item, CompiledItem { guard: None, each: None, when: None, part: CompiledNode::Static { .. } })
}

fn fold_sequence(node: &Node, items: Vec<CompiledItem>) -> CompiledNode {
    if !items.iter().all(is_fixed) {
        return CompiledNode::Sequence(items, node.origin.span);
    }
    let (mut all_nodes, mut all_bytes) = (1, 0);
    let mut list = EcoVec::with_capacity(items.len());
    for item in items {
        if let CompiledNode::Static { node, nodes, bytes } = item.part {
            list.push(node);
            all_nodes += nodes;
            all_bytes += bytes;
        }
    }
    let node = Node { value: list.into(), origin: node.origin.clone() };
    CompiledNode::Static { node, nodes: all_nodes, bytes: all_bytes }
}

fn fold_mapping(node: &Node, fields: Vec<CompiledField>) -> CompiledNode {
    if !fields.iter().all(|field| matches!(field.key, FieldKey::Plain(_)) && is_fixed(&field.item)) {
        return CompiledNode::Mapping(fields, node.origin.span);
    }
    let (mut all_nodes, mut all_bytes) = (1, 0);
    let mut mapping = Mapping::new();
    for field in fields {
        if let (FieldKey::Plain(key), CompiledNode::Static { node, nodes, bytes }) = (field.key, field.item.part) {
            all_nodes += nodes;
            all_bytes += bytes + key.len();
            mapping.push(key, field.key_span, node);
        }
    }
    let node = Node { value: mapping.into(), origin: node.origin.clone() };
    CompiledNode::Static { node, nodes: all_nodes, bytes: all_bytes }
}
