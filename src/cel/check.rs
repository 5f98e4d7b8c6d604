//! The type checker: undeclared names, undefined fields, overloads that do not match.
//!
//! Restates the type checker of `cel-go`, with its messages.

use std::cell::Cell;
use std::rc::Rc;

use foldhash::{HashMap, HashMapExt};

use super::ast::{Entry, Expr, Item, Kind, Operator};
use super::library::{self, Function, Signature};
use super::parse::dotted;
use super::types::{Object, Type, declared};
use super::{Env, Fault};
use crate::suggest;

/// The maximum length of the types in a message about a call.
const LONGEST_MESSAGE: usize = 400;

/// How many faults of an expression are reported.
const MOST_FAULTS: usize = 8;

/// How many types may be compared in total, since nested macros can produce huge types. Beyond it, types are unknown.
const MOST_STEPS: usize = 200_000;

/// The type of an expression, and its faults.
pub(super) fn check<'s>(expr: &Expr, env: &Env<'s>) -> (Type<'s>, Vec<Fault>) {
    let mut checker = Checker::new(env);
    let ty = checker.expr(expr);
    let ty = checker.resolved(&ty);
    (ty, checker.faults)
}

/// The types of all subexpressions, by their addresses. `None` if the expression has faults or unknown types.
pub(super) fn types<'s>(expr: &Expr, env: &Env<'s>) -> Option<HashMap<*const Expr, Type<'s>>> {
    let mut checker = Checker { types: Some(HashMap::new()), ..Checker::new(env) };
    checker.expr(expr);
    let types = checker.types.take()?;
    let types = types.into_iter().map(|(part, ty)| (part, checker.resolved(&ty))).collect();
    (checker.faults.is_empty() && !checker.is_spent()).then_some(types)
}

/// The signatures of a function that match operands of these types.
pub(super) fn matching<'s>(
    env: &Env<'s>,
    function: &'static Function,
    receiver: Option<&Type<'s>>,
    args: &[Type<'s>],
) -> Vec<&'static Signature> {
    let mut checker = Checker::new(env);
    function.signatures.iter().filter(|signature| checker.apply(signature, receiver, args).is_some()).collect()
}

pub(super) struct Checker<'e, 's> {
    pub(super) env: &'e Env<'s>,
    /// The variables of the enclosing macros.
    scopes: Vec<(String, Type<'s>)>,
    /// The known values of type variables.
    variables: Vec<Option<Type<'s>>>,
    faults: Vec<Fault>,
    steps: Cell<usize>,
    /// Whether lists and maps may have items of several types, as in the arguments of `format`.
    mixes: bool,
    /// The types of subexpressions, if they are needed.
    types: Option<HashMap<*const Expr, Type<'s>>>,
}

impl<'e, 's> Checker<'e, 's> {
    fn new(env: &'e Env<'s>) -> Self {
        Self {
            env,
            scopes: Vec::new(),
            variables: Vec::new(),
            faults: Vec::new(),
            steps: Cell::new(0),
            mixes: false,
            types: None,
        }
    }

    pub(super) fn fault(&mut self, at: u32, mut message: String) -> Type<'s> {
        if let Some((cut, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(cut);
            message.push('…');
        }
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault::new(at, message));
        }
        // An unknown type is the result of a fault that was reported before.
        Type::Dyn
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Type<'s> {
        let ty = self.part(expr);
        self.keep(expr, &ty);
        ty
    }

    fn keep(&mut self, expr: &Expr, ty: &Type<'s>) {
        if let Some(types) = &mut self.types {
            types.insert(std::ptr::from_ref(expr), ty.clone());
        }
    }

    fn part(&mut self, expr: &Expr) -> Type<'s> {
        let at = expr.at;
        match &expr.kind {
            Kind::Null => Type::Null,
            Kind::Bool(_) => Type::Bool,
            Kind::Int(_) => Type::Int,
            Kind::Uint(_) => Type::Uint,
            Kind::Double(_) => Type::Double,
            Kind::String(_) => Type::String,
            Kind::Bytes(_) => Type::Bytes,
            Kind::Ident(name) => self.ident(at, name),
            Kind::Select { operand, field, optional } => self.select(at, operand, field, *optional),
            Kind::Index { operand, index, optional } => {
                let name = if *optional { "_[?_]" } else { "_[_]" };
                let types = [self.expr(operand), self.expr(index)];
                self.call(at, name, None, &types)
            }
            Kind::Call { target, function, args } => match self.expand(at, target.as_deref(), function, args) {
                Some(ty) => ty,
                None => self.function(at, target.as_deref(), function, args),
            },
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct { name, fields } => self.structure(at, name, fields),
            Kind::Not(operand) => {
                let ty = self.expr(operand);
                self.call(at, "!_", None, &[ty])
            }
            Kind::Negate(operand) => {
                let ty = self.expr(operand);
                self.call(at, "-_", None, &[ty])
            }
            Kind::Binary(operator, left, right) => self.binary(expr, *operator, left, right),
            Kind::Conditional(parts) => {
                let types = [self.expr(&parts[0]), self.expr(&parts[1]), self.expr(&parts[2])];
                self.call(at, "_?_:_", None, &types)
            }
        }
    }

    /// A loop over the left operands, since long chains of an operator would make the recursion deep.
    fn binary(&mut self, expr: &Expr, operator: Operator, left: &Expr, right: &Expr) -> Type<'s> {
        let mut chain = vec![(expr, operator, right)];
        let mut first = left;
        while let Kind::Binary(operator, left, right) = &first.kind {
            chain.push((first, *operator, right));
            first = left;
        }
        let mut ty = self.expr(first);
        let mut at_left = first.at;
        for (expr, operator, right) in chain.into_iter().rev() {
            let at_right = right.at;
            let right = self.expr(right);
            if matches!(operator, Operator::And | Operator::Or) {
                self.expect_bool(at_left, &ty);
                self.expect_bool(at_right, &right);
                (ty, at_left) = (Type::Bool, expr.at);
            } else {
                at_left = expr.at;
                ty = self.call(expr.at, operator.function(), None, &[ty, right]);
            }
            self.keep(expr, &ty);
        }
        ty
    }

    fn local(&self, name: &str) -> Option<Type<'s>> {
        self.scopes.iter().rev().find(|(local, _)| local == name).map(|(_, ty)| ty.clone())
    }

    fn ident(&mut self, at: u32, name: &str) -> Type<'s> {
        if let Some(ty) = self.local(name).or_else(|| self.env.variable(name)) {
            return ty;
        }
        // The names of types are values.
        let of_type = |ty: Type<'s>| Type::Type(Rc::new(ty));
        match name {
            "list" => return of_type(Type::list(Type::Dyn)),
            "map" => return of_type(Type::map(Type::Dyn, Type::Dyn)),
            "null_type" => return of_type(Type::Null),
            "optional_type" => return of_type(Type::Optional(Rc::new(Type::Dyn))),
            "type" => return of_type(Type::Type(Rc::new(Type::Dyn))),
            "bool" | "int" | "uint" | "double" | "string" | "bytes" => return of_type(Type::read(name)),
            _ => {}
        }
        let known = self.env.variables().chain(self.scopes.iter().map(|(name, _)| name.as_str()));
        let near = suggest::nearest(name, known).map(|near| format!("did you mean `{near}`?"));
        self.fault(at, format!("undeclared reference to '{name}' (in container '')"));
        self.help(near);
        Type::Dyn
    }

    /// Adds help to the last fault.
    fn help(&mut self, help: Option<String>) {
        if let (Some(fault), Some(help)) = (self.faults.last_mut(), help) {
            fault.help = help;
        }
    }

    pub(super) fn select(&mut self, at: u32, operand: &Expr, field: &str, optional: bool) -> Type<'s> {
        // A qualified name may be a variable or a type.
        if let Some(name) = dotted(operand).map(|name| format!("{name}.{field}")) {
            if let Some(ty) = self.env.variable(&name) {
                return ty;
            }
            match name.as_str() {
                "google.protobuf.Timestamp" => return Type::Type(Rc::new(Type::Timestamp)),
                "google.protobuf.Duration" => return Type::Type(Rc::new(Type::Duration)),
                _ => {}
            }
        }
        let ty = self.expr(operand);
        let (ty, wrapped) = match self.resolved(&ty) {
            Type::Optional(inner) => (self.resolved(&inner), true),
            ty => (ty, false),
        };
        let found = match &ty {
            Type::Dyn | Type::Parameter(_) => Type::Dyn,
            Type::Map(_, value) => (**value).clone(),
            Type::Object(object) => match object.field(field) {
                Some(ty) => ty,
                None => {
                    let names = object.fields();
                    let near = suggest::nearest(field, names).map(|near| format!("did you mean `{near}`?"));
                    self.fault(at, format!("undefined field '{field}'"));
                    self.help(near);
                    return Type::Dyn;
                }
            },
            _ => return self.fault(at, format!("type '{ty}' does not support field selection")),
        };
        if wrapped || optional { Type::Optional(Rc::new(found)) } else { found }
    }

    fn list(&mut self, items: &[Item]) -> Type<'s> {
        let mut joined: Option<Type<'s>> = None;
        for item in items {
            let ty = self.expr(&item.value);
            let ty = if item.optional { self.unwrapped(item.value.at, &ty) } else { ty };
            if self.mixes {
                joined = Some(Type::Dyn);
                continue;
            }
            joined = Some(self.join(item.value.at, joined, ty));
        }
        Type::list(joined.unwrap_or_else(|| self.fresh()))
    }

    fn map(&mut self, entries: &[Entry]) -> Type<'s> {
        let (mut keys, mut values): (Option<Type<'s>>, Option<Type<'s>>) = (None, None);
        for entry in entries {
            let key = self.expr(&entry.key);
            let value = self.expr(&entry.value);
            let value = if entry.optional { self.unwrapped(entry.value.at, &value) } else { value };
            if self.mixes {
                (keys, values) = (Some(Type::Dyn), Some(Type::Dyn));
                continue;
            }
            keys = Some(self.join(entry.key.at, keys, key));
            values = Some(self.join(entry.value.at, values, value));
        }
        Type::map(keys.unwrap_or_else(|| self.fresh()), values.unwrap_or_else(|| self.fresh()))
    }

    /// The type inside an optional type.
    fn unwrapped(&mut self, at: u32, ty: &Type<'s>) -> Type<'s> {
        match self.resolved(ty) {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn | Type::Parameter(_) => Type::Dyn,
            other => self.fault(at, format!("expected type 'optional_type({other})' but found '{other}'")),
        }
    }

    /// The common type of two items.
    fn join(&mut self, at: u32, before: Option<Type<'s>>, ty: Type<'s>) -> Type<'s> {
        let Some(before) = before else { return ty };
        // A `dyn` value does not have a known type.
        if self.assignable(&before, &ty) && self.is_same(&before, &ty) {
            return before;
        }
        let (before, ty) = (self.resolved(&before), self.resolved(&ty));
        self.fault(at, format!("expected type '{before}' but found '{ty}'"))
    }

    fn structure(&mut self, at: u32, name: &str, fields: &[Entry]) -> Type<'s> {
        let known = match name {
            "JSONPatch" if self.env.makes_objects => declared(name).map(Object::Declared),
            _ if self.env.makes_objects && (name == "Object" || name.starts_with("Object.")) => {
                Some(Object::Made(name.into()))
            }
            // Protocol buffer messages, which are not used with Kubernetes.
            _ if name.starts_with("google.protobuf.") => {
                fields.iter().for_each(|entry| _ = self.expr(&entry.value));
                return Type::Dyn;
            }
            _ => None,
        };
        let Some(object) = known else {
            return self.fault(at, format!("undeclared reference to '{name}' (in container '')"));
        };
        for entry in fields {
            let ty = self.expr(&entry.value);
            let ty = if entry.optional { self.unwrapped(entry.value.at, &ty) } else { ty };
            let Kind::String(field) = &entry.key.kind else { continue };
            match object.field(field) {
                None => _ = self.fault(entry.key.at, format!("undefined field '{field}'")),
                Some(wanted) if !self.assignable(&wanted, &ty) => {
                    let ty = self.resolved(&ty);
                    let message = format!("expected type of field '{field}' is '{wanted}' but provided type is '{ty}'");
                    self.fault(entry.value.at, message);
                }
                Some(_) => {}
            }
        }
        Type::Object(object)
    }

    fn function(&mut self, at: u32, target: Option<&Expr>, function: &str, args: &[Expr]) -> Type<'s> {
        // `optional.of(x)`: the name of a function can have dots.
        if let Some(prefix) = target.and_then(dotted)
            && self.local(prefix.split('.').next().unwrap_or_default()).is_none()
        {
            let name = format!("{prefix}.{function}");
            if library::function(&name).is_some() {
                let types: Vec<Type<'s>> = args.iter().map(|arg| self.expr(arg)).collect();
                self.literals(function, args);
                return self.call(at, &name, None, &types);
            }
        }
        let receiver = target.map(|target| self.expr(target));
        if library::function(function).is_none() {
            // The arguments of an unknown function are not checked.
            return self.call(at, function, receiver, &[]);
        }
        let mixes = self.mixes;
        self.mixes |= function == "format";
        let types: Vec<Type<'s>> = args.iter().map(|arg| self.expr(arg)).collect();
        self.mixes = mixes;
        self.literals(function, args);
        if let (Some(Expr { kind: Kind::String(pattern), .. }), "format", [Expr { at, kind: Kind::List(items) }]) =
            (target, function, args)
        {
            self.clauses(*at, pattern, items);
        }
        self.call(at, function, receiver, &types)
    }

    /// Validates string literals that are parsed when the expression is compiled.
    fn literals(&mut self, function: &str, args: &[Expr]) {
        let Some(Expr { at, kind: Kind::String(text) }) = args.last() else { return };
        let message = match function {
            "matches" => {
                crate::kube::go_regexp::check(text).err().map(|fault| format!("invalid matches argument: {fault}"))
            }
            "duration" if !super::time::is_duration(text) => Some("invalid duration argument".to_owned()),
            "timestamp" if !super::time::is_timestamp(text) => Some("invalid timestamp argument".to_owned()),
            _ => None,
        };
        if let Some(message) = message {
            self.fault(*at, message);
        }
    }

    /// Validates the clauses of a literal format string and their arguments.
    fn clauses(&mut self, at: u32, pattern: &str, items: &[Item]) {
        let mut verbs = Vec::new();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                continue;
            }
            while letters.next_if(|letter| *letter == '.' || letter.is_ascii_digit()).is_some() {}
            match letters.next() {
                Some('%') => {}
                Some(verb) => verbs.push(verb),
                None => _ = self.fault(at, "error during formatting: unexpected end of string".to_owned()),
            }
        }
        if items.len() > verbs.len() {
            let (wanted, given) = (verbs.len(), items.len());
            self.fault(at, format!("too many arguments supplied to string.format (expected {wanted}, got {given})"));
        } else if items.len() < verbs.len() {
            self.fault(at, format!("error during formatting: index {} out of range", items.len()));
        }
        for (verb, item) in verbs.iter().zip(items) {
            let given = match &item.value.kind {
                Kind::String(_) => "string",
                Kind::Bool(_) => "bool",
                Kind::List(_) => "list",
                Kind::Map(_) => "map",
                _ => continue,
            };
            if *verb == 'd' {
                let message = "error during formatting: decimal clause can only be used on integers, was given";
                self.fault(item.value.at, format!("{message} {given}"));
            }
        }
    }

    /// The result type of a call; a call with a receiver is a method call.
    pub(super) fn call(&mut self, at: u32, name: &str, receiver: Option<Type<'s>>, args: &[Type<'s>]) -> Type<'s> {
        let function = library::function(name).filter(|function| function.since <= self.env.minor);
        let Some(function) = function else {
            let (late, near) = match library::function(name) {
                Some(Function { since, .. }) => (Some(format!("it requires Kubernetes 1.{since}")), None),
                None => (None, suggest::nearest(name, library::names()).map(|near| format!("did you mean `{near}`?"))),
            };
            self.fault(at, format!("undeclared reference to '{name}' (in container '')"));
            self.help(late.or(near));
            return Type::Dyn;
        };
        let mut result: Option<Type<'s>> = None;
        for signature in &function.signatures {
            let Some(found) = self.apply(signature, receiver.as_ref(), args) else { continue };
            result = Some(match result {
                Some(before) if !self.is_same(&before, &found) => Type::Dyn,
                Some(before) => before,
                None => found,
            });
        }
        result.unwrap_or_else(|| {
            let types: Vec<String> = args.iter().map(|ty| self.resolved(ty).to_string()).collect();
            let on = receiver.map(|ty| format!("{}.", self.resolved(&ty))).unwrap_or_default();
            self.fault(at, format!("found no matching overload for '{name}' applied to '{on}({})'", types.join(", ")))
        })
    }

    /// The result type of the signatures that match.
    fn apply(&mut self, signature: &Signature, receiver: Option<&Type<'s>>, args: &[Type<'s>]) -> Option<Type<'s>> {
        if signature.receiver.is_some() != receiver.is_some() || signature.args.len() != args.len() {
            return None;
        }
        if self.is_spent() {
            return Some(Type::Dyn);
        }
        let base = self.variables.len() as u32;
        let before = self.variables.clone();
        self.variables.extend([None, None, None]);
        let pairs = signature.receiver.iter().zip(receiver).chain(signature.args.iter().zip(args));
        for (wanted, given) in pairs {
            let wanted = instance(&Type::read(wanted), base);
            if !self.assignable(&wanted, given) {
                self.variables = before;
                return None;
            }
        }
        let result = instance(&Type::read(signature.result), base);
        Some(self.resolved(&result))
    }

    /// Counts a step. Returns whether there were too many.
    fn is_spent(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() > MOST_STEPS
    }

    fn fresh(&mut self) -> Type<'s> {
        self.variables.push(None);
        Type::Parameter(self.variables.len() as u32 - 1)
    }

    /// A type with known type variables replaced.
    pub(super) fn resolved(&self, ty: &Type<'s>) -> Type<'s> {
        if self.is_spent() {
            return Type::Dyn;
        }
        match ty {
            Type::Parameter(number) => match self.variables.get(*number as usize) {
                Some(Some(known)) => self.resolved(known),
                _ => ty.clone(),
            },
            Type::List(item) => Type::list(self.resolved(item)),
            Type::Map(key, value) => Type::map(self.resolved(key), self.resolved(value)),
            Type::Optional(inner) => Type::Optional(Rc::new(self.resolved(inner))),
            Type::Type(inner) => Type::Type(Rc::new(self.resolved(inner))),
            other => other.clone(),
        }
    }

    /// Whether a value of one type can be used as another; binds type variables.
    pub(super) fn assignable(&mut self, wanted: &Type<'s>, given: &Type<'s>) -> bool {
        if self.is_spent() {
            return true;
        }
        // A variable is bound to the more general of the types.
        if let Type::Parameter(number) = wanted
            && let Some(Some(known)) = self.variables.get(*number as usize).cloned()
        {
            let fits = self.assignable(&known, given);
            if fits && matches!(self.shallow(given), Type::Dyn) {
                self.variables[*number as usize] = Some(Type::Dyn);
            }
            return fits;
        }
        let (wanted, given) = (self.shallow(wanted), self.shallow(given));
        match (&wanted, &given) {
            (Type::Parameter(one), Type::Parameter(two)) if one == two => true,
            (Type::Parameter(number), other) | (other, Type::Parameter(number)) => {
                if self.occurs(*number, other) {
                    return false;
                }
                self.variables[*number as usize] = Some(other.clone());
                true
            }
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, other) | (other, Type::Null) => other.takes_null(),
            (Type::List(one), Type::List(two)) | (Type::Optional(one), Type::Optional(two)) => {
                self.assignable(one, two)
            }
            (Type::Map(key, value), Type::Map(other_key, other)) => {
                self.assignable(key, other_key) && self.assignable(value, other)
            }
            // All types of types are comparable.
            (Type::Type(_), Type::Type(_)) => true,
            (Type::Object(one), Type::Object(two)) => one.is_same(two),
            (one, two) => is_same_simple(one, two),
        }
    }

    fn shallow(&self, ty: &Type<'s>) -> Type<'s> {
        let mut ty = ty;
        while let Type::Parameter(number) = ty {
            match self.variables.get(*number as usize) {
                Some(Some(known)) => ty = known,
                _ => break,
            }
        }
        ty.clone()
    }

    fn occurs(&self, number: u32, ty: &Type<'s>) -> bool {
        if self.is_spent() {
            return false;
        }
        match self.shallow(ty) {
            Type::Parameter(other) => other == number,
            Type::List(inner) | Type::Optional(inner) | Type::Type(inner) => self.occurs(number, &inner),
            Type::Map(key, value) => self.occurs(number, &key) || self.occurs(number, &value),
            _ => false,
        }
    }

    fn is_same(&self, one: &Type<'s>, two: &Type<'s>) -> bool {
        if self.is_spent() {
            return true;
        }
        match (self.resolved(one), self.resolved(two)) {
            (Type::List(one), Type::List(two)) | (Type::Optional(one), Type::Optional(two)) => self.is_same(&one, &two),
            (Type::Type(_), Type::Type(_)) | (Type::Parameter(_), Type::Parameter(_)) | (Type::Dyn, Type::Dyn) => true,
            (Type::Map(key, value), Type::Map(other_key, other)) => {
                self.is_same(&key, &other_key) && self.is_same(&value, &other)
            }
            (Type::Object(one), Type::Object(two)) => one.is_same(&two),
            (one, two) => is_same_simple(&one, &two),
        }
    }

    /// Checks an expression with additional variables.
    pub(super) fn within(&mut self, locals: &[(&str, Type<'s>)], expr: &Expr) -> Type<'s> {
        let before = self.scopes.len();
        self.scopes.extend(locals.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())));
        let ty = self.expr(expr);
        self.scopes.truncate(before);
        ty
    }
}

/// The type of a signature with fresh type variables.
fn instance<'s>(ty: &Type<'s>, base: u32) -> Type<'s> {
    match ty {
        Type::Parameter(number) => Type::Parameter(base + number),
        Type::List(item) => Type::list(instance(item, base)),
        Type::Map(key, value) => Type::map(instance(key, base), instance(value, base)),
        Type::Optional(inner) => Type::Optional(Rc::new(instance(inner, base))),
        Type::Type(inner) => Type::Type(Rc::new(instance(inner, base))),
        other => other.clone(),
    }
}

fn is_same_simple(one: &Type<'_>, two: &Type<'_>) -> bool {
    match (one, two) {
        (Type::Opaque(one), Type::Opaque(two)) => one == two,
        _ => std::mem::discriminant(one) == std::mem::discriminant(two),
    }
}
