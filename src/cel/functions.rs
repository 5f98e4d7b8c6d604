//! The functions of expressions: the standard library, and the dispatch to the others.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::Operator;
use super::eval::{Failure, Machine, overflow};
use super::value::{Value, find};
use super::{kubernetes, lists, strings, time};
use crate::kube::ListKind;

type Evaluated<'v> = Result<Value<'v>, Failure>;

/// Applies an operator other than `&&` and `||`.
pub(super) fn operator<'v>(
    machine: &mut Machine<'_, 'v>,
    operator: Operator,
    left: &Value<'v>,
    right: &Value<'v>,
) -> Evaluated<'v> {
    let ordered = |wanted: fn(Ordering) -> bool| Ok(Value::Bool(left.order(right)?.is_some_and(wanted)));
    match operator {
        Operator::Equal | Operator::NotEqual => {
            machine.charge(left.size().min(right.size()))?;
            Ok(Value::Bool(left.equals(right)? == (operator == Operator::Equal)))
        }
        Operator::Less => ordered(Ordering::is_lt),
        Operator::LessOrEqual => ordered(Ordering::is_le),
        Operator::Greater => ordered(Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(Ordering::is_ge),
        Operator::In => contains(machine, left, right),
        Operator::Add => add(machine, left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply | Operator::Divide | Operator::Modulo => arithmetic(operator, left, right),
        Operator::And | Operator::Or => Err(Failure::no_overload()),
    }
}

fn contains<'v>(machine: &mut Machine<'_, 'v>, item: &Value<'v>, range: &Value<'v>) -> Evaluated<'v> {
    machine.charge(range.size())?;
    if range.is_list() {
        for known in range.items()?.iter() {
            if known.equals(item)? {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    if let Value::String(key) = item {
        return Ok(Value::Bool(range.field(key)?.is_some()));
    }
    Ok(Value::Bool(find(&range.entries()?, item)?.is_some()))
}

fn add<'v>(machine: &mut Machine<'_, 'v>, left: &Value<'v>, right: &Value<'v>) -> Evaluated<'v> {
    Ok(match (left, right) {
        (Value::Int(one), Value::Int(two)) => Value::Int(one.checked_add(*two).ok_or_else(overflow)?),
        (Value::Uint(one), Value::Uint(two)) => {
            Value::Uint(one.checked_add(*two).ok_or_else(|| Failure::error("unsigned integer overflow"))?)
        }
        (Value::Double(one), Value::Double(two)) => Value::Double(one + two),
        (Value::String(one), Value::String(two)) => {
            machine.charge((one.len() + two.len()) as u64 / 8)?;
            Value::text(format!("{one}{two}"))
        }
        (Value::Bytes(one), Value::Bytes(two)) => {
            machine.charge((one.len() + two.len()) as u64 / 8)?;
            Value::Bytes([&**one, &**two].concat().into())
        }
        (Value::Timestamp(at), Value::Duration(nanos)) | (Value::Duration(nanos), Value::Timestamp(at)) => {
            Value::Timestamp(time::Timestamp(at.0 + i128::from(*nanos)))
        }
        (Value::Duration(one), Value::Duration(two)) => Value::Duration(one.checked_add(*two).ok_or_else(overflow)?),
        (one, two) if one.is_list() && two.is_list() => {
            let (lengths, sizes) = ((one.items()?.len(), two.items()?.len()), one.size() + two.size());
            let pairs = if one.list_kind() == ListKind::Atomic { 0 } else { lengths.0 * lengths.1 };
            machine.charge(sizes + pairs as u64)?;
            one.joined(two)?
        }
        _ => return Err(Failure::no_overload()),
    })
}

fn subtract<'v>(left: &Value<'v>, right: &Value<'v>) -> Evaluated<'v> {
    Ok(match (left, right) {
        (Value::Int(one), Value::Int(two)) => Value::Int(one.checked_sub(*two).ok_or_else(overflow)?),
        (Value::Uint(one), Value::Uint(two)) => {
            Value::Uint(one.checked_sub(*two).ok_or_else(|| Failure::error("unsigned integer overflow"))?)
        }
        (Value::Double(one), Value::Double(two)) => Value::Double(one - two),
        (Value::Timestamp(one), Value::Timestamp(two)) => {
            Value::Duration(i64::try_from(one.0 - two.0).map_err(|_| overflow())?)
        }
        (Value::Timestamp(at), Value::Duration(nanos)) => Value::Timestamp(time::Timestamp(at.0 - i128::from(*nanos))),
        (Value::Duration(one), Value::Duration(two)) => Value::Duration(one.checked_sub(*two).ok_or_else(overflow)?),
        _ => return Err(Failure::no_overload()),
    })
}

fn arithmetic<'v>(operator: Operator, left: &Value<'v>, right: &Value<'v>) -> Evaluated<'v> {
    let is_zero = matches!(right, Value::Int(0) | Value::Uint(0));
    match operator {
        Operator::Divide if is_zero => return Err(Failure::error("division by zero")),
        Operator::Modulo if is_zero => return Err(Failure::error("modulus by zero")),
        _ => {}
    }
    Ok(match (operator, left, right) {
        (Operator::Multiply, Value::Int(one), Value::Int(two)) => {
            Value::Int(one.checked_mul(*two).ok_or_else(overflow)?)
        }
        (Operator::Divide, Value::Int(one), Value::Int(two)) => Value::Int(one.checked_div(*two).ok_or_else(overflow)?),
        (Operator::Modulo, Value::Int(one), Value::Int(two)) => Value::Int(one.checked_rem(*two).ok_or_else(overflow)?),
        (Operator::Multiply, Value::Uint(one), Value::Uint(two)) => {
            Value::Uint(one.checked_mul(*two).ok_or_else(overflow)?)
        }
        (Operator::Divide, Value::Uint(one), Value::Uint(two)) => Value::Uint(one / two),
        (Operator::Modulo, Value::Uint(one), Value::Uint(two)) => Value::Uint(one % two),
        (Operator::Multiply, Value::Double(one), Value::Double(two)) => Value::Double(one * two),
        (Operator::Divide, Value::Double(one), Value::Double(two)) => Value::Double(one / two),
        _ => return Err(Failure::no_overload()),
    })
}

/// Calls a function; a receiver is the first argument.
pub(super) fn call<'v>(machine: &mut Machine<'_, 'v>, name: &str, args: &[Value<'v>]) -> Evaluated<'v> {
    match (name, args) {
        ("size", [value]) => size(value),
        ("type", [value]) => Ok(Value::Type(value.type_name())),
        ("dyn", [value]) => Ok(value.clone()),
        ("bool" | "bytes" | "double" | "int" | "uint" | "string" | "timestamp" | "duration", [value]) => {
            convert(name, value)
        }
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) => {
            Ok(if is_zero(value)? { Value::Optional(None) } else { Value::some(value.clone()) })
        }
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("hasValue", [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        ("value", [Value::Optional(inner)]) => {
            inner.as_ref().map(|inner| (**inner).clone()).ok_or_else(|| Failure::error("optional.none() dereference"))
        }
        ("or", [Value::Optional(inner), other]) => Ok(if inner.is_some() { args[0].clone() } else { other.clone() }),
        ("orValue", [Value::Optional(inner), other]) => {
            Ok(inner.as_ref().map_or_else(|| other.clone(), |inner| (**inner).clone()))
        }
        (_, [Value::Timestamp(_) | Value::Duration(_), ..]) if name.starts_with("get") => part_of_time(name, args),
        (_, [Value::String(_), ..]) if strings::NAMES.contains(&name) => strings::call(machine, name, args),
        _ if lists::NAMES.contains(&name) && args.iter().any(Value::is_list) || name == "lists.range" => {
            lists::call(machine, name, args)
        }
        _ => kubernetes::call(name, args),
    }
}

fn size<'v>(value: &Value<'v>) -> Evaluated<'v> {
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        value if value.is_list() => value.items()?.len(),
        value => value.entries()?.len(),
    };
    Ok(Value::Int(size as i64))
}

fn is_zero(value: &Value<'_>) -> Result<bool, Failure> {
    Ok(match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
        Value::Double(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        value if value.is_list() => value.items()?.is_empty(),
        value if value.is_map() => value.entries()?.is_empty(),
        _ => false,
    })
}

/// Converts a value to another type.
fn convert<'v>(name: &str, value: &Value<'v>) -> Evaluated<'v> {
    let range = || Failure::error("integer overflow");
    let syntax = || Failure::error(format!("type conversion error from 'string' to '{name}'"));
    Ok(match (name, value) {
        ("bool", Value::Bool(_))
        | ("bytes", Value::Bytes(_))
        | ("double", Value::Double(_))
        | ("int", Value::Int(_))
        | ("uint", Value::Uint(_))
        | ("string", Value::String(_))
        | ("timestamp", Value::Timestamp(_))
        | ("duration", Value::Duration(_)) => value.clone(),
        ("bool", Value::String(text)) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            _ => return Err(syntax()),
        },
        ("bytes", Value::String(text)) => Value::Bytes(text.as_bytes().into()),
        ("double", Value::Int(number)) => Value::Double(*number as f64),
        ("double", Value::Uint(number)) => Value::Double(*number as f64),
        ("double", Value::String(text)) => Value::Double(text.parse().map_err(|_| syntax())?),
        ("int", Value::Uint(number)) => Value::Int(i64::try_from(*number).map_err(|_| range())?),
        ("int", Value::Double(number)) if number.abs() < 9.223_372_036_854_775e18 => Value::Int(*number as i64),
        ("int", Value::String(text)) => Value::Int(text.parse().map_err(|_| syntax())?),
        ("int", Value::Timestamp(at)) => Value::Int(at.0.div_euclid(1_000_000_000) as i64),
        ("int", Value::Duration(nanos)) => Value::Int(*nanos),
        ("uint", Value::Int(number)) => Value::Uint(u64::try_from(*number).map_err(|_| range())?),
        ("uint", Value::Double(number)) if (0.0..1.844_674_407_370_955e19).contains(number) => {
            Value::Uint(*number as u64)
        }
        ("uint", Value::String(text)) => Value::Uint(text.parse().map_err(|_| syntax())?),
        ("int" | "uint", Value::Double(_)) => return Err(range()),
        ("string", value) => Value::text(text_of(value)?),
        ("timestamp", Value::String(text)) => Value::Timestamp(time::timestamp(text).ok_or_else(syntax)?),
        ("timestamp", Value::Int(seconds)) => Value::Timestamp(time::Timestamp(i128::from(*seconds) * 1_000_000_000)),
        ("duration", Value::String(text)) => Value::Duration(time::duration(text).ok_or_else(syntax)?),
        ("duration", Value::Int(nanos)) => Value::Duration(*nanos),
        _ => return Err(Failure::no_overload()),
    })
}

/// The result of `string`.
pub(super) fn text_of(value: &Value<'_>) -> Result<String, Failure> {
    Ok(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => double(*number)?,
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| Failure::error("invalid UTF-8 in bytes, cannot convert to string"))?,
        Value::Timestamp(at) => at.write(),
        Value::Duration(nanos) => time::write_duration(*nanos),
        Value::Ip(address) => address.to_string(),
        Value::Cidr(cidr) => format!("{}/{}", cidr.address, cidr.prefix),
        _ => return Err(Failure::no_overload()),
    })
}

/// A number in Go's shortest format; formats with an exponent are not implemented.
pub(super) fn double(number: f64) -> Result<String, Failure> {
    let size = number.abs();
    if number.is_nan() || size.is_infinite() || size != 0.0 && !(1e-4..1e21).contains(&size) {
        return Err(Failure::unsupported("the string form of a number with an exponent"));
    }
    Ok(number.to_string())
}

fn part_of_time<'v>(name: &str, args: &[Value<'v>]) -> Evaluated<'v> {
    let number = match args {
        [Value::Duration(nanos)] => {
            let unit = match name {
                "getHours" => 3_600_000_000_000,
                "getMinutes" => 60_000_000_000,
                "getSeconds" => 1_000_000_000,
                "getMilliseconds" => 1_000_000,
                _ => return Err(Failure::no_overload()),
            };
            nanos / unit
        }
        [Value::Timestamp(at), zone @ ..] => {
            let zone = match zone {
                [Value::String(zone)] => zone.as_str(),
                _ => "",
            };
            let offset = time::offset(zone).ok_or_else(|| Failure::unsupported(format!("the time zone `{zone}`")))?;
            let parts = at.parts(offset);
            match name {
                "getFullYear" => parts.year,
                "getMonth" => parts.month - 1,
                "getDate" => parts.day,
                "getDayOfMonth" => parts.day - 1,
                "getDayOfWeek" => parts.weekday,
                "getDayOfYear" => parts.day_of_year,
                "getHours" => parts.hour,
                "getMinutes" => parts.minute,
                "getSeconds" => parts.second,
                _ => parts.nanos / 1_000_000,
            }
        }
        _ => return Err(Failure::no_overload()),
    };
    Ok(Value::Int(number))
}

/// Sorts pairs by their keys, which must be of one comparable type.
pub(super) fn sort_by_key<'v>(pairs: &mut [(Value<'v>, Value<'v>)]) -> Result<(), Failure> {
    for pair in pairs.windows(2) {
        pair[0].0.order(&pair[1].0)?;
    }
    pairs.sort_by(|one, two| one.0.order(&two.0).ok().flatten().unwrap_or(Ordering::Equal));
    Ok(())
}

/// A list of strings.
pub(super) fn texts<'v>(texts: impl IntoIterator<Item = String>) -> Value<'v> {
    Value::List(Rc::new(texts.into_iter().map(Value::text).collect()))
}
