//! Evaluation in a bounded number of steps.

use std::rc::Rc;

use super::ast::{Expr, Item, Kind, Operator};
use super::functions;
use super::library;
use super::macros::{self, Macro};
use super::parse::dotted;
use super::types::unescape;
use super::value::{Value, find};

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It fails on the API server as well.
    Error(String),
    /// It uses a feature that is not implemented.
    Unsupported(String),
    /// It took too many steps.
    Spent,
}

impl Failure {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Error(message.into())
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    pub(super) fn no_overload() -> Self {
        Self::error("no such overload")
    }

    /// Whether it fails on the API server as well.
    const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

type Evaluated<'v> = Result<Value<'v>, Failure>;

/// Evaluates an expression with variables; `left` is the number of steps that it may take, and is reduced by those taken.
pub(super) fn evaluate<'v>(expr: &Expr, variables: &[(&str, Value<'v>)], left: &mut u64) -> Evaluated<'v> {
    Machine { variables, locals: Vec::new(), left }.eval(expr)
}

pub(super) struct Machine<'m, 'v> {
    variables: &'m [(&'m str, Value<'v>)],
    locals: Vec<(String, Value<'v>)>,
    left: &'m mut u64,
}

impl<'v> Machine<'_, 'v> {
    /// Spends steps.
    pub(super) fn charge(&mut self, steps: u64) -> Result<(), Failure> {
        *self.left = self.left.saturating_sub(steps);
        if *self.left == 0 { Err(Failure::Spent) } else { Ok(()) }
    }

    pub(super) fn eval(&mut self, expr: &Expr) -> Evaluated<'v> {
        self.charge(1)?;
        match &expr.kind {
            Kind::Null => Ok(Value::Null),
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Uint(number) => Ok(Value::Uint(*number)),
            Kind::Double(number) => Ok(Value::Double(*number)),
            Kind::String(text) => {
                self.charge(text.len() as u64 / 16)?;
                Ok(Value::text(text.as_str()))
            }
            Kind::Bytes(bytes) => Ok(Value::Bytes(bytes.as_slice().into())),
            Kind::Ident(name) => self.ident(name),
            Kind::Select { operand, field, optional } => self.select(operand, field, *optional),
            Kind::Index { operand, index, optional } => {
                let (operand, index) = (self.eval(operand)?, self.eval(index)?);
                self.index(&operand, &index, *optional)
            }
            Kind::Call { target, function, args } => self.call(target.as_deref(), function, args),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => {
                let mut made = Vec::with_capacity(entries.len());
                for entry in entries {
                    let (key, value) = (self.eval(&entry.key)?, self.eval(&entry.value)?);
                    if find(&made, &key)?.is_some() {
                        return Err(Failure::error("insert failed: key already exists"));
                    }
                    match (entry.optional, value) {
                        (true, Value::Optional(Some(value))) => made.push((key, (*value).clone())),
                        (true, Value::Optional(None)) => {}
                        (true, _) => return Err(Failure::no_overload()),
                        (false, value) => made.push((key, value)),
                    }
                }
                Ok(Value::Map(Rc::new(made)))
            }
            Kind::Struct { name, .. } => Err(Failure::unsupported(format!("`{name}{{…}}`"))),
            Kind::Not(operand) => match self.eval(operand)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                _ => Err(Failure::no_overload()),
            },
            Kind::Negate(operand) => match self.eval(operand)? {
                Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(overflow),
                Value::Double(number) => Ok(Value::Double(-number)),
                _ => Err(Failure::no_overload()),
            },
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right),
            Kind::Conditional(parts) => match self.eval(&parts[0])? {
                Value::Bool(true) => self.eval(&parts[1]),
                Value::Bool(false) => self.eval(&parts[2]),
                _ => Err(Failure::no_overload()),
            },
        }
    }

    /// A loop over the left operands, since chains of operators can be long.
    fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Evaluated<'v> {
        let mut chain = vec![(operator, right)];
        let mut first = left;
        while let Kind::Binary(operator, left, right) = &first.kind {
            chain.push((*operator, right));
            first = left;
        }
        let mut value = self.eval(first);
        for (operator, right) in chain.into_iter().rev() {
            value = match operator {
                Operator::And => self.logic(value, right, false),
                Operator::Or => self.logic(value, right, true),
                _ => value.and_then(|left| {
                    let right = self.eval(right)?;
                    self.charge(1)?;
                    functions::operator(self, operator, &left, &right)
                }),
            };
        }
        value
    }

    /// `&&` and `||`: an operand that decides the result absorbs an error of the other one.
    fn logic(&mut self, left: Evaluated<'v>, right: &Expr, decides: bool) -> Evaluated<'v> {
        match left {
            Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
            Err(failure) if !failure.is_error() => return Err(failure),
            _ => {}
        }
        let right = self.eval(right);
        match (left, right) {
            (_, Ok(Value::Bool(value))) if value == decides => Ok(Value::Bool(decides)),
            (_, Err(failure)) if !failure.is_error() => Err(failure),
            (Err(failure), _) => Err(failure),
            (Ok(Value::Bool(_)), Ok(Value::Bool(_))) => Ok(Value::Bool(!decides)),
            (_, Err(failure)) => Err(failure),
            _ => Err(Failure::no_overload()),
        }
    }

    fn local(&self, name: &str) -> Option<Value<'v>> {
        let local = self.locals.iter().rev().find(|(local, _)| local == name).map(|(_, value)| value);
        local.or_else(|| self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value)).cloned()
    }

    fn ident(&self, name: &str) -> Evaluated<'v> {
        if let Some(value) = self.local(name) {
            return Ok(value);
        }
        const TYPES: &[&str] =
            &["bool", "bytes", "double", "int", "list", "map", "null_type", "optional_type", "string", "type", "uint"];
        match TYPES.iter().find(|known| **known == name) {
            Some(known) => Ok(Value::Type(known)),
            None => Err(Failure::error(format!("no such attribute(s): {name}"))),
        }
    }

    fn select(&mut self, operand: &Expr, field: &str, optional: bool) -> Evaluated<'v> {
        if let Some(name) = dotted(operand).map(|name| format!("{name}.{field}")) {
            match name.as_str() {
                "google.protobuf.Timestamp" => return Ok(Value::Type("google.protobuf.Timestamp")),
                "google.protobuf.Duration" => return Ok(Value::Type("google.protobuf.Duration")),
                _ => {}
            }
        }
        let value = self.eval(operand)?;
        let (value, wrapped) = match value {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => ((*inner).clone(), true),
            value => (value, false),
        };
        match self.member(&value, field)? {
            Some(found) if wrapped || optional => Ok(Value::some(found)),
            Some(found) => Ok(found),
            None if wrapped || optional => Ok(Value::Optional(None)),
            None => Err(Failure::error(format!("no such key: {field}"))),
        }
    }

    /// A field of an object, whose name can be escaped, or a key of a map, which is not escaped.
    fn member(&mut self, value: &Value<'v>, field: &str) -> Result<Option<Value<'v>>, Failure> {
        match value {
            Value::Node(_, Some(schema)) if schema.additional().is_none() => match unescape(field) {
                Some(name) => value.field(&name),
                None => Ok(None),
            },
            _ => value.field(field),
        }
    }

    pub(super) fn index(&mut self, operand: &Value<'v>, index: &Value<'v>, optional: bool) -> Evaluated<'v> {
        let (operand, wrapped) = match operand {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => ((**inner).clone(), true),
            operand => (operand.clone(), false),
        };
        self.charge(operand.size() / 64)?;
        let found = if operand.is_list() {
            let at = match index {
                Value::Int(at) => *at,
                Value::Uint(at) => i64::try_from(*at).unwrap_or(i64::MAX),
                Value::Double(at) if at.fract() == 0.0 => *at as i64,
                _ => return Err(Failure::no_overload()),
            };
            let items = operand.items()?;
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned()
                .ok_or_else(|| format!("index out of bounds: {at}"))
        } else if let Value::String(key) = index {
            operand.field(key)?.ok_or_else(|| format!("no such key: {key}"))
        } else {
            find(&operand.entries()?, index)?.cloned().ok_or_else(|| "no such key".to_owned())
        };
        match found {
            Ok(found) if wrapped || optional => Ok(Value::some(found)),
            Ok(found) => Ok(found),
            Err(_) if wrapped || optional => Ok(Value::Optional(None)),
            Err(message) => Err(Failure::error(message)),
        }
    }

    fn list(&mut self, items: &[Item]) -> Evaluated<'v> {
        let mut made = Vec::with_capacity(items.len());
        for item in items {
            match (item.optional, self.eval(&item.value)?) {
                (true, Value::Optional(Some(value))) => made.push((*value).clone()),
                (true, Value::Optional(None)) => {}
                (true, _) => return Err(Failure::no_overload()),
                (false, value) => made.push(value),
            }
        }
        Ok(Value::list(made))
    }

    fn call(&mut self, target: Option<&Expr>, function: &str, args: &[Expr]) -> Evaluated<'v> {
        if let Some((which, count, filters)) = macros::find(target.is_some(), function, args.len()) {
            return self.expand(which, count, filters, target, args);
        }
        let prefix = target.and_then(dotted);
        let qualified = prefix.as_ref().map(|prefix| format!("{prefix}.{function}"));
        let is_qualified = qualified.as_deref().is_some_and(|name| library::function(name).is_some())
            && prefix.is_some_and(|prefix| self.local(prefix.split('.').next().unwrap_or_default()).is_none());
        let mut values = Vec::with_capacity(args.len() + 1);
        let name = match (target, qualified) {
            (Some(_), Some(qualified)) if is_qualified => qualified,
            (Some(target), _) => {
                values.push(self.eval(target)?);
                function.to_owned()
            }
            (None, _) => function.to_owned(),
        };
        for arg in args {
            values.push(self.eval(arg)?);
        }
        let size: u64 = values.iter().map(Value::size).sum();
        self.charge(size)?;
        functions::call(self, &name, &values)
    }

    fn expand(
        &mut self,
        which: Macro,
        count: usize,
        filters: bool,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Evaluated<'v> {
        let Some(target) = target else { return self.has(&args[0]) };
        let Some(names) = macros::names(args, count) else { return Err(Failure::no_overload()) };
        let range = self.eval(target)?;
        let rest = &args[count..];
        if matches!(which, Macro::OptMap | Macro::OptFlatMap) {
            let Value::Optional(inner) = range else { return Err(Failure::no_overload()) };
            let Some(inner) = inner else { return Ok(Value::Optional(None)) };
            let value = self.within(vec![(names[0], (*inner).clone())], &rest[0])?;
            return Ok(if which == Macro::OptMap { Value::some(value) } else { value });
        }
        let pairs: Vec<(Value<'v>, Value<'v>)> = if range.is_list() {
            range.items()?.iter().enumerate().map(|(at, item)| (Value::Int(at as i64), item.clone())).collect()
        } else {
            range.entries()?.to_vec()
        };
        self.charge(pairs.len() as u64)?;
        let by_value = range.is_list() && count == 1;
        let last = &rest[rest.len() - 1];
        let mut found = Found { hits: 0, failure: None, items: Vec::new(), entries: Vec::new() };
        for (key, value) in pairs {
            let locals = match (count, by_value) {
                (1, true) => vec![(names[0], value.clone())],
                (1, false) => vec![(names[0], key.clone())],
                _ => vec![(names[0], key.clone()), (names[1], value.clone())],
            };
            if filters && !is_true(self.within(locals.clone(), &rest[0])?)? {
                continue;
            }
            let result = self.within(locals, last);
            let own = if by_value { value } else { key.clone() };
            if let Some(decided) = found.take(which, key, own, result)? {
                return Ok(decided);
            }
        }
        found.finish(which)
    }

    fn has(&mut self, arg: &Expr) -> Evaluated<'v> {
        let Kind::Select { operand, field, .. } = &arg.kind else { return Err(Failure::no_overload()) };
        let value = match self.eval(operand)? {
            Value::Optional(None) => return Ok(Value::Bool(false)),
            Value::Optional(Some(inner)) => (*inner).clone(),
            value => value,
        };
        self.member(&value, field).map(|found| Value::Bool(found.is_some()))
    }

    fn within(&mut self, locals: Vec<(&str, Value<'v>)>, expr: &Expr) -> Evaluated<'v> {
        let before = self.locals.len();
        self.locals.extend(locals.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let value = self.eval(expr);
        self.locals.truncate(before);
        value
    }
}

/// The accumulator of a macro over a list or a map.
struct Found<'v> {
    hits: usize,
    failure: Option<Failure>,
    items: Vec<(Value<'v>, Value<'v>)>,
    entries: Vec<(Value<'v>, Value<'v>)>,
}

impl<'v> Found<'v> {
    /// Adds the result for an item; returns the final value if that decides it.
    fn take(
        &mut self,
        which: Macro,
        key: Value<'v>,
        item: Value<'v>,
        result: Evaluated<'v>,
    ) -> Result<Option<Value<'v>>, Failure> {
        let result = match (which, result) {
            // An item that decides the result absorbs the errors of others.
            (Macro::All | Macro::Exists, Err(failure)) if failure.is_error() => {
                self.failure = self.failure.take().or(Some(failure));
                return Ok(None);
            }
            (_, result) => result?,
        };
        match which {
            Macro::All => return Ok((!is_true(result)?).then_some(Value::Bool(false))),
            Macro::Exists => return Ok(is_true(result)?.then_some(Value::Bool(true))),
            Macro::ExistsOne => self.hits += usize::from(is_true(result)?),
            Macro::Filter => {
                if is_true(result)? {
                    self.items.push((Value::Null, item));
                }
            }
            Macro::SortBy => self.items.push((result, item)),
            Macro::TransformMap => self.entries.push((key, result)),
            Macro::TransformMapEntry => {
                for (key, value) in result.entries()?.iter() {
                    if find(&self.entries, key)?.is_some() {
                        return Err(Failure::error("insert failed: key already exists"));
                    }
                    self.entries.push((key.clone(), value.clone()));
                }
            }
            _ => self.items.push((Value::Null, result)),
        }
        Ok(None)
    }

    fn finish(mut self, which: Macro) -> Evaluated<'v> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        Ok(match which {
            Macro::All => Value::Bool(true),
            Macro::Exists => Value::Bool(false),
            Macro::ExistsOne => Value::Bool(self.hits == 1),
            Macro::TransformMap | Macro::TransformMapEntry => Value::Map(Rc::new(self.entries)),
            Macro::SortBy => {
                functions::sort_by_key(&mut self.items)?;
                Value::list(self.items.into_iter().map(|(_, item)| item).collect())
            }
            _ => Value::list(self.items.into_iter().map(|(_, item)| item).collect()),
        })
    }
}

fn is_true(value: Value<'_>) -> Result<bool, Failure> {
    match value {
        Value::Bool(value) => Ok(value),
        _ => Err(Failure::no_overload()),
    }
}

pub(super) fn overflow() -> Failure {
    Failure::error("integer overflow")
}
