//! Evaluation of the rules of definitions (`x-kubernetes-validations`) on custom resources.

use std::rc::Rc;

use foldhash::{HashMap, HashMapExt};

use super::eval::Failure;
use super::value::Value;
use super::{Kind, Program, each};
use crate::kube::crd::CustomKind;
use crate::kube::{Identity, ListKind, Shape};
use crate::node::{self, Node};
use crate::schema::{Subschema, ValidationRule};

/// How many steps the rules may take on one object, and on all objects of a run.
const STEPS_OF_OBJECT: u64 = 1_000_000;
const STEPS_OF_ALL: u64 = 20_000_000;

/// The compiled rules of the kinds that had objects.
#[derive(Debug)]
pub(crate) struct KindRules<'k> {
    kinds: HashMap<*const CustomKind<'k>, CompiledRules<'k>>,
    left: u64,
}

impl<'k> KindRules<'k> {
    pub(crate) fn new() -> Self {
        Self { kinds: HashMap::new(), left: STEPS_OF_ALL }
    }

    /// Evaluates the rules of a kind on a resource that matches its schema. `old` is the stored resource; without it, the resource
    /// is created, and transition rules (with `oldSelf`) do not apply.
    pub(crate) fn check(&mut self, kind: &'k CustomKind<'k>, object: &Node, old: Option<&Node>) -> RuleResults<'k> {
        let rules = self.kinds.entry(std::ptr::from_ref(kind)).or_insert_with(|| CompiledRules::new(kind.schema()));
        if rules.is_empty() {
            return RuleResults::default();
        }
        // The API server ignores a status that is a subresource.
        let known = old.map_or(Node::absent(), |old| &old["status"]);
        let with_status = (kind.drops_status() && object["status"] != *known).then(|| with_status(object, known));
        let steps = STEPS_OF_OBJECT.min(self.left);
        let mut walk = Walk {
            rules,
            results: RuleResults::default(),
            left: steps,
            path: String::new(),
            lacks_status: kind.drops_status() && old.is_some() && known.is_null(),
        };
        let node = with_status.as_ref().unwrap_or(object);
        walk.visit(Transition { node, old, near: node }, kind.schema());
        self.left -= steps - walk.left;
        walk.results
    }
}

fn with_status(object: &Node, status: &Node) -> Node {
    let mut object = object.clone();
    if let node::Value::Mapping(mapping) = &mut object.value {
        mapping.remove("status");
        if status.is_set() {
            mapping.push("status", status.origin.span, status.clone());
        }
    }
    object
}

/// The compiled rules of a schema, by the ids of subschemas.
#[derive(Debug)]
struct CompiledRules<'s> {
    parts: HashMap<u32, Vec<CompiledRule<'s>>>,
}

#[derive(Debug)]
struct CompiledRule<'s> {
    rule: &'s ValidationRule,
    program: Program,
    message: Option<Program>,
    /// Whether it is a transition rule: it uses `oldSelf`.
    uses_old: bool,
    /// Whether it selects a field `status`.
    reads_status: bool,
}

/// A rule that a resource violates.
#[derive(Debug)]
pub(crate) struct RuleViolation<'s> {
    /// The value, or the nearest one above if it is a default.
    pub(crate) node: Node,
    /// The old value of a transition rule.
    pub(crate) old: Option<Node>,
    /// The field, as the API server writes it.
    pub(crate) field: String,
    /// The message of the rule.
    pub(crate) message: String,
    rule: &'s ValidationRule,
}

impl RuleViolation<'_> {
    /// The rule and its reason, as help.
    pub(crate) fn help(&self) -> String {
        let rule = self.rule.rule.trim();
        match self.rule.reason.as_str() {
            "" => format!("the definition's rule is `{rule}`"),
            reason => format!("the definition's rule is `{rule}` (reason `{reason}`)"),
        }
    }
}

/// The results of the rules on a resource.
#[derive(Debug, Default)]
pub(crate) struct RuleResults<'s> {
    pub(crate) violations: Vec<RuleViolation<'s>>,
    /// The rules that were not evaluated, with the reasons.
    pub(crate) skipped: Vec<(String, String)>,
}

impl<'s> CompiledRules<'s> {
    /// Compiles the rules of a schema. Rules with syntax errors are reported for the definition.
    fn new(schema: Subschema<'s>) -> Self {
        let mut rules = Self { parts: HashMap::new() };
        schema.each(&mut |part| {
            let compiled: Vec<CompiledRule<'s>> = part.rules().iter().filter_map(compile).collect();
            if !compiled.is_empty() {
                rules.parts.insert(part.id(), compiled);
            }
        });
        rules
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

fn compile(rule: &ValidationRule) -> Option<CompiledRule<'_>> {
    let program = Program::new(&rule.rule).ok()?;
    let message =
        (!rule.message_expression.trim().is_empty()).then(|| Program::new(&rule.message_expression).ok()).flatten();
    let (mut uses_old, mut reads_status) = (false, false);
    each(&program.0, &mut |expr| match &expr.kind {
        Kind::Ident(name) => uses_old |= name == "oldSelf",
        Kind::Select { field, .. } => reads_status |= field == "status",
        _ => {}
    });
    Some(CompiledRule { rule, program, message, uses_old, reads_status })
}

struct Walk<'r, 's> {
    rules: &'r CompiledRules<'s>,
    results: RuleResults<'s>,
    left: u64,
    path: String,
    /// Whether the stored object has a status that is unknown.
    lacks_status: bool,
}

/// A value and its old value.
#[derive(Clone, Copy)]
struct Transition<'v> {
    node: &'v Node,
    /// The old value, if it can be correlated.
    old: Option<&'v Node>,
    /// The value, or the nearest one above if it is a default.
    near: &'v Node,
}

impl<'s> Walk<'_, 's> {
    /// Evaluates the rules of a value and of those below it.
    ///
    /// Restates `Validator.validate` of `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel`.
    fn visit<'v>(&mut self, transition: Transition<'v>, schema: Subschema<'v>) {
        if !transition.node.is_set() {
            return;
        }
        let rules = self.rules;
        for compiled in rules.parts.get(&schema.id()).into_iter().flatten() {
            self.rule(compiled, transition, schema);
        }
        let length = self.path.len();
        for (name, own) in schema.properties() {
            let given = transition.node.get(name);
            if let Some(node) = own.present(given) {
                let near = if given.is_some_and(Node::is_set) { node } else { transition.near };
                let old = transition.old.and_then(|old| own.present(old.get(name)));
                if length > 0 {
                    self.path.push('.');
                }
                self.path.push_str(name);
                self.visit(Transition { node, old, near }, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.additional() {
            for entry in transition.node.entries().iter().filter(|entry| schema.property(&entry.key).is_none()) {
                let old = transition.old.and_then(|old| old.get(&entry.key));
                self.path.push_str(&format!("[{}]", entry.key));
                self.visit(Transition { node: &entry.value, old, near: &entry.value }, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.items() {
            let old = transition.old.map(|old| OldItems::new(old, schema));
            for (index, item) in transition.node.items().iter().enumerate() {
                self.path.push_str(&format!("[{index}]"));
                let old = old.as_ref().and_then(|old| old.of(item));
                self.visit(Transition { node: item, old, near: item }, own);
                self.path.truncate(length);
            }
        }
    }

    fn rule<'v>(&mut self, compiled: &CompiledRule<'s>, transition: Transition<'v>, schema: Subschema<'v>) {
        let rule = compiled.rule;
        let old = transition.old.filter(|old| old.is_set() && compiled.uses_old);
        if compiled.uses_old && old.is_none() && !rule.optional_old_self
            || self.lacks_status && self.path.is_empty() && compiled.reads_status
        {
            return;
        }
        let result = Value::of(transition.node, Some(schema)).and_then(|value| {
            let old = old.map(|old| Value::of(old, Some(schema))).transpose()?;
            let old = match old {
                Some(old) if !rule.optional_old_self => old,
                old => Value::Optional(old.map(Rc::new)),
            };
            let variables = [("self", value), ("oldSelf", old)];
            match compiled.program.evaluate(&variables, &mut self.left)? {
                Value::Bool(true) => Ok(None),
                Value::Bool(false) => Ok(Some(self.message(compiled, &variables))),
                _ => Err(Failure::no_overload()),
            }
        });
        let message = match result {
            Ok(None) => return,
            Ok(Some(message)) => message,
            Err(Failure::Error(message)) => {
                let name = if rule.message.is_empty() { &rule.rule } else { &rule.message };
                format!("{message} evaluating rule: {}", name.trim())
            }
            Err(Failure::Unsupported(what)) => return self.skip(rule, format!("it uses {what}")),
            Err(Failure::Spent) => return self.skip(rule, "it takes too long".to_owned()),
        };
        let field_path = rule.field_path.trim().replace("['", "[").replace("']", "]");
        let field = format!("{}{field_path}", self.path);
        self.results.violations.push(RuleViolation {
            node: target(transition.near, &rule.field_path).clone(),
            old: old.cloned(),
            field: field.trim_start_matches('.').to_owned(),
            message,
            rule,
        });
    }

    fn skip(&mut self, rule: &ValidationRule, why: String) {
        let text = rule.rule.trim().to_owned();
        if !self.results.skipped.iter().any(|(known, _)| *known == text) {
            self.results.skipped.push((text, why));
        }
    }

    /// The message for a value that violates the rule.
    fn message(&mut self, compiled: &CompiledRule<'_>, variables: &[(&str, Value<'_>)]) -> String {
        let made = compiled.message.as_ref().and_then(|program| program.evaluate(variables, &mut self.left).ok());
        if let Some(Value::String(text)) = made
            && !text.trim().is_empty()
            && !text.contains(['\n', '\r'])
        {
            return text.trim().to_owned();
        }
        match compiled.rule.message.trim() {
            "" => format!("failed rule: {}", compiled.rule.rule.trim()),
            message => message.to_owned(),
        }
    }
}

/// The items of the old list by their keys: only items of a map (`x-kubernetes-list-type: map`) can be correlated.
struct OldItems<'v> {
    items: HashMap<String, &'v Node>,
    identity: Identity<'v>,
}

impl<'v> OldItems<'v> {
    fn new(list: &'v Node, schema: Subschema<'v>) -> Self {
        let mut items = HashMap::new();
        let identity = Shape::Custom(schema).identity();
        if identity.kind == ListKind::Map && !identity.keys.is_empty() {
            for item in list.items() {
                if let Some(key) = identity.of(item) {
                    // The first of several wins.
                    items.entry(key).or_insert(item);
                }
            }
        }
        Self { items, identity }
    }

    fn of(&self, item: &Node) -> Option<&'v Node> {
        if self.items.is_empty() {
            return None;
        }
        self.items.get(&self.identity.of(item)?).copied()
    }
}

/// The value at a path such as `.spec.size`, or the last one on it that exists.
fn target<'v>(node: &'v Node, path: &str) -> &'v Node {
    let mut at = node;
    for name in path.trim().split('.').filter(|name| !name.is_empty()) {
        match at.get(name) {
            Some(below) if below.is_set() => at = below,
            _ => break,
        }
    }
    at
}
