//! Strings that Go's decoder converts: base64, times, durations.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Decodes base64 as Go's `base64.StdEncoding` does: with padding, ignoring line breaks and trailing bits. `None` if it is
/// invalid.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    const GO: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    match text.contains(['\r', '\n']) {
        true => GO.decode(text.replace(['\r', '\n'], "")).ok(),
        false => GO.decode(text).ok(),
    }
}

/// Encodes bytes in base64, as the API server writes the data of a Secret.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Whether Go's `time.Parse` accepts it as an RFC 3339 time. `micro` requires exactly six fractional digits, as `MicroTime`
/// does.
pub(crate) fn time(text: &str, micro: bool) -> bool {
    parse_time(text, micro).is_some_and(str::is_empty)
}

/// Whether it is an RFC 3339 time.
pub(crate) fn is_time(text: &str) -> bool {
    time(text, false)
}

/// The rest of the string after a time; `None` if it does not start with one.
fn parse_time(text: &str, micro: bool) -> Option<&str> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let rest = rest.strip_prefix('T')?;
    // Go accepts an hour of one digit.
    let (hour, rest) = digits(rest, 2).or_else(|| digits(rest, 1))?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, mut rest) = digits(rest.strip_prefix(':')?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 || (micro && length != 6) {
            return None;
        }
        rest = &fraction[length..];
    } else if micro {
        return None;
    }
    if let Some(rest) = rest.strip_prefix('Z') {
        return Some(rest);
    }
    let (hours, rest) = digits(rest.strip_prefix(['+', '-'])?, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    // Go accepts an offset of 24 hours or 60 minutes.
    (hours <= 24 && minutes <= 60).then_some(rest)
}

fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let head = text.get(..count)?;
    let number = head.bytes().all(|byte| byte.is_ascii_digit()).then(|| head.parse().ok()).flatten()?;
    Some((number, &text[count..]))
}

/// A duration such as `1h30m`, `-1.5s` or `0` in nanoseconds, as Go's `time.ParseDuration` parses it. `None` if it is invalid
/// or longer than about 292 years.
#[must_use]
pub fn duration(text: &str) -> Option<i64> {
    const MAX: u64 = 1 << 63;
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let number: u64 = if whole.is_empty() { 0 } else { whole.parse().ok().filter(|number| *number <= MAX)? };
        let (fraction, after) = after
            .strip_prefix('.')
            .map_or(("", after), |after| after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, after) = after.split_at(after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len()));
        let unit: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        // Go ignores the digits that no longer fit.
        let (mut part, mut scale) = (0_u64, 1_f64);
        for digit in fraction.bytes().map(|byte| u64::from(byte - b'0')) {
            let Some(next) = (part <= (MAX - 1) / 10).then(|| part * 10 + digit).filter(|next| *next <= MAX) else {
                break;
            };
            (part, scale) = (next, scale * 10.0);
        }
        let part = number.checked_mul(unit)?.checked_add((part as f64 * (unit as f64 / scale)) as u64)?;
        sum = sum.checked_add(part).filter(|sum| *sum <= MAX)?;
        rest = after;
    }
    if negative { 0_i64.checked_sub_unsigned(sum) } else { i64::try_from(sum).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_as_in_go() {
        for text in ["", "YQ==", "YG==", "AAEC", "/abs", "10Gi", "YQ\n==\n", "YWI="] {
            assert!(decode_base64(text).is_some(), "{text}");
        }
        for text in
            ["YQ", "YQ=", "YQ==x", "AAECx", "====", "A===", "has space", "dot..dot", "a-b_", "YQ==YQ==", "AAEC=="]
        {
            assert!(decode_base64(text).is_none(), "{text}");
        }
        assert_eq!(decode_base64("eyJh\nIjoxfQ==\n"), Some(b"{\"a\":1}".to_vec()));
    }

    #[test]
    fn times_are_parsed_as_in_go() {
        for text in ["2024-02-29T23:59:59Z", "2024-01-01T1:00:00+01:00", "2024-01-01T00:00:00.5Z"] {
            assert!(time(text, false), "{text}");
        }
        for text in [
            "",
            "2023-02-29T00:00:00Z",
            "2024-01-01",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-13-01T00:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00Zx",
            "ü024-01-01T00:00:00Z",
        ] {
            assert!(!time(text, false), "{text}");
        }
        assert!(time("2024-01-01T00:00:00.123456Z", true));
        assert!(!time("2024-01-01T00:00:00Z", true) && !time("2024-01-01T00:00:00.123Z", true));
    }

    #[test]
    fn durations_are_parsed_as_in_go() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("1h30m", 5_400_000_000_000),
            ("-1.5s", -1_500_000_000),
            ("+.5ms", 500_000),
            ("1.s", 1_000_000_000),
            ("3µs", 3_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(duration(text), Some(nanoseconds), "{text}");
        }
        let long = ["9223372036854775808ns", "9223372036854775809ns", "2562048h", "99999999999h", "2562047h59m"];
        for text in ["", "1", "s", ".s", "1 s", "1d", "1.2.3s", "-", "1h2", "30sec", "1w", "abc"].iter().chain(&long) {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
