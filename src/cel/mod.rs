//! CEL, the Common Expression Language: parser, type checker, cost estimates and bounded evaluation.
//!
//! The parser is our own. The `cel` crate would bring the ANTLR runtime and fourteen more crates, expands macros, which loses the
//! positions of faults, and has neither a type checker nor the libraries of Kubernetes.

mod ast;
mod bounds;
mod check;
mod cost;
mod cost_functions;
mod cost_loops;
mod eval;
mod functions;
mod kubernetes;
mod lex;
mod library;
mod lists;
mod macros;
mod parse;
mod resource;
mod semver;
mod size;
mod strings;
mod time;
mod types;
mod url;
mod value;

use std::cell::Cell;

use crate::kube::KubernetesVersion;

pub(crate) use ast::is_identifier;
pub(crate) use bounds::{Bounds, Device};
pub(crate) use resource::KindRules;
pub(crate) use types::{Object, Type, declared};

use ast::{Expr, Kind};
use eval::Failure;
use value::Value;

/// A fault of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The byte offset in the expression.
    pub(crate) at: u32,
    /// The message of the API server.
    pub(crate) message: String,
    /// What to do; may be empty.
    pub(crate) help: String,
    /// Whether the expression exceeds a limit of this implementation, so that its validity is unknown.
    is_limit: bool,
}

impl Fault {
    const fn new(at: u32, message: String) -> Self {
        Self { at, message, help: String::new(), is_limit: false }
    }
}

/// The environment of an expression.
#[derive(Debug, Clone)]
pub(crate) struct Env<'s> {
    variables: Vec<(&'static str, Type<'s>)>,
    /// The minor version of Kubernetes, which decides which functions exist.
    minor: u8,
    /// Whether expressions can construct objects and patches.
    makes_objects: bool,
    /// Whether expressions can use `cel.bind(x, value, body)`.
    binds: bool,
}

impl<'s> Env<'s> {
    /// An environment with the functions of a version and no variables.
    pub(crate) const fn new(version: KubernetesVersion) -> Self {
        Self { variables: Vec::new(), minor: version.minor(), makes_objects: false, binds: false }
    }

    /// Adds or replaces a variable.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, ty: Type<'s>) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, ty));
        self
    }

    /// Removes a variable.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    /// Lets expressions construct objects (`Object{…}`) and patches (`JSONPatch{…}`).
    #[must_use]
    pub(crate) const fn making_objects(mut self) -> Self {
        self.makes_objects = true;
        self
    }

    /// Lets expressions use `cel.bind(x, value, body)`.
    #[must_use]
    pub(crate) const fn binding(mut self) -> Self {
        self.binds = true;
        self
    }

    fn variable(&self, name: &str) -> Option<Type<'s>> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, ty)| ty.clone())
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| *name)
    }
}

/// The required result type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Any,
    Bool,
    String,
    StringOrNull,
    /// An object to apply.
    Object,
    /// A list of patches.
    Patches,
}

impl Wanted {
    fn is_met(self, ty: &Type<'_>) -> bool {
        match (self, ty) {
            (Self::Any, _)
            | (Self::Bool, Type::Bool)
            | (Self::String | Self::StringOrNull, Type::String)
            | (Self::StringOrNull, Type::Null) => true,
            (Self::Object, Type::Object(object)) => matches!(object, Object::Made(name) if &**name == "Object"),
            (Self::Patches, Type::List(item)) => {
                matches!(&**item, Type::Object(Object::Declared(declared)) if declared.name == "JSONPatch")
            }
            _ => false,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::String => "string",
            Self::StringOrNull => "string or null",
            Self::Object => "Object",
            Self::Patches => "list(JSONPatch)",
        }
    }
}

/// Checks the syntax of an expression.
///
/// # Errors
/// The syntax error.
pub(crate) fn check_syntax(text: &str) -> Result<(), Fault> {
    match parse::parse(text) {
        Err(fault) if !fault.is_limit => Err(fault),
        _ => Ok(()),
    }
}

/// Checks an expression: syntax, names, types and the result. Returns the type of the result.
///
/// # Errors
/// The faults, at least one.
pub(crate) fn check<'s>(text: &str, env: &Env<'s>, wanted: Wanted) -> Result<Type<'s>, Vec<Fault>> {
    let expr = match parse::parse(text) {
        Ok(expr) => expr,
        Err(fault) if fault.is_limit => return Ok(Type::Dyn),
        Err(fault) => return Err(vec![fault]),
    };
    let (ty, faults) = check::check(&expr, env);
    if !faults.is_empty() {
        return Err(faults);
    }
    if !wanted.is_met(&ty) {
        let name = if matches!(ty, Type::Null) { "null_type".to_owned() } else { ty.to_string() };
        return Err(vec![Fault::new(0, format!("must evaluate to {} but got {name}", wanted.text()))]);
    }
    Ok(ty)
}

/// The maximum cost of an expression about a value, as the API server estimates it. `None` if it is unknown or the expression has
/// faults. `left` is how many more subschemas may be visited.
pub(crate) fn cost<'s>(text: &str, env: &Env<'s>, value: Bounds<'s>, left: &Cell<u32>) -> Option<u64> {
    cost::cost(&parse::parse(text).ok()?, env, value, left)
}

/// An expression to evaluate.
#[derive(Debug)]
pub(crate) struct Program(Expr);

impl Program {
    /// Parses an expression without checking its types.
    ///
    /// # Errors
    /// The syntax error.
    pub(crate) fn new(text: &str) -> Result<Self, Fault> {
        parse::parse(text).map(Self)
    }

    /// Evaluates it; `left` is the number of steps that it may take, and is reduced by those taken.
    ///
    /// # Errors
    /// If it has no value.
    fn evaluate<'v>(&self, variables: &[(&str, Value<'v>)], left: &mut u64) -> Result<Value<'v>, Failure> {
        eval::evaluate(&self.0, variables, left)
    }
}

/// Whether an expression references a variable.
pub(crate) fn names(text: &str, variable: &str) -> bool {
    parse::parse(text).is_ok_and(|expr| {
        let mut found = false;
        each(&expr, &mut |expr| found |= matches!(&expr.kind, Kind::Ident(name) if name == variable));
        found
    })
}

/// Calls a function with each subexpression.
fn each(expr: &Expr, see: &mut impl FnMut(&Expr)) {
    let mut left = vec![expr];
    while let Some(expr) = left.pop() {
        see(expr);
        match &expr.kind {
            Kind::Select { operand, .. } | Kind::Not(operand) | Kind::Negate(operand) => left.push(operand),
            Kind::Index { operand, index, .. } => left.extend([&**operand, &**index]),
            Kind::Call { target, args, .. } => left.extend(target.as_deref().into_iter().chain(args)),
            Kind::List(items) => left.extend(items.iter().map(|item| &item.value)),
            Kind::Map(entries) | Kind::Struct { fields: entries, .. } => {
                left.extend(entries.iter().flat_map(|entry| [&entry.key, &entry.value]));
            }
            Kind::Binary(_, one, two) => left.extend([&**one, &**two]),
            Kind::Conditional(parts) => left.extend(parts.iter()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
