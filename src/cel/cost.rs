//! What an expression costs at most, as the API server estimates it before it takes a rule.
//!
//! Restates `cel-go/checker/cost.go` and `k8s.io/apiserver/pkg/cel/library/cost.go`, with their quirks: an estimate decides whether a
//! definition is rejected. Of what is not restated (lists sorted and flattened, comprehensions with two variables) there is no
//! estimate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use foldhash::{HashMap, HashMapExt};

use super::ast::{Expr, Kind, Operator};
use super::bounds::{Bounds, Step};
use super::library::{self, Signature};
use super::macros::{self, Macro};
use super::parse::dotted;
use super::types::Type;
use super::{Env, check};

const TRAVERSAL: f64 = 0.1;
const PATTERN_LENGTH: f64 = 0.25;
const NEW_LIST: u64 = 10;
const NEW_MAP: u64 = 30;

/// The longest pattern of a named format.
const LONGEST_FORMAT: f64 = 128.0;

/// How many elements a value has: letters of a string, items of a list, entries of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    least: u64,
    most: u64,
}

impl Size {
    const UNKNOWN: Self = Self { least: 0, most: u64::MAX };

    const fn fixed(size: u64) -> Self {
        Self { least: size, most: size }
    }

    const fn plus(self, other: Self) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }

    const fn times(self, other: Self) -> Self {
        Self { least: self.least.saturating_mul(other.least), most: self.most.saturating_mul(other.most) }
    }

    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The cost of going through it.
    fn cost(self, each: f64) -> u64 {
        scaled(self.most, each)
    }
}

/// A product, rounded up.
fn scaled(number: u64, factor: f64) -> u64 {
    // Conversions from floats saturate.
    (number as f64 * factor).ceil() as u64
}

/// The sizes of the keys (or indexes) and values of a list or map that an expression makes.
#[derive(Debug, Clone, Copy)]
struct Entries {
    is_list: bool,
    key: Size,
    value: Size,
}

impl Entries {
    fn or(self, other: Self) -> Self {
        Self { key: self.key.or(other.key), value: self.value.or(other.value), ..self }
    }
}

/// The way to a value from a variable. Like a slice in Go, a longer one may share its memory with one from which it was made, which
/// then changes: the API server's estimates show that.
#[derive(Debug, Clone, Default)]
struct Way {
    steps: Rc<RefCell<Vec<Step>>>,
    length: usize,
    capacity: usize,
}

impl Way {
    fn start() -> Self {
        Self::default().then(Step::Start)
    }

    fn then(&self, step: Step) -> Self {
        let length = self.length + 1;
        if length <= self.capacity {
            let mut steps = self.steps.borrow_mut();
            if steps.len() < length {
                steps.push(step);
            } else {
                steps[self.length] = step;
            }
            drop(steps);
            return Self { steps: self.steps.clone(), length, capacity: self.capacity };
        }
        let mut steps = self.steps.borrow()[..self.length].to_vec();
        steps.push(step);
        Self { steps: Rc::new(RefCell::new(steps)), length, capacity: (self.capacity * 2).max(1) }
    }
}

#[derive(Debug, Clone)]
struct Local<'s> {
    name: String,
    way: Way,
    ty: Type<'s>,
    size: Option<Size>,
}

/// An operand of a call.
struct Operand<'e, 's> {
    expr: &'e Expr,
    way: Way,
    ty: Type<'s>,
    size: Option<Size>,
}

/// What an expression costs at most. `None` where that is not known; `left` bounds the work on the schema.
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

struct Estimate<'e, 's> {
    env: &'e Env<'s>,
    types: HashMap<*const Expr, Type<'s>>,
    root: Bounds<'s>,
    left: &'e Cell<u32>,
    ways: HashMap<*const Expr, Way>,
    sizes: HashMap<*const Expr, Size>,
    entries: HashMap<*const Expr, Entries>,
    locals: Vec<Local<'s>>,
}

impl<'s> Estimate<'_, 's> {
    fn cost(&mut self, expr: &Expr) -> Option<u64> {
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
                let way = self.way(operand).then(Step::Field(field.as_str().into()));
                self.ways.insert(expr, way);
                cost.saturating_add(u64::from(matches!(self.ty(operand), Type::Map(..) | Type::Object(_))))
            }
            Kind::Index { operand, index, optional } => {
                let name = if *optional { "_[?_]" } else { "_[_]" };
                self.call(expr, name, None, &[operand, index])?
            }
            Kind::Call { target, function, args } => {
                let target = target.as_deref();
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

    /// Long chains of one operator lean to the left; they must not make the recursion deep.
    fn chain(&mut self, expr: &Expr) -> Option<u64> {
        let mut open = Vec::new();
        let mut first = expr;
        while let Kind::Binary(operator, left, right) = &first.kind {
            open.push((first, *operator, &**left, &**right));
            first = left;
        }
        let mut cost = self.cost(first)?;
        for (expr, operator, left, right) in open.into_iter().rev() {
            // What is known of the operand on the left is looked at before the one on the right.
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

    /// The cost of a function without that of its operands: the most of all signatures that fit.
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
                let step = if first.starts_with("list") { Step::Items } else { Step::Values };
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

    /// The cost of a function by one of its signatures, and the size of its result where that follows from it.
    fn signature(
        &mut self,
        expr: &Expr,
        name: &str,
        signature: &Signature,
        target: Option<&Operand<'_, 's>>,
        args: &[Operand<'_, 's>],
    ) -> Option<(u64, Option<Size>)> {
        let size = |operand: &Operand<'_, 's>| operand.size.unwrap_or(Size::UNKNOWN);
        let of_target = target.map_or(Size::UNKNOWN, size);
        let first = signature.args.first().copied().unwrap_or_default();
        let on = signature.receiver.unwrap_or_default();
        let parse = |factor: f64| Some((args.first().map_or(1, |arg| size(arg).cost(factor * TRAVERSAL)), None));
        let matched = |text: Size, pattern: Size| {
            text.plus(Size::fixed(1)).cost(TRAVERSAL).saturating_mul(pattern.cost(PATTERN_LENGTH))
        };
        match name {
            // Kubernetes' libraries.
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" if on.starts_with("list") => {
                let each = match &target?.ty {
                    Type::List(item) if matches!(**item, Type::String | Type::Bytes) => {
                        1_u64.saturating_add(self.size_of_items(target?).cost(TRAVERSAL))
                    }
                    Type::List(_) => 1,
                    _ => return None,
                };
                Some((of_target.most.saturating_mul(each), None))
            }
            "indexOf" | "lastIndexOf" => Some((of_target.cost(TRAVERSAL), None)),
            "url" | "jsonpatch.escapeKey" => Some((size(&args[0]).cost(TRAVERSAL), Some(size(&args[0])))),
            "lowerAscii" | "upperAscii" | "substring" | "trim" => Some((of_target.cost(TRAVERSAL), Some(of_target))),
            "replace" => {
                let result = replaced(of_target, size(&args[0]), size(&args[1]));
                Some((of_target.cost(2.0 * TRAVERSAL), Some(result)))
            }
            "split" => {
                let most = match args.get(1).map(|limit| &limit.expr.kind) {
                    Some(Kind::Int(limit)) => *limit as u64,
                    _ => of_target.most,
                };
                Some((of_target.cost(2.0 * TRAVERSAL), Some(Size { least: 0, most })))
            }
            "join" if matches!(target?.ty, Type::List(_)) => {
                let mut joined = of_target.times(self.size_of_items(target?));
                if let Some(separator) = args.first() {
                    let (least, most) = (of_target.least.saturating_sub(1), of_target.most.saturating_sub(1));
                    joined = joined.plus(size(separator).times(Size { least, most }));
                }
                Some((joined.cost(TRAVERSAL), Some(joined)))
            }
            "find" | "findAll" => {
                Some((matched(of_target, size(&args[0])), Some(Size { least: 0, most: of_target.most })))
            }
            "ip" if on.is_empty() => parse(1.0),
            "cidr" | "isIP" | "isCIDR" | "quantity" | "isQuantity" | "semver" | "isSemver" => parse(1.0),
            "ip.isCanonical" => parse(2.0),
            "containsIP" | "containsCIDR" => {
                let own = if name == "containsIP" { 4 } else { 4 + 2 + 1 };
                let given = if first == "string" { size(&args[0]).cost(TRAVERSAL) } else { 0 };
                Some((given.saturating_add(own), None))
            }
            "validate" => {
                let text = size(&args[0]).cost(TRAVERSAL);
                Some((scaled(text, LONGEST_FORMAT * PATTERN_LENGTH), None))
            }
            // CEL's own.
            "format" => Some((of_target.cost(TRAVERSAL), None)),
            "bytes" if first == "string" => {
                let text = size(&args[0]);
                let most = text.most.wrapping_mul(4);
                Some((text.cost(TRAVERSAL), Some(Size { least: text.least, most })))
            }
            "string" if first == "bytes" => {
                let bytes = size(&args[0]);
                Some((bytes.cost(TRAVERSAL), Some(Size { least: bytes.least / 4, most: bytes.most })))
            }
            "strings.quote" => {
                let text = size(&args[0]);
                let most = text.most.wrapping_mul(2).wrapping_add(2);
                Some((text.cost(TRAVERSAL), Some(Size { least: text.least.saturating_add(2), most })))
            }
            "startsWith" | "endsWith" => Some((size(&args[0]).cost(TRAVERSAL), None)),
            "@in" if signature.args[1].starts_with("list") => Some((size(&args[1]).most, None)),
            // As a function of two arguments it is taken for any other one.
            "matches" if target.is_some() => Some((matched(of_target, size(&args[0])), None)),
            "contains" => Some((of_target.cost(TRAVERSAL).saturating_mul(size(&args[0]).cost(TRAVERSAL)), None)),
            "_+_" if matches!(first, "string" | "bytes") || first.starts_with("list") => {
                let joined = size(&args[0]).plus(size(&args[1]));
                if let (Some(one), Some(two)) = (self.made(args[0].expr), self.made(args[1].expr)) {
                    self.entries.insert(expr, one.or(two));
                }
                let cost = if first.starts_with("list") { 1 } else { joined.cost(TRAVERSAL) };
                Some((cost, Some(joined)))
            }
            "_==_" | "_!=_" => {
                let opaque = |operand: &Operand<'_, 's>| matches!(operand.ty, Type::Opaque(_));
                match (&args[0].ty, &args[1].ty) {
                    (Type::Opaque("kubernetes.IP" | "kubernetes.CIDR"), Type::Opaque(_)) if name == "_==_" => {
                        Some((1, None))
                    }
                    _ if args.iter().any(opaque) => None,
                    _ => Some((scaled(size(&args[0]).most.min(size(&args[1]).most), TRAVERSAL), None)),
                }
            }
            "_<_" | "_<=_" | "_>_" | "_>=_" if matches!(first, "string" | "bytes") => {
                Some((scaled(size(&args[0]).most.min(size(&args[1]).most), TRAVERSAL), None))
            }
            "sets.contains" | "sets.intersects" | "sets.equivalent" => {
                let factor = if name == "sets.equivalent" { 2.0 } else { 1.0 };
                Some((size(&args[0]).times(size(&args[1])).cost(factor).saturating_add(1), None))
            }
            "slice" | "flatten" | "distinct" | "reverse" | "lists.range" | "sort" | "first" | "last" | "join"
            | "check" | "fieldSelector" | "labelSelector" => None,
            _ => Some((1, None)),
        }
    }

    /// The cost of a macro, which CEL makes a loop of.
    fn expand(
        &mut self,
        expr: &Expr,
        which: Macro,
        count: usize,
        filters: bool,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Option<u64> {
        let Some(target) = target else {
            // Asking whether a field is there costs nothing by itself.
            let Kind::Select { operand, .. } = &args[0].kind else { return None };
            return self.cost(operand);
        };
        let name = *macros::names(args, count)?.first()?;
        if matches!(which, Macro::OptMap | Macro::OptFlatMap) {
            return self.optional(expr, which, target, name, &args[1]);
        }
        if count != 1 {
            return None;
        }
        let range = self.cost(target)?;
        let local = self.item_of(name, target);
        self.locals.push(local);
        let rest = &args[count..];
        // What a test makes of what has been found so far; 1 is what it costs to name that.
        let (loop_cost, result) = match which {
            Macro::All => (2_u64.saturating_add(1).saturating_add(self.cost(&rest[0])?), 1),
            Macro::Exists => (3_u64.saturating_add(1).saturating_add(self.cost(&rest[0])?), 1),
            Macro::ExistsOne => (2_u64.saturating_add(self.cost(&rest[0])?), 2),
            Macro::Filter => (13_u64.saturating_add(self.cost(&rest[0])?), 1),
            Macro::Map => {
                let filter = if filters { self.cost(&rest[0])? } else { 0 };
                let last = &rest[rest.len() - 1];
                let cost = self.cost(last)?;
                let value = self.known(last).or(Size::fixed(0));
                self.entries.insert(expr, Entries { is_list: true, key: Size::fixed(1), value });
                ((1 + 1 + NEW_LIST).saturating_add(cost).saturating_add(filter), 1)
            }
            _ => return None,
        };
        if which == Macro::Filter {
            self.cost(&args[0])?;
            let value = self.known(&args[0]).or(Size::fixed(0));
            self.entries.insert(expr, Entries { is_list: true, key: Size::fixed(1), value });
        }
        self.locals.pop();
        let size = self.known(target);
        let is_list = matches!(which, Macro::Filter | Macro::Map);
        self.sizes.insert(expr, if is_list { size } else { Size::fixed(1) });
        let start = if is_list { NEW_LIST } else { 0 };
        Some(range.saturating_add(start + result).saturating_add(size.most.saturating_mul(loop_cost)))
    }

    /// `o.optMap(x, t)` is `o.hasValue() ? optional.of(t) : optional.none()`, where x is `o.value()`.
    fn optional(&mut self, expr: &Expr, which: Macro, target: &Expr, name: &str, body: &Expr) -> Option<u64> {
        let of_target = self.cost(target)?.saturating_add(1);
        let ty = match self.ty(target) {
            Type::Optional(inner) => (*inner).clone(),
            _ => Type::Dyn,
        };
        let size = is_scalar(&ty).then_some(Size::fixed(1));
        self.locals.push(Local { name: name.to_owned(), way: Way::default(), ty, size });
        let of_body = self.cost(body)?;
        let body_size = self.size(body);
        self.locals.pop();
        let bound = NEW_LIST.saturating_add(of_target).saturating_add(of_body);
        let is_map = which == Macro::OptMap;
        let given = if is_map { bound.saturating_add(1) } else { bound };
        // The result may be empty, too, of whose size nothing is known but by its type.
        let by_type = is_scalar(&self.ty(expr)).then_some(Size::fixed(1));
        let some = if is_map { by_type } else { body_size };
        let size = some.unwrap_or(Size::UNKNOWN).or(by_type.unwrap_or(Size::UNKNOWN));
        self.sizes.insert(expr, size);
        Some(of_target.saturating_add(given.max(1)))
    }

    /// The variable of a macro: an item of a list, or a key of a map.
    fn item_of(&self, name: &str, range: &Expr) -> Local<'s> {
        let made = self.made(range);
        let ty = self.ty(range);
        let is_list = made.map_or(matches!(ty, Type::List(_)), |made| made.is_list);
        let way = self.way(range).then(if is_list { Step::Items } else { Step::Keys });
        let size = made.map(|made| if is_list { made.value } else { made.key });
        let ty = match ty {
            Type::List(item) => (*item).clone(),
            Type::Map(key, _) => (*key).clone(),
            _ => Type::Dyn,
        };
        Local { name: name.to_owned(), way, ty, size }
    }

    fn size_of_items(&self, list: &Operand<'_, 's>) -> Size {
        let way = (list.way.length > 0).then(|| {
            let mut steps = list.way.steps.borrow()[..list.way.length].to_vec();
            steps.push(Step::Items);
            steps
        });
        way.and_then(|steps| self.bound(&steps)).unwrap_or(Size::UNKNOWN)
    }

    fn local(&self, name: &str) -> Option<&Local<'s>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn ty(&self, expr: &Expr) -> Type<'s> {
        match &expr.kind {
            Kind::Ident(name) if self.local(name).is_some() => {
                self.local(name).map_or(Type::Dyn, |local| local.ty.clone())
            }
            _ => self.types.get(&std::ptr::from_ref(expr)).cloned().unwrap_or(Type::Dyn),
        }
    }

    fn way(&self, expr: &Expr) -> Way {
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

    fn made(&self, expr: &Expr) -> Option<Entries> {
        self.entries.get(&std::ptr::from_ref(expr)).copied()
    }

    fn copy(&mut self, to: &Expr, from: &Expr) {
        if let Some(size) = self.size(from) {
            self.sizes.insert(to, size);
        }
        if let Some(entries) = self.made(from) {
            self.entries.insert(to, entries);
        }
    }

    fn known(&mut self, expr: &Expr) -> Size {
        self.size(expr).unwrap_or(Size::UNKNOWN)
    }

    /// The size of a value: computed before, as it is written, by its schema, or by its type.
    fn size(&mut self, expr: &Expr) -> Option<Size> {
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
        let bound = if way.length == 0 { None } else { self.bound(&way.steps.borrow()[..way.length]) };
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

    /// What the schema says of the size of a value. The first step is the variable, whichever that is.
    fn bound(&self, way: &[Step]) -> Option<Size> {
        let mut bounds = self.root;
        for step in &way[1..] {
            bounds = bounds.below(step)?;
        }
        Some(Size { least: 0, most: bounds.most_elements(self.left) })
    }
}

fn is_scalar(ty: &Type<'_>) -> bool {
    match ty {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Optional(inner) => is_scalar(inner),
        _ => false,
    }
}

/// The length of a string in which parts are replaced.
fn replaced(text: Size, part: Size, with: Size) -> Size {
    let share = |length: u64, part: u64| (length as f64 / part as f64).ceil() as u64;
    let (most_parts, most_kept) = match part.least {
        0 => (text.most.saturating_add(1), text.most),
        least if with.most <= least => (0, text.most),
        least => (share(text.most, least), 0),
    };
    let (least_parts, least_kept) = match part.most {
        0 => (text.least.saturating_add(1), text.least),
        most if most <= with.least => (0, text.least),
        most => (share(text.least, most), 0),
    };
    let count = Size { least: least_parts, most: most_parts };
    count.times(with).plus(Size { least: least_kept, most: most_kept })
}
