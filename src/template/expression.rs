//! A single expression: compiled once, evaluated for each profile. Only this folder depends on the expression engine.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use ecow::EcoString;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Environment, ErrorKind};

use crate::finding::RuleId;
use crate::node::{Derived, Node, Origin, Value};
use crate::source::Span;
use crate::template::functions;
use crate::template::names::{CheckedExpression, ExpressionFault};
use crate::template::value::{self, Budget, ConversionError, Reads, Tree, TreeView};

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| functions::environment(functions::USUAL_FUEL));

/// The engine for the few expressions that need more fuel.
static LARGE_ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| functions::environment(functions::MAX_FUEL));

/// The implicit `else` of an `if` without one: a name that is never defined, so that reading it is an error.
const NOTHING: &str = "__nothing";

/// A compiled expression.
pub(super) struct Expression {
    /// The source, without braces.
    pub(super) source: EcoString,
    /// Whether it reads a `$for` variable, so that its value may change with each iteration.
    pub(super) local: bool,
    program: ExpressionProgram,
    /// The offsets at which an `else` was inserted, last first.
    added: Vec<usize>,
}

enum ExpressionProgram {
    /// A plain path `a.b.c`, looked up without the engine: its names, and the path as a string.
    Path(Vec<EcoString>, EcoString),
    Compiled(minijinja::Expression<'static, 'static>),
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// The range of the path, like `image.tag`, that ends in `name`; `None` if there is no such path, or more than one.
fn path_to(source: &str, name: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = source.match_indices(name).filter_map(|(at, _)| {
        let (before, after) = (&source[..at], &source[at + name.len()..]);
        let start = before.trim_end_matches(|c| part(c) || c == '.').len();
        let whole = !before.ends_with(part) && !after.starts_with(|c| part(c) || matches!(c, '.' | '[' | '('));
        let quoted = source[..start].matches(['\'', '"']).count() % 2 == 1;
        (whole && !quoted).then_some(start..at + name.len())
    });
    let first = found.next()?;
    found.all(|other| source[other] == source[first.clone()]).then_some(first)
}

/// The names that an expression can read.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) values: Arc<Tree>,
    /// The `$for` variables and parameters, outermost first: each tree is a list with one item.
    pub(super) locals: Vec<(EcoString, Arc<Tree>)>,
    /// Functions that depend on the project.
    pub(super) functions: Vec<(&'static str, minijinja::Value)>,
}

impl Object for Scope {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        if let Some((_, tree)) = self.locals.iter().rev().find(|(name, _)| name == key) {
            // The tree is a list with one item, so that reading the item is recorded by the view.
            return Some(TreeView::root(tree.clone()).child(0));
        }
        if let Some(value) = TreeView::root(self.values.clone()).field(key) {
            return Some(value);
        }
        if let Some((_, function)) = self.functions.iter().find(|(name, _)| *name == key) {
            return Some(function.clone());
        }
        if functions::find(functions::CallableKind::Function, key).is_none() {
            value::note_miss(key.into());
        }
        None
    }
}

/// Why an evaluation failed.
#[derive(Debug)]
pub(super) struct EvaluationFailure {
    /// The error.
    pub(super) fault: ExpressionFault,
    /// The profile values that were read before the failure.
    pub(super) reads: Reads,
}

/// The source with an `else` added to every `if` without one, at the offsets `added`, last first.
fn completed(source: &str, added: &[usize]) -> String {
    let mut text = source.to_owned();
    added.iter().for_each(|at| text.insert_str(*at, &format!(" else {NOTHING}")));
    text
}

impl Expression {
    /// Compiles an expression that was already checked.
    pub(super) fn compile(source: &str, checked: &CheckedExpression) -> Result<Self, ExpressionFault> {
        let mut added = checked.missing_else.clone();
        added.sort_unstable_by(|a, b| b.cmp(a));
        let program = match &checked.path {
            Some(path) => ExpressionProgram::Path(path.clone(), path.join(".").into()),
            None => {
                let compiled = ENGINE.compile_expression_owned(completed(source, &added));
                ExpressionProgram::Compiled(compiled.map_err(|error| {
                    let range = written(&added, error.range().unwrap_or(0..source.len()), source.len());
                    let message = error.detail().unwrap_or("it cannot be read").to_owned();
                    ExpressionFault::new(RuleId::TemplateSyntax, range, format!("invalid expression: {message}"))
                })?)
            }
        };
        Ok(Self { source: source.into(), local: checked.local, program, added })
    }

    /// Evaluates the expression to a node. Its parts have no position yet, but record their inputs.
    pub(super) fn evaluate(&self, scope: &Arc<Scope>, budget: &mut Budget) -> Result<Node, Box<EvaluationFailure>> {
        let made = match &self.program {
            ExpressionProgram::Path(names, path) => return self.lookup(names, path, scope, budget),
            ExpressionProgram::Compiled(compiled) => {
                let context = || minijinja::Value::from_dyn_object(scope.clone());
                value::start_recording();
                let mut spent = budget.spend_work(functions::USUAL_FUEL);
                let mut result = compiled.eval(context());
                if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutOfFuel) {
                    spent = spent.and_then(|()| budget.spend_work(functions::MAX_FUEL));
                    if spent.is_ok() {
                        _ = value::recorded();
                        value::start_recording();
                        result = LARGE_ENGINE
                            .compile_expression_owned(completed(&self.source, &self.added))
                            .and_then(|compiled| compiled.eval(context()));
                    }
                }
                if spent.is_err() {
                    _ = value::recorded();
                    return Err(EvaluationFailure {
                        fault: self.conversion_fault(ConversionError::TooLarge),
                        reads: Reads::default(),
                    }
                    .into());
                }
                result
                    .map_err(|error| self.explain(&error))
                    .and_then(|value| value::to_node(&value, budget).map_err(|error| self.conversion_fault(error)))
            }
        };
        let reads = value::recorded();
        let fault = match (made, reads.misses.first()) {
            (Ok(mut node), None) => {
                let secret = reads.inputs.iter().any(|input| value::holds_secret(&input.node));
                let expression = Some(self.source.clone());
                let shared = Derived { inputs: reads.inputs, expression, secret, ..Derived::default() };
                finish(&mut node, &Arc::new(shared), &self.source);
                return Ok(node);
            }
            (Ok(_), Some(name)) => self.undefined(name, 0..self.source.len()),
            // The engine reports the operation that failed; the missing name is more useful.
            (Err(fault), Some(_)) if fault.rule == RuleId::TemplateUndefined && self.added.is_empty() => {
                match reads.misses.last().and_then(|name| path_to(&self.source, name)) {
                    Some(range) => self.undefined(&self.source[range.clone()], range),
                    None => fault,
                }
            }
            (Err(fault), _) => fault,
        };
        // The engine's message may quote a value.
        let secret = reads.inputs.iter().any(|input| value::holds_secret(&input.node));
        let fault = if secret && fault.rule == RuleId::TemplateType {
            ExpressionFault { message: "the expression cannot use the secret it reads".to_owned(), ..fault }
        } else {
            fault
        };
        Err(Box::new(EvaluationFailure { fault, reads }))
    }

    fn lookup(
        &self,
        names: &[EcoString],
        path: &EcoString,
        scope: &Scope,
        budget: &mut Budget,
    ) -> Result<Node, Box<EvaluationFailure>> {
        let mut node = &scope.values.node;
        let failure = |fault| Box::new(EvaluationFailure { fault, reads: Reads::default() });
        let mut end = 0;
        for name in names {
            end += name.len();
            node = node.get(name).ok_or_else(|| {
                failure(self.undefined(&self.source[..end.min(self.source.len())], 0..self.source.len()))
            })?;
            end += 1;
        }
        budget.spend_tree(node).map_err(|error| failure(self.conversion_fault(error)))?;
        let mut made = value::derive(node, path);
        name_expression(&mut made, &self.source);
        Ok(made)
    }

    fn undefined(&self, name: &str, range: Range<usize>) -> ExpressionFault {
        if name == NOTHING {
            let message = "this `if` has no `else`, and its condition is false";
            return ExpressionFault::new(RuleId::TemplateUndefined, range, message)
                .with_help("write `else none` to omit the field");
        }
        ExpressionFault::new(RuleId::TemplateUndefined, range, format!("`{name}` is not set"))
            .with_help("set it in the profile, or read an optional field with `| optional` or `is defined`")
    }

    fn explain(&self, error: &minijinja::Error) -> ExpressionFault {
        let whole = 0..self.source.len();
        let range = error.range().map_or(whole.clone(), |range| written(&self.added, range, self.source.len()));
        match error.kind() {
            ErrorKind::UndefinedError => {
                let name = error.range().filter(|_| self.added.is_empty()).and_then(|range| self.source.get(range));
                match name.filter(|name| !name.is_empty()) {
                    Some(name) if !name.contains(['(', '|', ' ']) => self.undefined(name, range),
                    _ if self.added.is_empty() => ExpressionFault::new(
                        RuleId::TemplateUndefined,
                        range,
                        "the expression reads a name that is not set",
                    ),
                    _ => self.undefined(NOTHING, whole),
                }
            }
            ErrorKind::OutOfFuel => self.too_much(),
            _ => {
                let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                ExpressionFault::new(RuleId::TemplateType, range, detail)
            }
        }
    }

    fn too_much(&self) -> ExpressionFault {
        ExpressionFault::new(
            RuleId::TemplateTooLarge,
            0..self.source.len(),
            "this expression exceeds the limit on work or output",
        )
        .with_help("compute a single value per expression, and put long strings in a `$file`")
    }

    fn conversion_fault(&self, error: ConversionError) -> ExpressionFault {
        let whole = 0..self.source.len();
        match error {
            ConversionError::Undefined(at) if at.is_empty() && !self.added.is_empty() => self.undefined(NOTHING, whole),
            ConversionError::Undefined(at) if at.is_empty() => self.undefined(&self.source, whole),
            ConversionError::Undefined(at) => {
                let message = format!("`{}` in the result is not set", at.trim_start_matches('.'));
                ExpressionFault::new(RuleId::TemplateUndefined, whole, message)
            }
            ConversionError::Type { message, help } => {
                ExpressionFault::new(RuleId::TemplateType, whole, message).with_help(help)
            }
            ConversionError::TooLarge => self.too_much(),
            ConversionError::Engine(message) => ExpressionFault::new(RuleId::TemplateType, whole, message),
        }
    }
}

/// Converts a range of the compiled source to a range of the original source.
fn written(added: &[usize], range: Range<usize>, length: usize) -> Range<usize> {
    let width = NOTHING.len() + " else ".len();
    let back = |at: usize| {
        // `added` holds offsets in the original source, last first; each earlier insertion shifts the offset.
        let before = added.iter().rev().enumerate().take_while(|(index, place)| **place + index * width < at).count();
        at.saturating_sub(before * width).min(length)
    };
    back(range.start)..back(range.end)
}

/// Sets the expression of every part of a result, and the inputs of those that have none.
fn finish(node: &mut Node, shared: &Arc<Derived>, expression: &EcoString) {
    match &mut node.origin.derived {
        derived @ None => *derived = Some(shared.clone()),
        Some(derived) if derived.expression.as_ref() != Some(expression) => {
            Arc::make_mut(derived).expression = Some(expression.clone());
        }
        Some(_) => {}
    }
    children(node, &mut |child| finish(child, shared, expression));
}

fn name_expression(node: &mut Node, expression: &EcoString) {
    node.origin.derived_mut().expression = Some(expression.clone());
    children(node, &mut |child| name_expression(child, expression));
}

/// Sets the span of every part of a result to that of its scalar.
pub(super) fn set_span(node: &mut Node, span: Span) {
    node.origin.span = span;
    children(node, &mut |child| set_span(child, span));
}

fn children(node: &mut Node, visit: &mut dyn FnMut(&mut Node)) {
    match &mut node.value {
        Value::Sequence(items) => items.make_mut().iter_mut().for_each(visit),
        Value::Mapping(mapping) => mapping.iter_mut().for_each(|entry| visit(&mut entry.value)),
        _ => {}
    }
}

/// The origin of a string that is composed of several parts.
pub(super) fn joined(span: Span, expression: Option<EcoString>, parts: &[Origin]) -> Origin {
    let mut derived = Derived { expression, ..Derived::default() };
    for part in parts {
        derived.secret |= part.is_secret();
        for input in part.inputs() {
            if !derived.inputs.iter().any(|known| known.path == input.path) {
                derived.inputs.push(input.clone());
            }
        }
    }
    Origin { span, derived: Some(Arc::new(derived)) }
}
