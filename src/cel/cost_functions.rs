//! The costs of functions.

use super::ast::{Expr, Kind};
use super::cost::{Estimate, Operand};
use super::library::Signature;
use super::size::{LONGEST_FORMAT, NEW_LIST, PATTERN_LENGTH, Size, TRAVERSAL, replaced, scaled};
use super::types::Type;

impl<'s> Estimate<'_, 's> {
    /// The cost of a function with one of its signatures, and the size of its result if that is known.
    pub(super) fn signature(
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
            // The libraries of Kubernetes.
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
            // The standard library.
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
            // As a function of two arguments it has the default cost.
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
            // Lists.
            "slice" => {
                let (start, end) = (literal(&args[0]).unwrap_or(0), literal(&args[1]).unwrap_or(of_target.most));
                Some(new_list(1.0, Size::fixed(end.wrapping_sub(start))))
            }
            "lists.range" => Some(new_list(1.0, Size::fixed(literal(&args[0]).unwrap_or(u64::MAX)))),
            "reverse" => Some(new_list(1.0, of_target)),
            "flatten" => {
                let depth = args.first().map_or(1, |depth| literal(depth).unwrap_or(u64::MAX));
                Some(new_list(depth as f64, of_target))
            }
            "distinct" => Some(new_list(2.0, of_target.times(of_target))),
            "sort" => Some(sorted(of_target, on.strip_prefix("list<").is_some_and(is_text))),
            "join" | "check" | "fieldSelector" | "labelSelector" => None,
            _ => Some((1, None)),
        }
    }
}

/// The value of an integer literal.
fn literal(operand: &Operand<'_, '_>) -> Option<u64> {
    match &operand.expr.kind {
        Kind::Int(number) => Some(u64::try_from(*number).unwrap_or(0)),
        _ => None,
    }
}

/// The cost of a function that returns a list, and the size of the list.
fn new_list(factor: f64, size: Size) -> (u64, Option<Size>) {
    (size.cost(factor).saturating_add(1 + NEW_LIST), Some(size))
}

/// The cost of sorting a list, in which each key is compared with each; the API server also uses it as the size of the result.
pub(super) fn sorted(size: Size, of_texts: bool) -> (u64, Option<Size>) {
    new_list(if of_texts { 2.0 + TRAVERSAL } else { 2.0 }, size.times(size))
}

/// Whether a type of the tables is a string or bytes.
fn is_text(ty: &str) -> bool {
    ty.starts_with("string") || ty.starts_with("bytes")
}
