//! Comparison as JSON Schema defines it: `1` and `1.0` are equal, and the order of keys does not matter.

use std::cmp::Ordering;

use crate::node::{Entry, Node, Value};

/// Whether two values are equal.
pub(super) fn equal(a: &Node, b: &Node) -> bool {
    order(a, b) == Ordering::Equal
}

/// An arbitrary total order in which values are equal if they are in JSON Schema.
pub(super) fn order(a: &Node, b: &Node) -> Ordering {
    match (&a.value, &b.value) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => numbers(a, b),
        (Value::Sequence(a), Value::Sequence(b)) => {
            a.len().cmp(&b.len()).then_with(|| first(a.iter().zip(b).map(|(a, b)| order(a, b))))
        }
        (Value::Mapping(one), Value::Mapping(other)) => one.len().cmp(&other.len()).then_with(|| {
            let (a, b) = (sorted(a), sorted(b));
            let pairs = a.iter().zip(&b);
            first(pairs.map(|(a, b)| a.key.cmp(&b.key).then_with(|| order(&a.value, &b.value))))
        }),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn sorted(node: &Node) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = node.entries().iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

fn first(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

const fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::String(_) => 3,
        Value::Sequence(_) => 4,
        Value::Mapping(_) => 5,
    }
}

/// Compares two numbers without rounding. Other values are equal to everything.
pub(super) fn numbers(a: &Node, b: &Node) -> Ordering {
    match (&a.value, &b.value) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
        (Value::Int(a), Value::Float(b)) => int_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => int_float(*b, *a).reverse(),
        _ => Ordering::Equal,
    }
}

fn int_float(int: i64, float: f64) -> Ordering {
    // The conversion saturates beyond 128 bits, where only the sign matters; the fraction breaks the tie.
    let whole = i128::from(int).cmp(&(float as i128));
    whole.then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

/// Whether a number is a multiple of another in decimal notation: 0.3 is a multiple of 0.1.
pub(super) fn is_multiple(number: &Node, of: &Node) -> bool {
    let (Some((a, a_scale)), Some((b, b_scale))) = (decimal(number), decimal(of)) else {
        return match (number.as_f64(), of.as_f64()) {
            (Some(number), Some(of)) => (number / of).fract() == 0.0,
            _ => true,
        };
    };
    let scale = a_scale.max(b_scale);
    let scaled = |value: i128, own: u32| value.checked_mul(10_i128.checked_pow(scale - own)?);
    match (scaled(a, a_scale), scaled(b, b_scale)) {
        (Some(a), Some(b)) if b != 0 => a % b == 0,
        _ => false,
    }
}

/// The digits of a number, and how many of them follow the decimal point.
fn decimal(node: &Node) -> Option<(i128, u32)> {
    match node.value {
        Value::Int(number) => Some((i128::from(number), 0)),
        Value::Float(number) => {
            let text = format!("{number}");
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            Some((format!("{whole}{fraction}").parse().ok()?, fraction.len() as u32))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn node(value: Value) -> Node {
        Node::new(value, Span::NONE)
    }

    #[test]
    fn numbers_compare_without_rounding() {
        let big = 9_007_199_254_740_993_i64;
        assert_eq!(numbers(&node(Value::Int(big)), &node(Value::Float(9_007_199_254_740_992.0))), Ordering::Greater);
        assert_eq!(numbers(&node(Value::Int(-1)), &node(Value::Float(-0.5))), Ordering::Less);
        assert_eq!(numbers(&node(Value::Float(-0.5)), &node(Value::Int(0))), Ordering::Less);
        assert_eq!(numbers(&node(Value::Float(1e300)), &node(Value::Int(i64::MAX))), Ordering::Greater);
        assert!(equal(&node(Value::Int(1)), &node(Value::Float(1.0))));
        assert!(equal(&node(Value::Float(-0.0)), &node(Value::Float(0.0))));
        assert!(equal(&node(Value::Float(0.0)), &node(Value::Float(-0.0))));
    }

    #[test]
    fn multiples_are_decimal() {
        for (number, of, is) in [(0.3, 0.1, true), (0.35, 0.1, false), (1e20, 3.0, false), (9.0, 3.0, true)] {
            assert_eq!(is_multiple(&node(Value::Float(number)), &node(Value::Float(of))), is, "{number} of {of}");
        }
        assert!(is_multiple(&node(Value::Int(6)), &node(Value::Float(1.5))));
    }
}
