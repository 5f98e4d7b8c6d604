//! What a plain scalar means to kubectl (`sigs.k8s.io/yaml`, YAML 1.1 with exceptions).

use crate::node::Value;

/// Reads a plain scalar as kubectl does. `None` for values it rejects: infinities and not-a-number.
pub(super) fn kubectl(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN"
        | ".NAN" => return None,
        _ => number(text).unwrap_or_else(|| text.into()),
    })
}

/// The value after kubectl's conversion to JSON: a float without a fraction becomes an integer.
pub(super) fn through_json(value: Value) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= WHOLE => Value::Int(number as i64),
        value => value,
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Ok(int) = text.parse::<i64>() {
        // A leading zero makes it octal, if its digits allow that.
        if !text.trim_start_matches(['+', '-']).starts_with('0') || int == 0 {
            return Some(Value::Int(int));
        }
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, &plain[..]),
    };
    let signed = |value: u64| {
        let value = i128::from(value) * if negative { -1 } else { 1 };
        i64::try_from(value).map_or(Value::Float(value as f64), Value::Int)
    };
    let lower = digits.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].iter().find_map(|(prefix, radix)| {
        let rest = lower.strip_prefix(prefix)?;
        (!rest.starts_with(['+', '-'])).then(|| u64::from_str_radix(rest, *radix).ok()).flatten()
    });
    if let Some(value) = radix {
        return Some(signed(value));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
        if digits.len() > 1
            && digits.starts_with('0')
            && let Ok(value) = u64::from_str_radix(digits, 8)
        {
            return Some(signed(value));
        }
        return digits
            .parse::<u64>()
            .map_or_else(|_| plain.parse().ok().map(Value::Float), |value| Some(signed(value)));
    }
    let decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = decimal.then(|| plain.parse().ok()).flatten()?;
    value.is_finite().then_some(Value::Float(value))
}

/// How readers differ on a plain scalar, as a label for the excerpt; without the value, which may be a secret.
///
/// `strict`: also report what only readers older than kubectl read as a number or a date.
pub(super) fn ambiguity(text: &str, kubectl: &Value, strict: bool) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.trim_start_matches(['+', '-']);
    match kubectl {
        Value::Bool(_) => {
            let core = matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE");
            (!core).then_some("kubectl reads a boolean, YAML 1.2 a string")
        }
        Value::Int(_) | Value::Float(_) if text.contains('_') => Some("kubectl reads a number, YAML 1.2 a string"),
        Value::Int(_) => match unsigned.as_bytes() {
            [b'0', b'b' | b'B' | b'X' | b'O', ..] => Some("kubectl reads a number, YAML 1.2 a string"),
            [b'0', b'x' | b'o', ..] if unsigned != text => Some("kubectl reads a number, YAML 1.2 a string"),
            [b'0', b'o', ..] if strict => Some("YAML 1.2 reads an octal number, YAML 1.1 a string"),
            [b'0', b'0'..=b'9', ..] => Some("kubectl reads an octal number, YAML 1.2 a decimal one"),
            _ => None,
        },
        Value::String(_) if strict => {
            let sexagesimal = text.contains(':') && unsigned.split(':').all(digits);
            let date = is_date(text);
            (sexagesimal || date).then_some("YAML 1.1 reads a number or a date, YAML 1.2 a string")
        }
        _ => None,
    }
}

/// Whether YAML 1.1 reads it as a date, with or without a time: `2026-01-31`, `2026-01-31T12:00:00Z`.
fn is_date(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (day, time) = rest.split_at(day);
    let timed =
        || time.strip_prefix(['T', 't', ' ']).is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2) && (time.is_empty() || timed())
}
