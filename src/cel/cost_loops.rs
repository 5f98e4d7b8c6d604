//! The costs of macros, which CEL expands into loops.

use super::ast::{Expr, Kind};
use super::bounds::ValueStep;
use super::cost::{Estimate, Local, is_scalar};
use super::cost_functions;
use super::macros::{self, Macro};
use super::size::{Entries, NEW_LIST, NEW_MAP, Size, Way};
use super::types::Type;

impl<'s> Estimate<'_, 's> {
    /// The cost of a macro, which CEL expands into a loop.
    pub(super) fn expand(
        &mut self,
        expr: &Expr,
        which: Macro,
        count: usize,
        filters: bool,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Option<u64> {
        let Some(target) = target else {
            // The presence test costs nothing.
            let Kind::Select { operand, .. } = &args[0].kind else { return None };
            return self.cost(operand);
        };
        let names = macros::names(args, count)?;
        match which {
            Macro::OptMap | Macro::OptFlatMap => return self.optional(expr, which, target, names[0], &args[1]),
            Macro::SortBy => return self.sort_by(expr, target, names[0], &args[1]),
            _ => {}
        }
        let range = self.cost(target)?;
        self.push(&names, target);
        let rest = &args[count..];
        let last = &rest[rest.len() - 1];
        let filter = if filters { self.cost(&rest[0])? } else { 0 };
        let body = self.cost(last)?;
        // The costs of the initial value, of each iteration beside the body and the filter, and of the result; a reference to the
        // accumulator costs 1.
        let (start, turn, result) = match which {
            Macro::All => (0, 2 + 1, 1),
            Macro::Exists => (0, 3 + 1, 1),
            Macro::ExistsOne => (0, 2, 2),
            Macro::Filter => (NEW_LIST, 13, 1),
            Macro::Map | Macro::TransformList => (NEW_LIST, 1 + 1 + NEW_LIST, 1),
            // A reference to the key, and the insertion of the entry.
            Macro::TransformMap => (NEW_MAP, 1 + 1 + 1, 1),
            Macro::TransformMapEntry => (NEW_MAP, 1 + 1, 1),
            _ => return None,
        };
        let item = match which {
            Macro::Filter => Some(&args[0]),
            Macro::Map | Macro::TransformList => Some(last),
            _ => None,
        };
        if let Some(item) = item {
            if which == Macro::Filter {
                self.cost(item)?;
            }
            let value = self.known(item).or(Size::fixed(0));
            self.entries.insert(expr, Entries { is_list: true, key: Size::fixed(1), value });
        }
        self.locals.truncate(self.locals.len() - names.len());
        let size = self.known(target);
        self.sizes.insert(expr, if start == 0 { Size::fixed(1) } else { size });
        let turn = body.saturating_add(filter).saturating_add(turn);
        let loops = size.most.saturating_mul(turn);
        Some(range.saturating_add(start + result).saturating_add(loops))
    }

    /// `cel.bind(x, value, body)`, which is expanded into a loop over an empty list.
    pub(super) fn bind(&mut self, expr: &Expr, name: &str, value: &Expr, body: &Expr) -> Option<u64> {
        let of_value = self.cost(value)?;
        let (way, ty, size, entries) = (self.way(value), self.ty(value), self.size(value), self.made(value));
        self.locals.push(Local { name: name.to_owned(), way, ty, size, entries });
        let of_body = self.cost(body)?;
        self.copy(expr, body);
        self.locals.pop();
        Some(NEW_LIST.saturating_add(of_value).saturating_add(of_body))
    }

    /// `l.sortBy(x, key)` binds the list, maps its items to keys, and sorts by these.
    fn sort_by(&mut self, expr: &Expr, target: &Expr, name: &str, key: &Expr) -> Option<u64> {
        let of_target = self.cost(target)?;
        self.push(&[name], target);
        let of_key = self.cost(key)?;
        let of_texts = matches!(self.ty(key), Type::String | Type::Bytes | Type::Dyn);
        self.locals.pop();
        let size = self.known(target);
        let turns = size.most.saturating_mul(of_key.saturating_add(1 + 1 + NEW_LIST));
        let keys = turns.saturating_add(1 + NEW_LIST + 1);
        let (sorting, result) = cost_functions::sorted(size, of_texts);
        self.sizes.insert(expr, result.unwrap_or(Size::UNKNOWN));
        Some([NEW_LIST, of_target, 1, keys, sorting].into_iter().fold(0, u64::saturating_add))
    }

    /// `o.optMap(x, t)` is `o.hasValue() ? optional.of(t) : optional.none()`, where x is `o.value()`.
    fn optional(&mut self, expr: &Expr, which: Macro, target: &Expr, name: &str, body: &Expr) -> Option<u64> {
        let of_target = self.cost(target)?.saturating_add(1);
        let ty = match self.ty(target) {
            Type::Optional(inner) => (*inner).clone(),
            _ => Type::Dyn,
        };
        let size = is_scalar(&ty).then_some(Size::fixed(1));
        self.locals.push(Local { name: name.to_owned(), way: Way::default(), ty, size, entries: None });
        let of_body = self.cost(body)?;
        let body_size = self.size(body);
        self.locals.pop();
        let bound = NEW_LIST.saturating_add(of_target).saturating_add(of_body);
        let is_map = which == Macro::OptMap;
        let given = if is_map { bound.saturating_add(1) } else { bound };
        // The result can be `optional.none()`, whose size is only known by its type.
        let by_type = is_scalar(&self.ty(expr)).then_some(Size::fixed(1));
        let some = if is_map { by_type } else { body_size };
        let size = some.unwrap_or(Size::UNKNOWN).or(by_type.unwrap_or(Size::UNKNOWN));
        self.sizes.insert(expr, size);
        Some(of_target.saturating_add(given.max(1)))
    }

    /// The variables of a macro: one is an item of a list or a key of a map; two are the index or key and the value.
    fn push(&mut self, names: &[&str], range: &Expr) {
        let made = self.made(range);
        let ty = self.ty(range);
        let is_list = made.map_or(matches!(ty, Type::List(_)), |made| made.is_list);
        let (key, value) = match ty {
            Type::List(item) => (Type::Int, (*item).clone()),
            Type::Map(key, value) => ((*key).clone(), (*value).clone()),
            _ => (Type::Dyn, Type::Dyn),
        };
        let (keys, values) =
            if is_list { (ValueStep::Indices, ValueStep::Items) } else { (ValueStep::Keys, ValueStep::Values) };
        let way = self.way(range);
        let key = (keys, made.map(|made| made.key), key);
        let value = (values, made.map(|made| made.value), value);
        let of_one = names.len() == 1;
        let variables = match of_one {
            true if is_list => vec![value],
            true => vec![key],
            false => vec![key, value],
        };
        for (name, (step, size, ty)) in names.iter().zip(variables) {
            self.locals.push(Local { name: (*name).to_owned(), way: way.then(step), ty, size, entries: None });
        }
    }
}
