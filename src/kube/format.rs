//! Texts that Go's decoder reads into something else: base64, times, durations.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// The bytes that Go's `base64.StdEncoding` reads: padded, line breaks ignored, the last bits of the last letter free.
/// `None` where it reads none.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    const GO: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    match text.contains(['\r', '\n']) {
        true => GO.decode(text.replace(['\r', '\n'], "")).ok(),
        false => GO.decode(text).ok(),
    }
}

/// The bytes of a text in base64, as the API server writes the data of a Secret.
pub(crate) fn encode_base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Whether it is a time in RFC 3339 as Go's `time.Parse` reads it. `micro` asks for exactly six digits of a second, as
/// `MicroTime` does.
pub(super) fn time(text: &str, micro: bool) -> bool {
    read_time(text, micro).is_some_and(str::is_empty)
}

/// What stands after the time; `None` if it is none.
fn read_time(text: &str, micro: bool) -> Option<&str> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let rest = rest.strip_prefix('T')?;
    // Go takes an hour of one digit.
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
    // Go lets an offset of 24 hours or 60 minutes pass.
    (hours <= 24 && minutes <= 60).then_some(rest)
}

fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let head = text.get(..count)?;
    let number = head.bytes().all(|byte| byte.is_ascii_digit()).then(|| head.parse().ok()).flatten()?;
    Some((number, &text[count..]))
}

/// Whether it is a duration as Go's `time.ParseDuration` reads it: `1h30m`, `-1.5s`, `0`.
pub(super) fn duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let digits = rest[..number].bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 || number - digits > 1 {
            return false;
        }
        rest = &rest[number..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        if !matches!(&rest[..unit], "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h") {
            return false;
        }
        rest = &rest[unit..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_go_reads_it() {
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
    fn times_as_go_reads_them() {
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
    fn durations_as_go_reads_them() {
        for text in ["0", "1h30m", "-1.5s", "+.5ms", "1.s", "3µs"] {
            assert!(duration(text), "{text}");
        }
        for text in ["", "1", "s", ".s", "1 s", "1d", "1.2.3s", "-"] {
            assert!(!duration(text), "{text}");
        }
    }
}
