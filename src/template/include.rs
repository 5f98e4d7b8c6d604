//! `$include`: a part of a template in a file of its own, with parameters.

use std::cell::Cell;
use std::sync::Arc;

use ecow::{EcoString, eco_format, eco_vec};

use crate::finding::{Finding, RuleId};
use crate::node::{Entry, Input, Node, Origin, Value};
use crate::source::Span;
use crate::template::compile::{Compiler, Place};
use crate::template::functions::{self, Kind};
use crate::template::instantiate::{Made, Run};
use crate::template::names::{BUILT_IN, Fields, Local, Shape};
use crate::template::part::{Item, Part};
use crate::template::scan;
use crate::template::value::Tree;
use crate::yaml::{self, Dialect};

/// How deep parts may include parts.
const MAX_DEPTH: usize = 16;

/// How many parts the templates of a project may include, parts in parts counted each time.
const MAX_INCLUDES: usize = 10_000;

const RULE: RuleId = RuleId::TemplateInclude;

/// A part with its parameters.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) parameters: Vec<(EcoString, Item)>,
    pub(super) body: Item,
    pub(super) span: Span,
}

/// Whether a path under `templates/` is that of a part, which makes no documents of its own.
pub(super) fn is_part(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with('_'))
}

impl Include {
    /// Whether it makes a list.
    pub(super) fn is_list(&self) -> bool {
        match &self.body.part {
            Part::Sequence(..) => true,
            Part::Static { node, .. } => matches!(node.value, Value::Sequence(_)),
            Part::Include(include) => include.is_list(),
            _ => false,
        }
    }
}

impl Compiler<'_> {
    /// `$include` with its `$with`; `None` where something is wrong with it.
    pub(super) fn include(&mut self, directive: &Node, with: Option<&Entry>, place: Place) -> Option<Include> {
        let span = directive.origin.span;
        let mut wrong = |message: String, help: &str| {
            self.findings.push(Finding::error(RULE, span, message).with_help(help));
            None
        };
        let path = match directive.as_str() {
            Some(path) if scan::has_expression(path) => {
                return wrong("`$include` cannot contain an expression".to_owned(), "choose between parts with `$if`");
            }
            Some(path) => EcoString::from(path),
            None => return wrong(format!("`$include` must be a path, not {}", directive.type_name()), ""),
        };
        if !is_part(&path) {
            let message = format!("`{path}` is not a part: its objects are rendered on their own");
            return wrong(
                message,
                "a part's file or folder has a name that starts with `_`: `_probe.yaml`, `_parts/probe.yaml`",
            );
        }
        if self.including.contains(&path) {
            let way: Vec<String> = self.including.iter().chain([&path]).map(|path| format!("`{path}`")).collect();
            return wrong(format!("recursive include: {}", way.join(" includes ")), "a part cannot include itself");
        }
        self.includes += 1;
        if self.including.len() == MAX_DEPTH || self.includes > MAX_INCLUDES {
            let help = format!("parts may nest {MAX_DEPTH} deep, and templates include {MAX_INCLUDES} of them");
            self.findings.push(Finding::error(RuleId::TemplateTooLarge, span, "too many includes").with_help(help));
            return None;
        }
        let (node, text) = self.read_part(&path, span)?;
        let mut parameters = Vec::new();
        let mut locals = Vec::new();
        match with.map(|entry| (entry, &entry.value.value)) {
            None => {}
            Some((_, Value::Mapping(given))) => {
                for entry in given {
                    self.new_name(&entry.key, entry.key_span);
                    let item = self.item(&entry.value, Place::Alone);
                    let shape = self.shape_of(&entry.value);
                    locals.push(Local { name: entry.key.clone(), shape, used: Cell::new(false) });
                    parameters.push((entry.key.clone(), item));
                }
            }
            Some((entry, _)) => {
                let message = format!("`$with` must be a mapping of parameters, not {}", entry.value.type_name());
                self.findings.push(Finding::error(RULE, entry.value.origin.span, message));
            }
        }
        // The part sees the profile and its parameters, not what `$for` binds around it.
        let outer = (std::mem::replace(&mut self.locals, locals), std::mem::replace(&mut self.text, text));
        self.including.push(path.clone());
        let below = if matches!(place, Place::Document | Place::Metadata) { place } else { Place::Alone };
        if let Some(each) = node.get("$for") {
            let finding = Finding::error(RuleId::TemplateDirective, each.origin.span, "`$for` at the root of a part");
            self.findings.push(finding.with_help("write it beside the `$include`, and pass the item as a parameter"));
        }
        let before = self.findings.len();
        let body = self.item(&node, below);
        self.including.pop();
        for finding in &mut self.findings[before..] {
            if finding.related.is_empty() {
                finding.related.push((span, "included here".to_owned()));
                if finding.rule == RuleId::TemplateNameUnknown && finding.help.contains("a new field") {
                    finding.help.push_str("; a parameter is given in `$with`, as `none` where there is none");
                }
            }
        }
        let locals = std::mem::replace(&mut self.locals, outer.0);
        self.text = outer.1;
        for (local, entry) in locals.iter().zip(with.map_or(&[][..], |entry| entry.value.entries())) {
            if !local.used.get() {
                let message = format!("the part does not read the parameter `{}`", local.name);
                self.findings
                    .push(Finding::error(RULE, entry.key_span, message).with_help("remove it here, or use it there"));
            }
        }
        Some(Include { parameters, body, span })
    }

    fn read_part(&mut self, path: &EcoString, span: Span) -> Option<(Node, Arc<str>)> {
        if let Some(known) = self.parts.get(path) {
            return known.clone();
        }
        let read = match self.files.text(path) {
            Err(reason) => {
                let help = "the path is relative to `templates/`";
                self.findings.push(Finding::error(RULE, span, reason).with_help(help));
                None
            }
            Ok(file) => {
                let loaded = yaml::load(self.sources, file, Dialect::Strict);
                let fine = loaded.findings.is_empty();
                self.findings.extend(loaded.findings);
                let text = self.sources.get(file).map_or_else(|| Arc::from(""), |source| source.text.clone());
                match loaded.documents.as_slice() {
                    [node] if fine => Some((node.clone(), text)),
                    documents if fine => {
                        let message = format!("a part is one YAML document, and `{path}` has {}", documents.len());
                        self.findings.push(Finding::error(RULE, span, message));
                        None
                    }
                    _ => None,
                }
            }
        };
        self.parts.insert(path.clone(), read.clone());
        read
    }

    /// Reports a name that a parameter cannot have.
    fn new_name(&mut self, name: &str, span: Span) {
        let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let taken = BUILT_IN.contains(&name)
            || functions::find(Kind::Function, name).is_some()
            || matches!(&*self.names.fields(&[]), Fields::Closed(known) if known.iter().any(|field| field == name));
        if !identifier {
            let finding = Finding::error(RULE, span, format!("invalid parameter name `{name}`"));
            self.findings.push(finding.with_help("use letters, digits and `_`, starting with a letter"));
        } else if taken {
            let finding = Finding::error(RULE, span, format!("the name `{name}` is already used"));
            self.findings
                .push(finding.with_help("it would hide a profile field or a function; parts see the profile anyway"));
        }
    }

    /// What is known of a parameter: the path of the profile that it passes on.
    fn shape_of(&self, value: &Node) -> Shape {
        match scan::split(value.text()).unwrap_or_default().as_slice() {
            [scan::Piece::Expression(source, _)] => {
                crate::template::names::path_shape(source, &self.names, &self.locals)
            }
            _ => Shape::Any,
        }
    }
}

impl Run<'_> {
    /// A part, with its parameters evaluated where it is included.
    pub(super) fn include(&mut self, include: &Include) -> Made<Option<Node>> {
        let mut bound = Vec::with_capacity(include.parameters.len());
        for (name, item) in &include.parameters {
            // One that comes out as `none` is not set.
            if let Some(mut value) = self.guarded(item)? {
                name_literals(&mut value, &eco_format!("$with.{name}"));
                let node = Node { value: eco_vec![value].into(), origin: Origin::default() };
                bound.push((name.clone(), Arc::new(Tree { node, profile: false })));
            }
        }
        // Each is bound or hidden: a name of the including template is none of the part's.
        let outer = std::mem::replace(&mut self.change_scope().locals, bound);
        self.including.push(include.span);
        let made = self.guarded(&include.body);
        self.including.pop();
        self.change_scope().locals = outer;
        made
    }
}

/// Lets a literal that is passed as a parameter be found at its place: whatever is made of it names it as its input.
fn name_literals(node: &mut Node, path: &EcoString) {
    match &mut node.value {
        Value::Sequence(items) => items.make_mut().iter_mut().for_each(|item| name_literals(item, path)),
        Value::Mapping(mapping) => mapping.iter_mut().for_each(|entry| name_literals(&mut entry.value, path)),
        _ if node.origin.inputs().is_empty() => {
            let input = Input { path: path.clone(), node: node.clone() };
            node.origin.derived_mut().inputs.push(input);
        }
        _ => {}
    }
}
