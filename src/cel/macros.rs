//! The macros of CEL: calls that bind variables in their arguments.

use std::rc::Rc;

use super::ast::{Expr, Kind};
use super::check::Checker;
use super::types::Type;

/// The kinds of macros, with one or two variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macro {
    /// `has(e.f)`.
    Has,
    /// `e.all(x, p)`, `e.exists(x, p)`, `e.existsOne(x, p)`.
    All,
    Exists,
    ExistsOne,
    /// `e.map(x, t)`, `e.map(x, p, t)`.
    Map,
    /// `e.filter(x, p)`.
    Filter,
    /// `e.transformList(i, x, t)`, `e.transformList(i, x, p, t)`.
    TransformList,
    TransformMap,
    TransformMapEntry,
    /// `o.optMap(x, t)`.
    OptMap,
    OptFlatMap,
    /// `e.sortBy(x, key)`.
    SortBy,
}

/// A call of a macro: its kind, the number of variables, and whether it has a filter.
pub(super) fn find(has_target: bool, function: &str, args: usize) -> Option<(Macro, usize, bool)> {
    Some(match (has_target, function, args) {
        (false, "has", 1) => (Macro::Has, 0, false),
        (true, "all", 2 | 3) => (Macro::All, args - 1, false),
        (true, "exists", 2 | 3) => (Macro::Exists, args - 1, false),
        (true, "exists_one", 2 | 3) => (Macro::ExistsOne, args - 1, false),
        (true, "existsOne", 3) => (Macro::ExistsOne, 2, false),
        (true, "map", 2 | 3) => (Macro::Map, 1, args == 3),
        (true, "filter", 2) => (Macro::Filter, 1, false),
        (true, "transformList", 3 | 4) => (Macro::TransformList, 2, args == 4),
        (true, "transformMap", 3 | 4) => (Macro::TransformMap, 2, args == 4),
        (true, "transformMapEntry", 3 | 4) => (Macro::TransformMapEntry, 2, args == 4),
        (true, "optMap", 2) => (Macro::OptMap, 1, false),
        (true, "optFlatMap", 2) => (Macro::OptFlatMap, 1, false),
        (true, "sortBy", 2) => (Macro::SortBy, 1, false),
        _ => return None,
    })
}

/// The name, the value and the body of `cel.bind(x, value, body)`, if it is available.
pub(super) fn binding<'e>(
    is_known: bool,
    target: Option<&Expr>,
    function: &str,
    args: &'e [Expr],
) -> Option<(&'e str, &'e Expr, &'e Expr)> {
    let of_cel = target.is_some_and(|target| matches!(&target.kind, Kind::Ident(name) if name == "cel"));
    match args {
        [Expr { kind: Kind::Ident(name), .. }, value, body] if is_known && of_cel && function == "bind" => {
            Some((name, value, body))
        }
        _ => None,
    }
}

/// The names of the variables of a macro. `None` if one is not a simple name.
pub(super) fn names(args: &[Expr], count: usize) -> Option<Vec<&str>> {
    args[..count]
        .iter()
        .map(|arg| match &arg.kind {
            Kind::Ident(name) => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

impl<'s> Checker<'_, 's> {
    /// The type of a macro.
    pub(super) fn expand(&mut self, at: u32, target: Option<&Expr>, function: &str, args: &[Expr]) -> Option<Type<'s>> {
        if let Some((name, value, body)) = binding(self.env.binds, target, function, args) {
            let ty = self.expr(value);
            return Some(self.within(&[(name, ty)], body));
        }
        let (which, count, filters) = find(target.is_some(), function, args.len())?;
        let Some(target) = target else {
            return Some(match &args[0].kind {
                Kind::Select { operand, field, optional: false } => {
                    self.select(args[0].at, operand, field, false);
                    Type::Bool
                }
                _ => self.fault(args[0].at, "invalid argument to has() macro".to_owned()),
            });
        };
        let Some(names) = names(args, count) else {
            return Some(self.fault(args[0].at, "argument must be a simple name".to_owned()));
        };
        let range = self.expr(target);
        let range = self.resolved(&range);
        if matches!(which, Macro::OptMap | Macro::OptFlatMap) {
            return Some(self.optional(at, which, range, names[0], &args[1]));
        }
        let locals = self.locals(target.at, &range, &names);
        let rest = &args[count..];
        if filters {
            let filter = self.within(&locals, &rest[0]);
            self.expect_bool(rest[0].at, &filter);
        }
        let last = &rest[rest.len() - 1];
        let ty = self.within(&locals, last);
        Some(match which {
            Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter => {
                self.expect_bool(last.at, &ty);
                if which == Macro::Filter { Type::list(locals[0].1.clone()) } else { Type::Bool }
            }
            Macro::Map | Macro::TransformList => Type::list(ty),
            Macro::TransformMap => Type::map(locals[0].1.clone(), ty),
            Macro::SortBy => range,
            _ => ty,
        })
    }

    /// The variables of a macro over a list or a map.
    fn locals<'n>(&mut self, at: u32, range: &Type<'s>, names: &[&'n str]) -> Vec<(&'n str, Type<'s>)> {
        let types = match range {
            Type::List(item) => vec![Type::Int, (**item).clone()],
            Type::Map(key, value) => vec![(**key).clone(), (**value).clone()],
            Type::Dyn | Type::Parameter(_) => vec![Type::Dyn, Type::Dyn],
            _ => {
                let message = format!(
                    "expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.fault(at, message);
                vec![Type::Dyn, Type::Dyn]
            }
        };
        // A single variable is an item of a list, but a key of a map.
        let skip = usize::from(names.len() == 1 && matches!(range, Type::List(_)));
        names.iter().copied().zip(types.into_iter().skip(skip)).collect()
    }

    fn optional(&mut self, at: u32, which: Macro, target: Type<'s>, name: &str, body: &Expr) -> Type<'s> {
        let inner = match target {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn | Type::Parameter(_) => Type::Dyn,
            other => {
                self.fault(at, format!("found no matching overload for 'hasValue' applied to '{other}.()'"));
                Type::Dyn
            }
        };
        let ty = self.within(&[(name, inner)], body);
        if which == Macro::OptMap { Type::Optional(Rc::new(ty)) } else { ty }
    }

    pub(super) fn expect_bool(&mut self, at: u32, ty: &Type<'s>) {
        if !self.assignable(&Type::Bool, ty) {
            let ty = self.resolved(ty);
            self.fault(at, format!("expected type 'bool' but found '{ty}'"));
        }
    }
}
