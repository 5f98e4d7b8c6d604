//! Instantiates compiled templates with a profile's values.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecow::{EcoString, EcoVec, eco_vec};

use crate::finding::{Finding, RuleId, Severity};
use crate::node::{Input, Mapping, Node, Origin, TextPart, Value};
use crate::source::Span;
use crate::template::compile::{narrow, to_finding};
use crate::template::compiled::{
    CompiledField, CompiledItem, CompiledNode, Condition, ExpressionSite, FieldKey, ForDirective, TemplatePiece,
    TextTemplate, TreeFormat,
};
use crate::template::expression::{EvaluationFailure, Expression, Scope, joined, set_span};
use crate::template::functions::{key_of, mixed};
use crate::template::names::ExpressionFault;
use crate::template::project::{Exchange, FolderRequest};
use crate::template::value::{Budget, Tree};
use crate::yaml;

/// The limits of one bundle.
const BUNDLE: Budget = Budget { nodes: 1_000_000, bytes: 64 << 20, work: 400_000_000 };

/// Further findings are dropped.
const MAX_FINDINGS: usize = 50;

/// An error was reported; there is no value.
#[derive(Debug)]
pub(super) struct Reported;

pub(super) type Evaluated<T> = Result<T, Reported>;

pub(super) struct Instantiation<'a> {
    expressions: &'a [Expression],
    scope: Arc<Scope>,
    /// The values of expressions that do not read variables.
    memo: Vec<Option<Node>>,
    budget: Budget,
    exchange: &'a Exchange,
    read: &'a dyn Fn(&FolderRequest),
    /// The `$include`s around the current node, outermost first.
    pub(super) including: Vec<Span>,
    pub(super) findings: Vec<Finding>,
    /// The profile fields that conditions and loops read, in addition to the inputs of values.
    pub(super) decided: BTreeSet<EcoString>,
}

impl<'a> Instantiation<'a> {
    pub(super) fn new(
        expressions: &'a [Expression],
        scope: Scope,
        exchange: &'a Exchange,
        read: &'a dyn Fn(&FolderRequest),
    ) -> Self {
        let memo = vec![None; expressions.len()];
        let decided = BTreeSet::new();
        let scope = Arc::new(scope);
        Self {
            expressions,
            scope,
            memo,
            budget: BUNDLE,
            exchange,
            read,
            including: Vec::new(),
            findings: Vec::new(),
            decided,
        }
    }

    /// Whether an error was reported.
    pub(super) fn failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Adds a function that expressions can call.
    pub(super) fn add_function(&mut self, function: (&'static str, minijinja::Value)) {
        self.change_scope().functions.push(function);
    }

    /// Removes and returns all functions.
    pub(super) fn take_functions(&mut self) -> Vec<(&'static str, minijinja::Value)> {
        std::mem::take(&mut self.change_scope().functions)
    }

    /// Mutable access to the scope, between evaluations.
    pub(super) fn change_scope(&mut self) -> &mut Scope {
        Arc::make_mut(&mut self.scope)
    }

    /// Instantiates a document: no object, one, or one per iteration of its `$for`.
    pub(super) fn document(&mut self, item: &CompiledItem, out: &mut Vec<Node>) -> Evaluated<()> {
        if let CompiledNode::Manifests(manifests) = &item.part {
            return self.manifests(item, manifests, out);
        }
        self.for_each_iteration(item, |run| {
            out.extend(run.guarded(item)?);
            Ok(())
        })
    }

    /// Runs `body` once, or once for each item of a `$for`.
    fn for_each_iteration(
        &mut self,
        item: &CompiledItem,
        mut body: impl FnMut(&mut Self) -> Evaluated<()>,
    ) -> Evaluated<()> {
        let Some(each) = &item.each else { return body(self) };
        if !self.condition_holds(item.guard.as_ref())? {
            return Ok(());
        }
        let mut outcome = Ok(());
        for item in self.list(each)? {
            self.spend(1, 0, each.list.span)?;
            let tree = Tree { node: Node { value: eco_vec![item].into(), origin: Origin::default() }, profile: false };
            self.change_scope().locals.push((each.name.clone(), Arc::new(tree)));
            outcome = body(self).and(outcome);
            self.change_scope().locals.pop();
            if self.findings.len() >= MAX_FINDINGS {
                return Err(Reported);
            }
        }
        outcome
    }

    /// The items that `$for` iterates over: those of a list, or the keys of a mapping.
    fn list(&mut self, each: &ForDirective) -> Evaluated<EcoVec<Node>> {
        let node = self.value(each.list)?;
        self.decide(&node);
        match node.value {
            Value::Sequence(items) => Ok(items),
            Value::Mapping(mapping) => Ok(mapping.iter().map(key_of).collect()),
            _ => {
                let message = format!("`$for` expects a list or a mapping, not {}", node.type_name());
                Err(self.report_value_error(RuleId::TemplateType, each.list.span, message, "", &node))
            }
        }
    }

    /// The value of an item, unless its `$if` is false or it evaluates to `none`.
    pub(super) fn guarded(&mut self, item: &CompiledItem) -> Evaluated<Option<Node>> {
        if self.condition_holds(item.when.as_ref())? { self.node(&item.part) } else { Ok(None) }
    }

    /// Evaluates an `$if`.
    pub(super) fn condition_holds(&mut self, when: Option<&Condition>) -> Evaluated<bool> {
        match when {
            None => Ok(true),
            Some(Condition::Fixed(value)) => Ok(*value),
            Some(Condition::Computed(site)) => {
                let node = self.value(*site)?;
                self.decide(&node);
                node.as_bool().ok_or_else(|| {
                    let message = format!("`$if` expects a boolean, not {}", node.type_name());
                    let help = "compare it: `x > 0`, `x != ''`, `x is defined`";
                    self.report_value_error(RuleId::TemplateType, site.span, message, help, &node)
                })
            }
        }
    }

    /// Records the inputs of a value that affects the output without being part of it.
    fn decide(&mut self, node: &Node) {
        self.decided.extend(node.origin.inputs().iter().map(|input| input.path.clone()));
        node.items().iter().for_each(|item| self.decide(item));
        node.entries().iter().for_each(|entry| self.decide(&entry.value));
    }

    fn node(&mut self, part: &CompiledNode) -> Evaluated<Option<Node>> {
        match part {
            CompiledNode::Static { node, nodes, bytes } => {
                self.spend(*nodes, *bytes, node.origin.span)?;
                Ok(Some(node.clone()))
            }
            CompiledNode::Whole(site) => {
                let mut node = self.value(*site)?;
                if node.is_null() {
                    self.decide(&node);
                    return Ok(None);
                }
                set_span(&mut node, site.scalar);
                Ok(Some(node))
            }
            CompiledNode::Text(text) => self.text(text).map(Some),
            CompiledNode::Mapping(fields, span) => self.mapping(fields, *span).map(Some),
            CompiledNode::Sequence(items, span) => {
                let mut list = EcoVec::with_capacity(items.len());
                let mut outcome = Ok(());
                for item in items {
                    let made = self.for_each_iteration(item, |run| {
                        match run.guarded(item)? {
                            // A partial that is a list contributes its items.
                            Some(Node { value: Value::Sequence(items), .. }) if is_list(&item.part) => {
                                list.extend(items)
                            }
                            made => list.extend(made),
                        }
                        Ok(())
                    });
                    outcome = made.and(outcome);
                }
                self.spend(1, 0, *span)?;
                outcome.map(|()| Some(Node::new(list, *span)))
            }
            CompiledNode::Include(include) => self.include(include),
            CompiledNode::Files(choice) => self.files(choice).map(Some),
            // Only allowed as documents; the compiler rejects them elsewhere.
            CompiledNode::Manifests(_) => Ok(None),
            CompiledNode::Tree(format, item, span) => {
                let Some(tree) = self.guarded(item)? else { return Ok(None) };
                let (text, parts) = match format {
                    TreeFormat::Yaml => yaml::emit_with_parts(&tree),
                    TreeFormat::Json => yaml::json_with_parts(&tree),
                };
                self.spend(1, text.len(), *span)?;
                let origins: Vec<Origin> = parts.iter().map(|part| part.origin.clone()).collect();
                let mut origin = joined(*span, None, &origins);
                origin.derived_mut().text_parts = parts;
                Ok(Some(Node { value: text.into(), origin }))
            }
        }
    }

    fn mapping(&mut self, fields: &[CompiledField], span: Span) -> Evaluated<Node> {
        let mut made = Mapping::with_capacity(fields.len());
        let mut outcome = Ok(());
        for field in fields {
            let result = self.for_each_iteration(&field.item, |run| {
                // `$if` is evaluated first, since the key may only be defined if it holds.
                let Some(value) = run.guarded(&field.item)? else { return Ok(()) };
                let key = match &field.key {
                    FieldKey::Plain(key) => key.clone(),
                    FieldKey::Computed(text) => run.key(text)?,
                    FieldKey::Spread => {
                        let Value::Mapping(entries) = &value.value else {
                            let message =
                                format!("a partial beside other keys must be a mapping, not {}", value.type_name());
                            return Err(run.report_value_error(
                                RuleId::TemplateType,
                                field.key_span,
                                message,
                                "",
                                &value,
                            ));
                        };
                        for entry in entries {
                            run.check_unique_key(&made, &entry.key, field.key_span)?;
                            made.push(entry.key.clone(), entry.key_span, entry.value.clone());
                        }
                        return Ok(());
                    }
                };
                run.check_unique_key(&made, &key, field.key_span)?;
                made.push(key, field.key_span, value);
                Ok(())
            });
            outcome = result.and(outcome);
        }
        self.spend(1, 0, span)?;
        outcome.map(|()| Node::new(made, span))
    }

    /// Reports a duplicate key.
    fn check_unique_key(&mut self, made: &Mapping, key: &str, span: Span) -> Evaluated<()> {
        let Some(first) = made.entry(key) else { return Ok(()) };
        let message = format!("duplicate key `{key}`");
        let finding = Finding::error(RuleId::TemplateDuplicateKey, span, message)
            .with_help("use a key that is unique for each item of the `$for`");
        let finding = match first.key_span == span {
            true => finding,
            false => finding.with_related(first.key_span, "first defined here"),
        };
        Err(self.report(finding))
    }

    fn key(&mut self, text: &TextTemplate) -> Evaluated<EcoString> {
        let node = match text.pieces.as_slice() {
            [TemplatePiece::Expression(site)] => self.value(*site)?,
            _ => self.text(text)?,
        };
        match node.value {
            Value::String(key) => Ok(key),
            _ => {
                let message = format!("the key is {}, not a string", node.type_name());
                Err(self.report_value_error(RuleId::TemplateType, text.span, message, "write `| string`", &node))
            }
        }
    }

    /// Evaluates a string that contains expressions. They must evaluate to strings, integers or booleans.
    pub(super) fn text(&mut self, text: &TextTemplate) -> Evaluated<Node> {
        let mut made = EcoString::new();
        let mut origins = Vec::new();
        let mut pieces = Vec::new();
        let mut single = None;
        for piece in &text.pieces {
            match piece {
                TemplatePiece::Plain(plain) => made.push_str(plain),
                TemplatePiece::Expression(site) => {
                    let node = self.value(*site)?;
                    let Some(part) = mixed(&node.value) else {
                        let what = if node.is_null() { "none" } else { node.type_name() };
                        let message = format!("{what} cannot be part of a string");
                        let help = match node.value {
                            Value::Float(_) => "write `| string`",
                            Value::Null => "provide a string with `if … else`, or omit the whole field with `$if`",
                            _ => "use a string, an integer or a boolean; `| join(', ')` converts a list to a string",
                        };
                        return Err(self.report_value_error(RuleId::TemplateType, site.span, message, help, &node));
                    };
                    let start = made.len() as u32;
                    made.push_str(&part);
                    single = if origins.is_empty() { Some(site.expression) } else { None };
                    let origin = Origin { span: text.span, ..node.origin.clone() };
                    pieces.push(TextPart { start, end: made.len() as u32, origin });
                    origins.push(node.origin);
                }
            }
        }
        self.spend(1, made.len(), text.span)?;
        let expression = single.map_or(&text.source, |index| &self.expressions[index].source);
        let mut origin = joined(text.span, Some(expression.clone()), &origins);
        if pieces.len() > 1 {
            origin.derived_mut().pieces = pieces;
        }
        Ok(Node { value: made.into(), origin })
    }

    /// The value of an expression.
    fn value(&mut self, site: ExpressionSite) -> Evaluated<Node> {
        if let Some(Some(node)) = self.memo.get(site.expression) {
            let node = node.clone();
            return match self.budget.spend_tree(&node) {
                Ok(()) => Ok(node),
                Err(_) => Err(self.too_large(site.span)),
            };
        }
        let expression = &self.expressions[site.expression];
        let mut result = expression.evaluate(&self.scope, &mut self.budget);
        // Each request names another folder of the expression, so the loop terminates.
        while let Some(request) = self.exchange.requested() {
            (self.read)(&request);
            result = expression.evaluate(&self.scope, &mut self.budget);
        }
        let findings = self.exchange.findings();
        match result {
            Ok(node) => {
                for finding in findings {
                    let _ = self.report(finding);
                }
                if !expression.local {
                    self.memo[site.expression] = Some(node.clone());
                }
                Ok(node)
            }
            Err(failure) if !findings.is_empty() => Err(self.report_file_findings(findings, &failure, site)),
            Err(failure) => Err(self.explain(*failure, site, &expression.source)),
        }
    }

    /// Reports findings about files that a function read, at the profile's line that names them.
    fn report_file_findings(
        &mut self,
        findings: Vec<Finding>,
        failure: &EvaluationFailure,
        site: ExpressionSite,
    ) -> Reported {
        for mut finding in findings {
            if finding.span.is_none() {
                let names = |input: &&Input| input.node.as_str().is_some_and(|text| !text.is_empty());
                let input = failure.reads.inputs.iter().find(names).map(|input| input.node.origin.span);
                finding.span = input.filter(|span| !span.is_none()).unwrap_or(site.span);
            }
            if finding.span != site.span {
                finding.related.push((site.span, "read here".to_owned()));
            }
            self.report(finding);
        }
        Reported
    }

    fn explain(&mut self, failure: EvaluationFailure, site: ExpressionSite, source: &str) -> Reported {
        let EvaluationFailure { fault, reads } = failure;
        let span = narrow(site.span, source, &fault);
        let undefined = fault.rule == RuleId::TemplateUndefined;
        let mut finding = to_finding(span, fault);
        finding = if undefined { self.with_parent(finding, source) } else { with_inputs(finding, &reads.inputs) };
        self.report(finding)
    }

    /// Adds the position in the profile where the missing value would be set.
    fn with_parent(&self, finding: Finding, source: &str) -> Finding {
        let path = finding.message.split('`').nth(1).filter(|path| source.contains(path)).unwrap_or_default();
        let mut node = &self.scope.values.node;
        let mut found: Vec<&str> = Vec::new();
        for name in path.split('.') {
            match node.get(name) {
                Some(below) if below.is_set() => {
                    found.push(name);
                    node = below;
                }
                _ => break,
            }
        }
        let span = node.origin.span;
        if span.is_none() {
            return finding;
        }
        let words = match found.as_slice() {
            [] => "the profile does not set it".to_owned(),
            found => format!("`{}` is set here", found.join(".")),
        };
        finding.with_related(span, words)
    }

    /// Reports that a value is invalid where it is used, with the profile's lines that it comes from as related.
    pub(super) fn report_value_error(
        &mut self,
        rule: RuleId,
        span: Span,
        message: String,
        help: &str,
        node: &Node,
    ) -> Reported {
        let finding = Finding::error(rule, span, message).with_help(help);
        self.report(with_inputs(finding, node.origin.inputs()))
    }

    pub(super) fn spend(&mut self, nodes: usize, bytes: usize, span: Span) -> Evaluated<()> {
        match self.budget.spend(nodes, bytes) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.too_large(span)),
        }
    }

    fn too_large(&mut self, span: Span) -> Reported {
        // Nothing more fits, so that this is reported once.
        self.budget = Budget { nodes: 0, bytes: 0, work: 0 };
        let fault = ExpressionFault::new(RuleId::TemplateTooLarge, 0..0, "the bundle exceeds the rendering limits")
            .with_help("a bundle can have at most a million values, 64 MiB and a hundred thousand expressions, fewer if they are large");
        self.report(to_finding(span, fault))
    }

    fn report(&mut self, mut finding: Finding) -> Reported {
        if let Some(span) = self.including.last().filter(|span| **span != finding.span) {
            finding.related.push((*span, "included here".to_owned()));
        }
        let known = |other: &Finding| other.rule == finding.rule && other.span == finding.span;
        let over =
            finding.rule == RuleId::TemplateTooLarge && self.findings.iter().any(|other| other.rule == finding.rule);
        if !over && self.findings.len() < MAX_FINDINGS && !self.findings.iter().any(known) {
            self.findings.push(finding);
        }
        Reported
    }
}

/// Whether a node is an included list.
fn is_list(part: &CompiledNode) -> bool {
    matches!(part, CompiledNode::Include(include) if include.is_list())
}

/// Adds the profile's lines that an expression read as related.
fn with_inputs(finding: Finding, inputs: &[Input]) -> Finding {
    inputs.iter().take(4).filter(|input| !input.node.origin.span.is_none()).fold(finding, |finding, input| {
        let value = match &input.node.value {
            _ if super::value::holds_secret(&input.node) => "a secret".to_owned(),
            Value::Sequence(_) | Value::Mapping(_) => input.node.type_name().to_owned(),
            single => yaml::json(&Node { value: single.clone(), origin: Origin::default() }),
        };
        finding.with_related(input.node.origin.span, format!("`{}` is {value}", input.path))
    })
}

/// The values that templates can read: the merged profile, its name and the environment's name.
pub(super) fn values(merged: &Node, profile: &str, environment: &str) -> Node {
    let mut mapping = match &merged.value {
        Value::Mapping(mapping) => mapping.clone(),
        _ => Mapping::new(),
    };
    for (name, value) in [("profile", profile), ("environment", environment)] {
        mapping.remove(name);
        mapping.push(name, Span::NONE, Node::new(value, Span::NONE));
    }
    Node { value: mapping.into(), origin: merged.origin.clone() }
}
