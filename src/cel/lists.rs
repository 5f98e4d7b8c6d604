//! The functions of lists: those of Kubernetes, and the lists (version 3) and sets of `cel-go/ext`.

use std::cmp::Ordering;

use super::eval::{Failure, Machine};
use super::functions::sort_by_key;
use super::value::Value;

pub(super) const NAMES: &[&str] = &[
    "distinct",
    "first",
    "flatten",
    "indexOf",
    "isSorted",
    "join",
    "last",
    "lastIndexOf",
    "max",
    "min",
    "reverse",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "slice",
    "sort",
    "sum",
];

/// The maximum length of a list that `lists.range` returns.
const LONGEST: i64 = 100_000;

type Evaluated<'v> = Result<Value<'v>, Failure>;

pub(super) fn call<'v>(machine: &mut Machine<'_, 'v>, name: &str, args: &[Value<'v>]) -> Evaluated<'v> {
    if let ("lists.range", [Value::Int(count)]) = (name, args) {
        if *count > LONGEST {
            return Err(Failure::Spent);
        }
        machine.charge(u64::try_from(*count).unwrap_or(0))?;
        return Ok(Value::list((0..*count).map(Value::Int).collect()));
    }
    let (first, rest) = args.split_first().ok_or_else(Failure::no_overload)?;
    let items = first.items()?;
    Ok(match (name, rest) {
        ("isSorted", []) => {
            for pair in items.windows(2) {
                if pair[0].order(&pair[1])? == Some(Ordering::Greater) {
                    return Ok(Value::Bool(false));
                }
            }
            Value::Bool(true)
        }
        ("sum", []) => sum(&items)?,
        ("min" | "max", []) => {
            let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
            let mut best = items.first().ok_or_else(|| Failure::error(format!("{name} called on empty list")))?;
            for item in items.iter() {
                if item.order(best)? == Some(wanted) {
                    best = item;
                }
            }
            best.clone()
        }
        ("indexOf" | "lastIndexOf", [wanted]) => {
            let mut found = -1;
            for (at, item) in items.iter().enumerate() {
                if item.equals(wanted)? && (found < 0 || name == "lastIndexOf") {
                    found = at as i64;
                }
            }
            Value::Int(found)
        }
        ("join", rest) => {
            let separator = match rest {
                [] => "",
                [Value::String(separator)] => separator.as_str(),
                _ => return Err(Failure::no_overload()),
            };
            let texts: Option<Vec<&str>> = items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            machine.charge((separator.len() * items.len()) as u64 / 8)?;
            Value::text(texts.ok_or_else(Failure::no_overload)?.join(separator))
        }
        ("slice", [Value::Int(start), Value::Int(end)]) => {
            let range = usize::try_from(*start).ok().zip(usize::try_from(*end).ok());
            match range.and_then(|(start, end)| items.get(start..end)) {
                Some(part) => Value::list(part.to_vec()),
                None => {
                    return Err(Failure::error(format!("cannot slice({start}, {end}), list has size {}", items.len())));
                }
            }
        }
        ("flatten", rest) => {
            let depth = match rest {
                [] => 1,
                [Value::Int(depth)] if *depth >= 0 => *depth,
                _ => return Err(Failure::error("level must be non-negative")),
            };
            let mut flat = Vec::new();
            flatten(&items, depth.min(64), &mut flat)?;
            Value::list(flat)
        }
        ("distinct", []) => {
            machine.charge((items.len() as u64).saturating_mul(first.size()) / 2)?;
            let mut distinct: Vec<Value<'v>> = Vec::new();
            for item in items.iter() {
                if !holds(&distinct, item)? {
                    distinct.push(item.clone());
                }
            }
            Value::list(distinct)
        }
        ("reverse", []) => Value::list(items.iter().rev().cloned().collect()),
        ("sort", []) => {
            let mut pairs: Vec<(Value<'v>, Value<'v>)> =
                items.iter().map(|item| (item.clone(), item.clone())).collect();
            sort_by_key(&mut pairs)?;
            Value::list(pairs.into_iter().map(|(_, item)| item).collect())
        }
        ("first", []) => items.first().map_or(Value::Optional(None), |item| Value::some(item.clone())),
        ("last", []) => items.last().map_or(Value::Optional(None), |item| Value::some(item.clone())),
        (_, [other]) if name.starts_with("sets.") => {
            machine.charge((items.len() as u64).saturating_mul(other.size()))?;
            let other = other.items()?;
            Value::Bool(match name {
                "sets.contains" => holds_all(&items, &other)?,
                "sets.equivalent" => holds_all(&items, &other)? && holds_all(&other, &items)?,
                _ => {
                    let mut any = false;
                    for item in items.iter() {
                        any |= holds(&other, item)?;
                    }
                    any
                }
            })
        }
        _ => return Err(Failure::no_overload()),
    })
}

fn sum<'v>(items: &[Value<'v>]) -> Evaluated<'v> {
    let overflow = || Failure::error("integer overflow");
    // The sum of no items is the zero of their type, which equals an integer 0.
    let Some(first) = items.first() else { return Ok(Value::Int(0)) };
    let mut total = first.clone();
    for item in &items[1..] {
        total = match (&total, item) {
            (Value::Int(one), Value::Int(two)) => Value::Int(one.checked_add(*two).ok_or_else(overflow)?),
            (Value::Uint(one), Value::Uint(two)) => Value::Uint(one.checked_add(*two).ok_or_else(overflow)?),
            (Value::Double(one), Value::Double(two)) => Value::Double(one + two),
            (Value::Duration(one), Value::Duration(two)) => {
                Value::Duration(one.checked_add(*two).ok_or_else(overflow)?)
            }
            _ => return Err(Failure::no_overload()),
        };
    }
    Ok(total)
}

fn flatten<'v>(items: &[Value<'v>], depth: i64, flat: &mut Vec<Value<'v>>) -> Result<(), Failure> {
    for item in items {
        if item.is_list() && depth > 0 {
            flatten(&item.items()?, depth - 1, flat)?;
        } else {
            flat.push(item.clone());
        }
    }
    Ok(())
}

fn holds<'v>(items: &[Value<'v>], wanted: &Value<'v>) -> Result<bool, Failure> {
    for item in items {
        if item.equals(wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds_all<'v>(items: &[Value<'v>], wanted: &[Value<'v>]) -> Result<bool, Failure> {
    for item in wanted {
        if !holds(items, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}
