//! The rules of a definition (`x-kubernetes-validations`), evaluated on its resources.

use foldhash::{HashMap, HashMapExt};

use super::eval::Failure;
use super::value::{Value, present};
use super::{Program, names};
use crate::kube::crd::{Rule, Schema};
use crate::node::Node;

/// The rules of a schema, by the parts that they stand in.
#[derive(Debug, Default)]
pub(crate) struct Rules<'s> {
    parts: HashMap<*const Schema, Vec<Compiled<'s>>>,
}

#[derive(Debug)]
struct Compiled<'s> {
    rule: &'s Rule,
    program: Program,
    message: Option<Program>,
}

/// A rule that a resource breaks.
#[derive(Debug)]
pub(crate) struct Broken<'v> {
    /// The value, or the nearest one above where a default stands for it.
    pub(crate) node: &'v Node,
    /// The field, as the API server writes it.
    pub(crate) field: String,
    /// The rule's own words.
    pub(crate) message: String,
    /// The rule.
    pub(crate) rule: String,
}

/// What became of the rules.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'v> {
    pub(crate) broken: Vec<Broken<'v>>,
    /// The rules that were not evaluated, each with the reason.
    pub(crate) skipped: Vec<(String, String)>,
    /// How many steps were left.
    pub(crate) left: u64,
}

impl<'s> Rules<'s> {
    /// Reads the rules of a schema. Those that do not parse are the definition's fault, and rules about changes need two states.
    pub(crate) fn new(schema: &'s Schema) -> Self {
        let mut rules = Self { parts: HashMap::new() };
        schema.each(&mut |part| {
            let compiled: Vec<Compiled<'s>> = part.rules().iter().filter_map(compile).collect();
            if !compiled.is_empty() {
                rules.parts.insert(std::ptr::from_ref(part), compiled);
            }
        });
        rules
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Evaluates the rules on a resource that the schema takes, in so many steps.
    pub(crate) fn check<'v>(&self, object: &'v Node, schema: &'v Schema, steps: u64) -> Outcome<'v> {
        let mut walk = Walk { rules: self, outcome: Outcome::default(), left: steps, path: String::new() };
        walk.part(object, object, schema);
        Outcome { left: walk.left, ..walk.outcome }
    }
}

fn compile(rule: &Rule) -> Option<Compiled<'_>> {
    if names(&rule.rule, "oldSelf") && !rule.optional_old_self {
        return None;
    }
    let program = Program::new(&rule.rule).ok()?;
    let message =
        (!rule.message_expression.trim().is_empty()).then(|| Program::new(&rule.message_expression).ok()).flatten();
    Some(Compiled { rule, program, message })
}

struct Walk<'r, 's, 'v> {
    rules: &'r Rules<'s>,
    outcome: Outcome<'v>,
    left: u64,
    path: String,
}

impl<'v> Walk<'_, '_, 'v> {
    /// A value and what is below it. `near` is the nearest value that stands in the resource itself.
    fn part(&mut self, node: &'v Node, near: &'v Node, schema: &'v Schema) {
        if !node.is_set() {
            return;
        }
        if let Some(rules) = self.rules.parts.get(&std::ptr::from_ref(schema)) {
            for compiled in rules {
                self.rule(compiled, node, near, schema);
            }
        }
        let length = self.path.len();
        for name in schema.property_names() {
            let own = schema.property(name);
            let (Some(own), given) = (own, node.get(name)) else { continue };
            if let Some(value) = present(given, Some(own)) {
                let near = if given.is_some_and(Node::is_set) { value } else { near };
                if length > 0 {
                    self.path.push('.');
                }
                self.path.push_str(name);
                self.part(value, near, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.additional() {
            for entry in node.entries().iter().filter(|entry| schema.property(&entry.key).is_none()) {
                self.path.push_str(&format!("[{}]", entry.key));
                self.part(&entry.value, &entry.value, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.items() {
            for (index, item) in node.items().iter().enumerate() {
                self.path.push_str(&format!("[{index}]"));
                self.part(item, item, own);
                self.path.truncate(length);
            }
        }
    }

    fn rule(&mut self, compiled: &Compiled<'_>, node: &'v Node, near: &'v Node, schema: &'v Schema) {
        let rule = compiled.rule;
        let result = Value::of(node, Some(schema)).and_then(|value| {
            // On creation there is no old value.
            let variables = [("self", value), ("oldSelf", Value::Optional(None))];
            match compiled.program.evaluate(&variables, &mut self.left)? {
                Value::Bool(true) => Ok(None),
                Value::Bool(false) => Ok(Some(self.message(compiled, &variables))),
                _ => Err(Failure::no_overload()),
            }
        });
        let message = match result {
            Ok(None) => return,
            Ok(Some(message)) => message,
            Err(Failure::Error(message)) => format!("{message} evaluating rule: {}", rule.rule.trim()),
            Err(Failure::Unsupported(what)) => return self.skip(rule, format!("it uses {what}")),
            Err(Failure::Spent) => return self.skip(rule, "it takes too long".to_owned()),
        };
        let field_path = rule.field_path.trim().replace("['", "[").replace("']", "]");
        let field = format!("{}{field_path}", self.path);
        self.outcome.broken.push(Broken {
            node: target(near, &rule.field_path),
            field: field.trim_start_matches('.').to_owned(),
            message,
            rule: rule.rule.trim().to_owned(),
        });
    }

    fn skip(&mut self, rule: &Rule, why: String) {
        let text = rule.rule.trim().to_owned();
        if !self.outcome.skipped.iter().any(|(known, _)| *known == text) {
            self.outcome.skipped.push((text, why));
        }
    }

    /// What the rule says of a value that breaks it.
    fn message(&mut self, compiled: &Compiled<'_>, variables: &[(&str, Value<'v>)]) -> String {
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

/// The value that a path such as `.spec.size` leads to, as far as it is there.
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
