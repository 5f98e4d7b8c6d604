//! `$include`: partials, which are parts of templates in separate files, with parameters.

use std::cell::Cell;
use std::sync::Arc;

use ecow::{EcoString, eco_format, eco_vec};

use crate::finding::{Finding, RuleId};
use crate::node::{Entry, Input, Node, Origin, Value};
use crate::source::Span;
use crate::template::compile::{Compiler, DirectiveContext};
use crate::template::compiled::{CompiledItem, CompiledNode};
use crate::template::functions::{self, CallableKind};
use crate::template::instantiate::{Evaluated, Instantiation};
use crate::template::names::{AllowedFields, BUILT_IN, ValueShape, Variable};
use crate::template::scan;
use crate::template::value::Tree;
use crate::yaml::{self, Dialect};

/// The maximum depth of nested includes.
const MAX_DEPTH: usize = 16;

/// The maximum number of includes in a project's templates, counting nested ones each time.
const MAX_INCLUDES: usize = 10_000;

const RULE: RuleId = RuleId::TemplateInclude;

/// A partial with its parameters.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) parameters: Vec<(EcoString, CompiledItem)>,
    pub(super) body: CompiledItem,
    pub(super) span: Span,
}

/// Whether a path under `templates/` is that of a partial, which produces no documents on its own.
pub(super) fn is_partial(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with('_'))
}

impl Include {
    /// Whether the partial is a list.
    pub(super) fn is_list(&self) -> bool {
        match &self.body.part {
            CompiledNode::Sequence(..) => true,
            CompiledNode::Static { node, .. } => matches!(node.value, Value::Sequence(_)),
            CompiledNode::Include(include) => include.is_list(),
            _ => false,
        }
    }
}

impl Compiler<'_> {
    /// Compiles `$include` with its `$with`; `None` after an error.
    pub(super) fn include(
        &mut self,
        directive: &Node,
        with: Option<&Entry>,
        context: DirectiveContext,
    ) -> Option<Include> {
        let span = directive.origin.span;
        let mut wrong = |message: String, help: &str| {
            self.findings.push(Finding::error(RULE, span, message).with_help(help));
            None
        };
        let path = match directive.as_str() {
            Some(path) if scan::has_expression(path) => {
                return wrong(
                    "`$include` cannot contain an expression".to_owned(),
                    "choose between partials with `$if`",
                );
            }
            Some(path) => EcoString::from(path),
            None => return wrong(format!("`$include` must be a path, not {}", directive.type_name()), ""),
        };
        if !is_partial(&path) {
            let message = format!("`{path}` is not a partial: its objects are rendered on their own");
            return wrong(
                message,
                "start the name of a partial's file or folder with `_`: `_probe.yaml`, `_parts/probe.yaml`",
            );
        }
        if self.including.contains(&path) {
            let chain: Vec<String> = self.including.iter().chain([&path]).map(|path| format!("`{path}`")).collect();
            return wrong(format!("recursive include: {}", chain.join(" includes ")), "remove one of the includes");
        }
        self.includes += 1;
        if self.including.len() == MAX_DEPTH || self.includes > MAX_INCLUDES {
            let help =
                format!("the limits are a nesting depth of {MAX_DEPTH} and {MAX_INCLUDES} includes in all templates");
            self.findings.push(Finding::error(RuleId::TemplateTooLarge, span, "too many includes").with_help(help));
            return None;
        }
        let (node, text) = self.read_partial(&path, span)?;
        let mut parameters = Vec::new();
        let mut locals = Vec::new();
        match with.map(|entry| (entry, &entry.value.value)) {
            None => {}
            Some((_, Value::Mapping(given))) => {
                for entry in given {
                    self.new_name(&entry.key, entry.key_span);
                    let item = self.item(&entry.value, DirectiveContext::Alone);
                    let shape = self.shape_of(&entry.value);
                    locals.push(Variable { name: entry.key.clone(), shape, used: Cell::new(false) });
                    parameters.push((entry.key.clone(), item));
                }
            }
            Some((entry, _)) => {
                let message = format!("`$with` must be a mapping of parameters, not {}", entry.value.type_name());
                self.findings.push(Finding::error(RULE, entry.value.origin.span, message));
            }
        }
        // A partial can read the profile and its parameters, but not the `$for` variables around it.
        let outer = (std::mem::replace(&mut self.locals, locals), std::mem::replace(&mut self.text, text));
        self.including.push(path.clone());
        let below = if matches!(context, DirectiveContext::Document | DirectiveContext::Metadata) {
            context
        } else {
            DirectiveContext::Alone
        };
        if let Some(each) = node.get("$for") {
            let finding =
                Finding::error(RuleId::TemplateDirective, each.origin.span, "`$for` at the root of a partial");
            self.findings.push(finding.with_help("move it beside the `$include`, and pass the item as a parameter"));
        }
        let before = self.findings.len();
        let body = self.item(&node, below);
        self.including.pop();
        for finding in &mut self.findings[before..] {
            if finding.related.is_empty() {
                finding.related.push((span, "included here".to_owned()));
                if finding.rule == RuleId::TemplateNameUnknown && finding.help.contains("a new field") {
                    finding.help.push_str("; pass a parameter in `$with`, with the value `none` if it is not set");
                }
            }
        }
        let locals = std::mem::replace(&mut self.locals, outer.0);
        self.text = outer.1;
        for (local, entry) in locals.iter().zip(with.map_or(&[][..], |entry| entry.value.entries())) {
            if !local.used.get() {
                let message = format!("unused parameter `{}`", local.name);
                self.findings.push(
                    Finding::error(RULE, entry.key_span, message).with_help("remove it, or use it in the partial"),
                );
            }
        }
        Some(Include { parameters, body, span })
    }

    fn read_partial(&mut self, path: &EcoString, span: Span) -> Option<(Node, Arc<str>)> {
        if let Some(known) = self.partials.get(path) {
            return known.clone();
        }
        let read = match self.files.text(path) {
            Err(reason) => {
                let help = "use a path relative to `templates/`";
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
                        let message =
                            format!("a partial must be a single YAML document; `{path}` has {}", documents.len());
                        self.findings.push(Finding::error(RULE, span, message));
                        None
                    }
                    _ => None,
                }
            }
        };
        self.partials.insert(path.clone(), read.clone());
        read
    }

    /// Reports an invalid parameter name.
    fn new_name(&mut self, name: &str, span: Span) {
        let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let taken = BUILT_IN.contains(&name)
            || functions::find(CallableKind::Function, name).is_some()
            || matches!(&*self.names.fields(&[]), AllowedFields::Closed(known) if known.iter().any(|field| field == name));
        if !identifier {
            let finding = Finding::error(RULE, span, format!("invalid parameter name `{name}`"));
            self.findings.push(finding.with_help("use letters, digits and `_`, starting with a letter"));
        } else if taken {
            let finding = Finding::error(RULE, span, format!("the name `{name}` is already used"));
            self.findings.push(
                finding.with_help(
                    "rename the parameter; a partial can read profile fields and functions without parameters",
                ),
            );
        }
    }

    /// The shape of a parameter: that of the profile path that it passes on, if it is one.
    fn shape_of(&self, value: &Node) -> ValueShape {
        match scan::split(value.text()).unwrap_or_default().as_slice() {
            [scan::ScalarPiece::Expression(source, _)] => {
                crate::template::names::path_shape(source, &self.names, &self.locals)
            }
            _ => ValueShape::Any,
        }
    }
}

impl Instantiation<'_> {
    /// Instantiates a partial. Its parameters are evaluated at the `$include`.
    pub(super) fn include(&mut self, include: &Include) -> Evaluated<Option<Node>> {
        let mut bound = Vec::with_capacity(include.parameters.len());
        for (name, item) in &include.parameters {
            // A parameter that evaluates to `none` is not set.
            if let Some(mut value) = self.guarded(item)? {
                name_literals(&mut value, &eco_format!("$with.{name}"));
                let node = Node { value: eco_vec![value].into(), origin: Origin::default() };
                bound.push((name.clone(), Arc::new(Tree { node, profile: false })));
            }
        }
        // The partial sees its parameters only, not the variables of the including template.
        let outer = std::mem::replace(&mut self.change_scope().locals, bound);
        self.including.push(include.span);
        let made = self.guarded(&include.body);
        self.including.pop();
        self.change_scope().locals = outer;
        made
    }
}

/// Records a literal parameter as the input of whatever is made from it, so that its position can be reported.
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
