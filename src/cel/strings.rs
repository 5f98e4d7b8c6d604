//! The functions of strings: the standard library, the strings of `cel-go/ext` (version 2), and the regular expressions of Kubernetes.

use super::eval::{Failure, Machine};
use super::functions::{double, text_of, texts};
use super::time;
use super::value::Value;
use crate::schema::Pattern;

/// Calls a function whose receiver or first argument is a string.
pub(super) const NAMES: &[&str] = &[
    "charAt",
    "contains",
    "endsWith",
    "find",
    "findAll",
    "format",
    "indexOf",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "split",
    "startsWith",
    "strings.quote",
    "substring",
    "trim",
    "upperAscii",
];

type Evaluated<'v> = Result<Value<'v>, Failure>;

pub(super) fn call<'v>(machine: &mut Machine<'_, 'v>, name: &str, args: &[Value<'v>]) -> Evaluated<'v> {
    let Some((Value::String(text), rest)) = args.split_first() else { return Err(Failure::no_overload()) };
    let text = text.as_str();
    Ok(match (name, rest) {
        ("contains", [Value::String(part)]) => Value::Bool(text.contains(part.as_str())),
        ("startsWith", [Value::String(part)]) => Value::Bool(text.starts_with(part.as_str())),
        ("endsWith", [Value::String(part)]) => Value::Bool(text.ends_with(part.as_str())),
        ("matches", [Value::String(pattern)]) => Value::Bool(!found(machine, pattern, text, 1)?.is_empty()),
        ("find", [Value::String(pattern)]) => {
            Value::text(found(machine, pattern, text, 1)?.into_iter().next().unwrap_or_default())
        }
        ("findAll", [Value::String(pattern)]) => texts(found(machine, pattern, text, usize::MAX)?),
        ("findAll", [Value::String(pattern), Value::Int(most)]) => {
            texts(found(machine, pattern, text, usize::try_from(*most).unwrap_or(usize::MAX))?)
        }
        ("charAt", [Value::Int(at)]) => {
            let letters: Vec<char> = text.chars().collect();
            match usize::try_from(*at) {
                Ok(at) if at == letters.len() => Value::text(""),
                Ok(at) if at < letters.len() => Value::text(letters[at].to_string()),
                _ => return Err(Failure::error(format!("index out of range: {at}"))),
            }
        }
        ("indexOf", [Value::String(part), from @ ..]) => index_of(text, part, number(from)?, false)?,
        ("lastIndexOf", [Value::String(part), from @ ..]) => index_of(text, part, number(from)?, true)?,
        ("lowerAscii", []) => Value::text(text.to_ascii_lowercase()),
        ("upperAscii", []) => Value::text(text.to_ascii_uppercase()),
        ("trim", []) => Value::text(text.trim()),
        ("replace", [Value::String(old), Value::String(new), most @ ..]) => {
            let most = number(most)?.unwrap_or(-1);
            let count = (text.matches(old.as_str()).count() as u64).min(u64::try_from(most).unwrap_or(u64::MAX));
            machine.charge(count.saturating_mul(new.len() as u64) / 8)?;
            Value::text(match usize::try_from(most) {
                Ok(most) => text.replacen(old.as_str(), new, most),
                Err(_) => text.replace(old.as_str(), new),
            })
        }
        ("split", [Value::String(separator), most @ ..]) => split(text, separator, number(most)?.unwrap_or(-1)),
        ("substring", [Value::Int(start), end @ ..]) => {
            let letters: Vec<char> = text.chars().collect();
            let end = number(end)?.unwrap_or(letters.len() as i64);
            let range = usize::try_from(*start).ok().zip(usize::try_from(end).ok());
            match range.and_then(|(start, end)| letters.get(start..end)) {
                Some(part) => Value::text(part.iter().collect::<String>()),
                None => return Err(Failure::error(format!("invalid substring range. start: {start}, end: {end}"))),
            }
        }
        ("strings.quote", []) => Value::text(quoted(text)),
        ("format", [list]) => format(machine, text, list)?,
        _ => return Err(Failure::no_overload()),
    })
}

fn number(args: &[Value<'_>]) -> Result<Option<i64>, Failure> {
    match args {
        [] => Ok(None),
        [Value::Int(number)] => Ok(Some(*number)),
        _ => Err(Failure::no_overload()),
    }
}

/// The first matches of a pattern in a string.
fn found(machine: &mut Machine<'_, '_>, pattern: &str, text: &str, most: usize) -> Result<Vec<String>, Failure> {
    if let Err(fault) = crate::kube::go_regexp::check(pattern) {
        return Err(Failure::error(format!("error parsing regexp: {fault}")));
    }
    let unsupported = |_| Failure::unsupported(format!("the pattern `{pattern}`"));
    if ["\\p", "\\P", "\\Q", "\\C", "(?U"].iter().any(|form| pattern.contains(form)) {
        return Err(unsupported(()));
    }
    let compiled = Pattern::new(pattern).map_err(|_| unsupported(()))?;
    machine.charge((text.len() as u64 + 1).saturating_mul(compiled.size() as u64) / 4096 + pattern.len() as u64)?;
    Ok(compiled.find_all(text, most))
}

/// The index of a substring, in characters.
fn index_of<'v>(text: &str, part: &str, from: Option<i64>, last: bool) -> Evaluated<'v> {
    let letters = text.chars().count() as i64;
    let from = from.unwrap_or(if last { letters } else { 0 });
    if from < 0 || from > letters {
        return Err(Failure::error(format!("index out of range: {from}")));
    }
    let byte = text.char_indices().nth(from as usize).map_or(text.len(), |(at, _)| at);
    let found = if last {
        let end = (byte + part.len()).min(text.len());
        let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        text[..end].rfind(part)
    } else {
        text[byte..].find(part).map(|at| byte + at)
    };
    Ok(Value::Int(found.map_or(-1, |at| text[..at].chars().count() as i64)))
}

fn split<'v>(text: &str, separator: &str, most: i64) -> Value<'v> {
    if most == 0 {
        return texts([]);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if !separator.is_empty() {
        return texts(text.splitn(most, separator).map(str::to_owned));
    }
    let mut parts: Vec<String> = text.chars().map(String::from).collect();
    if parts.len() > most {
        let rest = parts.split_off(most - 1).concat();
        parts.push(rest);
    }
    texts(parts)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// `'%s and %d'.format([a, b])`.
fn format<'v>(machine: &mut Machine<'_, 'v>, pattern: &str, list: &Value<'v>) -> Evaluated<'v> {
    let items = list.items()?;
    let (mut made, mut next, mut rest) = (String::new(), 0, pattern);
    while let Some(at) = rest.find('%') {
        made.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            made.push('%');
            rest = after;
            continue;
        }
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            precision = after[..digits].parse::<usize>().ok().filter(|digits| *digits < 64);
            rest = &after[digits..];
        }
        let verb = rest.chars().next().ok_or_else(|| Failure::error("unexpected end of format string"))?;
        rest = &rest[verb.len_utf8()..];
        let item = items.get(next).ok_or_else(|| Failure::error(format!("index {next} out of range")))?;
        next += 1;
        machine.charge(item.size())?;
        made.push_str(&formatted(verb, precision, item)?);
    }
    made.push_str(rest);
    machine.charge(made.len() as u64 / 8)?;
    Ok(Value::text(made))
}

fn formatted(verb: char, precision: Option<usize>, item: &Value<'_>) -> Result<String, Failure> {
    let wrong = || Failure::error(format!("unrecognized formatting clause \"{verb}\" for {}", item.type_name()));
    Ok(match (verb, item) {
        ('s', _) => written(item)?,
        ('d', Value::Int(number)) => number.to_string(),
        ('d', Value::Uint(number)) => number.to_string(),
        ('f', Value::Double(number)) => format!("{number:.*}", precision.unwrap_or(6)),
        ('f', Value::Int(number)) => format!("{:.*}", precision.unwrap_or(6), *number as f64),
        ('b', Value::Bool(value)) => u8::from(*value).to_string(),
        ('b', Value::Int(number)) if *number < 0 => format!("-{:b}", number.unsigned_abs()),
        ('b', Value::Int(number)) => format!("{number:b}"),
        ('b', Value::Uint(number)) => format!("{number:b}"),
        ('o', Value::Int(number)) if *number < 0 => format!("-{:o}", number.unsigned_abs()),
        ('o', Value::Int(number)) => format!("{number:o}"),
        ('o', Value::Uint(number)) => format!("{number:o}"),
        ('x', Value::Int(number)) if *number < 0 => format!("-{:x}", number.unsigned_abs()),
        ('x', Value::Int(number)) => format!("{number:x}"),
        ('x', Value::Uint(number)) => format!("{number:x}"),
        ('X', Value::Int(number)) if *number < 0 => format!("-{:X}", number.unsigned_abs()),
        ('X', Value::Int(number)) => format!("{number:X}"),
        ('X', Value::Uint(number)) => format!("{number:X}"),
        ('x', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('x', Value::Bytes(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ('e', _) => return Err(Failure::unsupported("the formatting clause `%e`")),
        _ => return Err(wrong()),
    })
}

/// A value as formatted by `%s`.
fn written(value: &Value<'_>) -> Result<String, Failure> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Double(number) => double(*number)?,
        Value::Type(name) => (*name).to_owned(),
        Value::Duration(nanos) => time::write_duration(*nanos),
        value if value.is_list() => {
            let items: Result<Vec<String>, Failure> = value.items()?.iter().map(written).collect();
            format!("[{}]", items?.join(", "))
        }
        value if value.is_map() => {
            let entries = value.entries()?;
            let pairs = entries.iter().map(|(key, value)| Ok(format!("{}: {}", written(key)?, written(value)?)));
            let mut pairs: Vec<String> = pairs.collect::<Result<_, Failure>>()?;
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        value => text_of(value)?,
    })
}
