//! The maximum cost of an expression, as the API server estimates it before it accepts a rule.
//!
//! Restates `cel-go/checker/cost.go` and `k8s.io/apiserver/pkg/cel/library/cost.go`, with their quirks, since an estimate decides whether
//! a definition is rejected. There is no estimate of what is not restated: constructed objects and the authorizer.

use std::cell::Cell;

use foldhash::{HashMap, HashMapExt};

use super::ast::{Expr, Kind, Operator};
use super::bounds::{Bounds, ValueStep};
use super::library;
use super::macros;
use super::parse::dotted;
use super::size::{Entries, NEW_LIST, NEW_MAP, Size, Way};
use super::types::Type;
use super::{Env, check};

#[derive(Debug, Clone)]
pub(super) struct Local<'s> {
    pub(super) name: String,
    pub(super) way: Way,
    pub(super) ty: Type<'s>,
    pub(super) size: Option<Size>,
    pub(super) entries: Option<Entries>,
}

/// An operand of a call.
pub(super) struct Operand<'e, 's> {
    pub(super) expr: &'e Expr,
    pub(super) way: Way,
    pub(super) ty: Type<'s>,
    pub(super) size: Option<Size>,
}

/// The maximum cost of an expression. `None` if it is unknown; `left` is how many more subschemas may be visited.
pub(super) fn cost<'s>(expr: &Expr, env: &Env<'s>, root: Bounds<'s>, left: &Cell<u32>) -> Option<u64> {
    let types = check::types(expr, env)?;
    let mut estimate = Estimate {
        env,
        types,
        root,
        left,
        ways: HashMap::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
        locals: Vec::new(),
    };
    let cost = estimate.cost(expr)?;
    (left.get() > 0).then_some(cost)
}

pub(super) struct Estimate<'e, 's> {
    env: &'e Env<'s>,
    types: HashMap<*const Expr, Type<'s>>,
    root: Bounds<'s>,
    left: &'e Cell<u32>,
    ways: HashMap<*const Expr, Way>,
    pub(super) sizes: HashMap<*const Expr, Size>,
    pub(super) entries: HashMap<*const Expr, Entries>,
    pub(super) locals: Vec<Local<'s>>,
}

impl<'s> Estimate<'_, 's> {
    pub(super) fn cost(&mut self, expr: &Expr) -> Option<u64> {
        Some(match &expr.kind {
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::String(_)
            | Kind::Bytes(_) => 0,
            Kind::Ident(name) => {
                let way = self.local(name).map_or_else(Way::start, |local| local.way.clone());
                self.ways.insert(expr, way);
                1
            }
            Kind::Select { operand, field, optional } => {
                let cost = self.cost(operand)?;
                if *optional {
                    return Some(cost.saturating_add(1));
                }
                let way = self.way(operand).then(ValueStep::Field(field.as_str().into()));
                self.ways.insert(expr, way);
                cost.saturating_add(u64::from(matches!(self.ty(operand), Type::Map(..) | Type::Object(_))))
            }
            Kind::Index { operand, index, optional } => {
                let name = if *optional { "_[?_]" } else { "_[_]" };
                self.call(expr, name, None, &[operand, index])?
            }
            Kind::Call { target, function, args } => {
                let target = target.as_deref();
                if let Some((name, value, body)) = macros::binding(self.env.binds, target, function, args) {
                    return self.bind(expr, name, value, body);
                }
                match macros::find(target.is_some(), function, args.len()) {
                    Some((which, count, filters)) => self.expand(expr, which, count, filters, target, args)?,
                    None => self.function(expr, target, function, args)?,
                }
            }
            Kind::List(items) => {
                let (mut cost, mut value) = (NEW_LIST, None);
                for item in items {
                    cost = cost.saturating_add(self.cost(&item.value)?);
                    let size = self.known(&item.value);
                    value = Some(value.map_or(size, |value: Size| value.or(size)));
                }
                let value = value.unwrap_or(Size::fixed(0));
                self.entries.insert(expr, Entries { is_list: true, key: Size::fixed(1), value });
                cost
            }
            Kind::Map(entries) => {
                let (mut cost, mut sizes) = (NEW_MAP, None);
                for entry in entries {
                    cost = cost.saturating_add(self.cost(&entry.key)?).saturating_add(self.cost(&entry.value)?);
                    let (key, value) = (self.known(&entry.key), self.known(&entry.value));
                    let own = Entries { is_list: false, key, value };
                    sizes = Some(sizes.map_or(own, |sizes: Entries| sizes.or(own)));
                }
                let empty = Entries { is_list: false, key: Size::fixed(0), value: Size::fixed(0) };
                self.entries.insert(expr, sizes.unwrap_or(empty));
                cost
            }
            Kind::Not(operand) => self.call(expr, "!_", None, &[operand])?,
            Kind::Negate(operand) => self.call(expr, "-_", None, &[operand])?,
            Kind::Binary(..) => self.chain(expr)?,
            Kind::Conditional(parts) => {
                let mut operands = Vec::new();
                let mut costs = Vec::new();
                for part in parts.iter() {
                    costs.push(self.cost(part)?);
                    operands.push(self.operand(part));
                }
                let size = operands[1].size.unwrap_or(Size::UNKNOWN).or(operands[2].size.unwrap_or(Size::UNKNOWN));
                if let (Some(one), Some(two)) = (self.made(&parts[1]), self.made(&parts[2])) {
                    self.entries.insert(expr, one.or(two));
                }
                self.sizes.insert(expr, size);
                costs[0].saturating_add(costs[1].max(costs[2]))
            }
            Kind::Struct { .. } => return None,
        })
    }

    /// A loop over the left operands, since long chains of an operator would make the recursion deep.
    fn chain(&mut self, expr: &Expr) -> Option<u64> {
        let mut open = Vec::new();
        let mut first = expr;
        while let Kind::Binary(operator, left, right) = &first.kind {
            open.push((first, *operator, &**left, &**right));
            first = left;
        }
        let mut cost = self.cost(first)?;
        for (expr, operator, left, right) in open.into_iter().rev() {
            // The bounds of the left operand precede those of the right one.
            let left = self.operand(left);
            let of_right = self.cost(right)?;
            let right = self.operand(right);
            cost = cost.saturating_add(of_right);
            if !matches!(operator, Operator::And | Operator::Or) {
                cost = cost.saturating_add(self.apply(expr, operator.function(), None, &[left, right])?);
            }
        }
        Some(cost)
    }

    fn function(&mut self, expr: &Expr, target: Option<&Expr>, function: &str, args: &[Expr]) -> Option<u64> {
        let args: Vec<&Expr> = args.iter().collect();
        if let Some(prefix) = target.and_then(dotted)
            && self.local(prefix.split('.').next().unwrap_or_default()).is_none()
        {
            let name = format!("{prefix}.{function}");
            if library::function(&name).is_some() {
                return self.call(expr, &name, None, &args);
            }
        }
        if target.is_none() && function == "dyn" && args.len() == 1 {
            let cost = self.cost(args[0])?;
            self.copy(expr, args[0]);
            return Some(cost.saturating_add(1));
        }
        self.call(expr, function, target, &args)
    }

    fn call(&mut self, expr: &Expr, name: &str, target: Option<&Expr>, args: &[&Expr]) -> Option<u64> {
        let mut cost: u64 = 0;
        let mut operands = Vec::with_capacity(args.len());
        for arg in args {
            cost = cost.saturating_add(self.cost(arg)?);
            operands.push(self.operand(arg));
        }
        let target = match target {
            Some(target) => {
                cost = cost.saturating_add(self.cost(target)?);
                Some(self.operand(target))
            }
            None => None,
        };
        Some(cost.saturating_add(self.apply(expr, name, target.as_ref(), &operands)?))
    }

    /// The cost of a function without its operands: the maximum over all signatures that match.
    fn apply(
        &mut self,
        expr: &Expr,
        name: &str,
        target: Option<&Operand<'_, 's>>,
        args: &[Operand<'_, 's>],
    ) -> Option<u64> {
        let types: Vec<Type<'s>> = args.iter().map(|arg| arg.ty.clone()).collect();
        let signatures = check::matching(self.env, library::function(name)?, target.map(|target| &target.ty), &types);
        if signatures.is_empty() {
            return None;
        }
        let (mut most, mut result): (u64, Option<Size>) = (0, None);
        for signature in signatures {
            let (cost, size) = self.signature(expr, name, signature, target, args)?;
            most = most.max(cost);
            if let Some(size) = size {
                result = Some(result.map_or(size, |result| result.or(size)));
            }
            let first = signature.args.first().copied().unwrap_or_default();
            if name == "_[_]" && !first.starts_with("optional") {
                let step = if first.starts_with("list") { ValueStep::Items } else { ValueStep::Values };
                result = self.made(args[0].expr).map(|entries| entries.value);
                let way = self.way(args[0].expr).then(step);
                self.ways.insert(expr, way);
            }
            result = result.or_else(|| self.size(expr));
        }
        if let Some(size) = result {
            self.sizes.insert(expr, size);
        }
        Some(most)
    }

    pub(super) fn size_of_items(&self, list: &Operand<'_, 's>) -> Size {
        let way = (list.way.length > 0).then(|| {
            let mut steps = list.way.steps().to_vec();
            steps.push(ValueStep::Items);
            steps
        });
        way.and_then(|steps| self.bound(&steps)).unwrap_or(Size::UNKNOWN)
    }

    fn local(&self, name: &str) -> Option<&Local<'s>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    pub(super) fn ty(&self, expr: &Expr) -> Type<'s> {
        match &expr.kind {
            Kind::Ident(name) if self.local(name).is_some() => {
                self.local(name).map_or(Type::Dyn, |local| local.ty.clone())
            }
            _ => self.types.get(&std::ptr::from_ref(expr)).cloned().unwrap_or(Type::Dyn),
        }
    }

    pub(super) fn way(&self, expr: &Expr) -> Way {
        match &expr.kind {
            Kind::Ident(name) if self.local(name).is_some() => {
                self.local(name).map(|local| local.way.clone()).unwrap_or_default()
            }
            _ => self.ways.get(&std::ptr::from_ref(expr)).cloned().unwrap_or_default(),
        }
    }

    fn operand<'e>(&mut self, expr: &'e Expr) -> Operand<'e, 's> {
        Operand { expr, way: self.way(expr), ty: self.ty(expr), size: self.size(expr) }
    }

    pub(super) fn made(&self, expr: &Expr) -> Option<Entries> {
        self.entries.get(&std::ptr::from_ref(expr)).copied().or_else(|| match &expr.kind {
            Kind::Ident(name) => self.local(name)?.entries,
            _ => None,
        })
    }

    pub(super) fn copy(&mut self, to: &Expr, from: &Expr) {
        if let Some(size) = self.size(from) {
            self.sizes.insert(to, size);
        }
        if let Some(entries) = self.made(from) {
            self.entries.insert(to, entries);
        }
    }

    pub(super) fn known(&mut self, expr: &Expr) -> Size {
        self.size(expr).unwrap_or(Size::UNKNOWN)
    }

    /// The size of a value: computed before, of a literal, or by its schema or type.
    pub(super) fn size(&mut self, expr: &Expr) -> Option<Size> {
        if let Some(size) = self.sizes.get(&std::ptr::from_ref(expr)) {
            return Some(*size);
        }
        let written = match &expr.kind {
            Kind::String(text) => Some(text.chars().count()),
            Kind::Bytes(bytes) => Some(bytes.len()),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Uint(_) | Kind::Double(_) => Some(1),
            Kind::List(items) => Some(items.len()),
            Kind::Map(entries) => Some(entries.len()),
            _ => None,
        };
        if let Some(written) = written {
            return Some(Size::fixed(written as u64));
        }
        let way = self.way(expr);
        let bound = if way.length == 0 { None } else { self.bound(&way.steps()) };
        if let Some(size) = bound {
            self.sizes.insert(expr, size);
            return Some(size);
        }
        if is_scalar(&self.ty(expr)) {
            return Some(Size::fixed(1));
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name)?.size,
            _ => None,
        }
    }

    /// The size of a value by its schema. The first step of the path is the variable.
    fn bound(&self, way: &[ValueStep]) -> Option<Size> {
        let mut bounds = self.root;
        if matches!(bounds, Bounds::Device(_)) && way.first() != Some(&ValueStep::Start) {
            return None;
        }
        for step in &way[1..] {
            bounds = bounds.below(step)?;
        }
        Some(Size { least: 0, most: bounds.most_elements(self.left) })
    }
}

pub(super) fn is_scalar(ty: &Type<'_>) -> bool {
    match ty {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Optional(inner) => is_scalar(inner),
        _ => false,
    }
}
