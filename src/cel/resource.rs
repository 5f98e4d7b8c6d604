//! The rules of a definition (`x-kubernetes-validations`), evaluated on its resources.

use std::rc::Rc;

use foldhash::{HashMap, HashMapExt};

use super::eval::Failure;
use super::value::Value;
use super::{Kind, Program, each};
use crate::kube::crd::CustomKind;
use crate::kube::{Identity, ListKind, Shape};
use crate::node::{self, Node};
use crate::schema::{Subschema, ValidationRule};

/// How many steps the rules may take on one object, and on all that are checked together.
const STEPS_OF_OBJECT: u64 = 1_000_000;
const STEPS_OF_ALL: u64 = 20_000_000;

/// The rules of the kinds met so far.
#[derive(Debug)]
pub(crate) struct KindRules<'k> {
    kinds: HashMap<*const CustomKind<'k>, Rules<'k>>,
    left: u64,
}

impl<'k> KindRules<'k> {
    pub(crate) fn new() -> Self {
        Self { kinds: HashMap::new(), left: STEPS_OF_ALL }
    }

    /// Evaluates the rules of a kind on a resource that its schema takes. `old` is the resource as it is stored; without one, it is
    /// created, and rules that need an old value (`oldSelf`) do not apply.
    pub(crate) fn check(&mut self, kind: &'k CustomKind<'k>, object: &Node, old: Option<&Node>) -> Outcome<'k> {
        let rules = self.kinds.entry(std::ptr::from_ref(kind)).or_insert_with(|| Rules::new(kind.schema()));
        if rules.is_empty() {
            return Outcome::default();
        }
        // A status that is a subresource cannot be set along with the rest.
        let known = old.map_or(Node::absent(), |old| &old["status"]);
        let with_status = (kind.drops_status() && object["status"] != *known).then(|| with_status(object, known));
        let steps = STEPS_OF_OBJECT.min(self.left);
        let mut walk = Walk {
            rules,
            outcome: Outcome::default(),
            left: steps,
            path: String::new(),
            lacks_status: kind.drops_status() && old.is_some() && known.is_null(),
        };
        let node = with_status.as_ref().unwrap_or(object);
        walk.part(Part { node, old, near: node }, kind.schema());
        self.left -= steps - walk.left;
        walk.outcome
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

/// The rules of a schema, by the parts that they stand in.
#[derive(Debug)]
struct Rules<'s> {
    parts: HashMap<u32, Vec<Compiled<'s>>>,
}

#[derive(Debug)]
struct Compiled<'s> {
    rule: &'s ValidationRule,
    program: Program,
    message: Option<Program>,
    /// Whether it compares with the old value.
    uses_old: bool,
    /// Whether it reads a field `status`.
    reads_status: bool,
}

/// A rule that a resource breaks.
#[derive(Debug)]
pub(crate) struct Broken<'s> {
    /// The value, or the nearest one above where a default stands for it.
    pub(crate) node: Node,
    /// The old value, where the rule compares with it.
    pub(crate) old: Option<Node>,
    /// The field, as the API server writes it.
    pub(crate) field: String,
    /// The rule's own message.
    pub(crate) message: String,
    rule: &'s ValidationRule,
}

impl Broken<'_> {
    /// Which rule it is, and its reason, as help.
    pub(crate) fn help(&self) -> String {
        let rule = self.rule.rule.trim();
        match self.rule.reason.as_str() {
            "" => format!("the definition's rule is `{rule}`"),
            reason => format!("the definition's rule is `{rule}` (reason `{reason}`)"),
        }
    }
}

/// What became of the rules.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'s> {
    pub(crate) broken: Vec<Broken<'s>>,
    /// The rules that were not evaluated, each with the reason.
    pub(crate) skipped: Vec<(String, String)>,
}

impl<'s> Rules<'s> {
    /// Reads the rules of a schema. Those that do not parse are the definition's fault.
    fn new(schema: Subschema<'s>) -> Self {
        let mut rules = Self { parts: HashMap::new() };
        schema.each(&mut |part| {
            let compiled: Vec<Compiled<'s>> = part.rules().iter().filter_map(compile).collect();
            if !compiled.is_empty() {
                rules.parts.insert(part.id(), compiled);
            }
        });
        rules
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

fn compile(rule: &ValidationRule) -> Option<Compiled<'_>> {
    let program = Program::new(&rule.rule).ok()?;
    let message =
        (!rule.message_expression.trim().is_empty()).then(|| Program::new(&rule.message_expression).ok()).flatten();
    let (mut uses_old, mut reads_status) = (false, false);
    each(&program.0, &mut |expr| match &expr.kind {
        Kind::Ident(name) => uses_old |= name == "oldSelf",
        Kind::Select { field, .. } => reads_status |= field == "status",
        _ => {}
    });
    Some(Compiled { rule, program, message, uses_old, reads_status })
}

struct Walk<'r, 's> {
    rules: &'r Rules<'s>,
    outcome: Outcome<'s>,
    left: u64,
    path: String,
    /// Whether the stored object has a status that is not known.
    lacks_status: bool,
}

/// A value under the rules.
#[derive(Clone, Copy)]
struct Part<'v> {
    node: &'v Node,
    /// What it was, where the two can be correlated.
    old: Option<&'v Node>,
    /// The nearest value that stands in the resource itself.
    near: &'v Node,
}

impl<'s> Walk<'_, 's> {
    /// A value and what is below it.
    ///
    /// Restates `Validator.validate` of `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel`.
    fn part<'v>(&mut self, part: Part<'v>, schema: Subschema<'v>) {
        if !part.node.is_set() {
            return;
        }
        let rules = self.rules;
        for compiled in rules.parts.get(&schema.id()).into_iter().flatten() {
            self.rule(compiled, part, schema);
        }
        let length = self.path.len();
        for (name, own) in schema.properties() {
            let given = part.node.get(name);
            if let Some(node) = own.present(given) {
                let near = if given.is_some_and(Node::is_set) { node } else { part.near };
                let old = part.old.and_then(|old| own.present(old.get(name)));
                if length > 0 {
                    self.path.push('.');
                }
                self.path.push_str(name);
                self.part(Part { node, old, near }, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.additional() {
            for entry in part.node.entries().iter().filter(|entry| schema.property(&entry.key).is_none()) {
                let old = part.old.and_then(|old| old.get(&entry.key));
                self.path.push_str(&format!("[{}]", entry.key));
                self.part(Part { node: &entry.value, old, near: &entry.value }, own);
                self.path.truncate(length);
            }
        }
        if let Some(own) = schema.items() {
            let old = part.old.map(|old| Correlated::new(old, schema));
            for (index, item) in part.node.items().iter().enumerate() {
                self.path.push_str(&format!("[{index}]"));
                let old = old.as_ref().and_then(|old| old.of(item));
                self.part(Part { node: item, old, near: item }, own);
                self.path.truncate(length);
            }
        }
    }

    fn rule<'v>(&mut self, compiled: &Compiled<'s>, part: Part<'v>, schema: Subschema<'v>) {
        let rule = compiled.rule;
        let old = part.old.filter(|old| old.is_set() && compiled.uses_old);
        if compiled.uses_old && old.is_none() && !rule.optional_old_self
            || self.lacks_status && self.path.is_empty() && compiled.reads_status
        {
            return;
        }
        let result = Value::of(part.node, Some(schema)).and_then(|value| {
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
        self.outcome.broken.push(Broken {
            node: target(part.near, &rule.field_path).clone(),
            old: old.cloned(),
            field: field.trim_start_matches('.').to_owned(),
            message,
            rule,
        });
    }

    fn skip(&mut self, rule: &ValidationRule, why: String) {
        let text = rule.rule.trim().to_owned();
        if !self.outcome.skipped.iter().any(|(known, _)| *known == text) {
            self.outcome.skipped.push((text, why));
        }
    }

    /// What the rule says of a value that breaks it.
    fn message(&mut self, compiled: &Compiled<'_>, variables: &[(&str, Value<'_>)]) -> String {
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

/// The items of the old list, by what tells them apart: only those of a map (`x-kubernetes-list-type: map`) can be correlated.
struct Correlated<'v> {
    items: HashMap<String, &'v Node>,
    identity: Identity<'v>,
}

impl<'v> Correlated<'v> {
    fn new(list: &'v Node, schema: Subschema<'v>) -> Self {
        let mut items = HashMap::new();
        let identity = Shape::Custom(schema).identity();
        if identity.kind == ListKind::Map && !identity.keys.is_empty() {
            for item in list.items() {
                if let Some(key) = identity.of(item) {
                    // Of several the first counts.
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
