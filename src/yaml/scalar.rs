//! What a plain scalar means to kubectl (`sigs.k8s.io/yaml`, YAML 1.1 with exceptions).

use crate::node::Value;

/// Reads a plain scalar as kubectl does. `None` for what it refuses: infinities and not-a-number.
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

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Ok(int) = text.parse::<i64>() {
        // A leading zero makes it octal, where it can be.
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
        if digits.len() > 1 && digits.starts_with('0') {
            if let Ok(value) = u64::from_str_radix(digits, 8) {
                return Some(signed(value));
            }
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
