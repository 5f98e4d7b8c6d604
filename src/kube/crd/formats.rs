//! The formats of strings that a definition's `format` asks for.
//!
//! Restates the formats of `k8s.io/kube-openapi/pkg/validation/strfmt` that the API server evaluates in a CustomResourceDefinition.
//! Where a form is loose (`email`, `hostname`, `uri`) only what is certainly none is told.

use std::net::IpAddr;

use crate::formats::{go, names};
use crate::kube::KubernetesVersion;

/// Whether a string has a format; if not, what it should be. Unknown formats ask for nothing.
pub(super) fn check(name: &str, text: &str, version: KubernetesVersion) -> Result<(), &'static str> {
    let (fits, form) = match name.replace('-', "").as_str() {
        "datetime" => (is_date_time(text), "a time such as `2026-01-31T12:00:00Z`"),
        "date" => (go::time(&format!("{text}T00:00:00Z"), false), "a date such as `2026-01-31`"),
        "byte" => (go::decode_base64(text).is_some(), "base64"),
        "duration" => (is_duration(text), "a duration such as `1h30m`"),
        "ipv4" => (text.parse::<IpAddr>().is_ok() && text.contains('.'), "an IPv4 address"),
        "ipv6" => (text.parse::<IpAddr>().is_ok() && text.contains(':'), "an IPv6 address"),
        "cidr" => (is_cidr(text), "a CIDR block such as `10.0.0.0/8`"),
        "mac" => (is_mac(text), "a MAC address such as `00:00:5e:00:53:01`"),
        "uri" => (is_uri(text), "an absolute URI or path"),
        "email" => (text.contains('@'), "an email address"),
        "hostname" => (is_host_name(text), "a host name"),
        "uuid" => (is_uuid(text), "a UUID"),
        "uuid3" => (is_uuid_of(text, Some(b'3')), "a UUID of version 3"),
        "uuid4" => (is_uuid_of(text, Some(b'4')), "a UUID of version 4"),
        "uuid5" => (is_uuid_of(text, Some(b'5')), "a UUID of version 5"),
        "isbn10" => (is_isbn10(text), "an ISBN-10"),
        "isbn13" => (is_isbn13(text), "an ISBN-13"),
        "isbn" => (is_isbn10(text) || is_isbn13(text), "an ISBN"),
        "ssn" => (is_social_security_number(text), "a social security number such as `123-45-6789`"),
        "hexcolor" => (is_hex_color(text), "a colour such as `#00ff00`"),
        "bsonobjectid" => (text.len() == 24 && is_hex(text), "an object id of 24 hexadecimal digits"),
        "k8sshortname" if version.minor() >= 34 => {
            (names::dns1123_label(text).is_ok(), "a DNS label of at most 63 characters")
        }
        "k8slongname" if version.minor() >= 34 => {
            (names::dns1123_subdomain(text).is_ok(), "a DNS subdomain of at most 253 characters")
        }
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(form) }
}

fn is_date_time(text: &str) -> bool {
    // Letters may be small here.
    go::time(&text.to_ascii_uppercase(), false)
}

/// As Go's durations, or numbers with units anywhere in the text: `5 minutes`, `2 days`.
fn is_duration(text: &str) -> bool {
    const UNITS: &[&str] = &["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w"];
    const LONG: &[&str] = &["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
    if go::duration(text).is_some() {
        return true;
    }
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let after = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let end = after.find(|c: char| !(c.is_ascii_alphabetic() || c == 'µ')).unwrap_or(after.len());
        let unit = after[..end].to_lowercase();
        if !unit.is_empty() && (UNITS.contains(&unit.as_str()) || LONG.iter().any(|long| unit.starts_with(long))) {
            return true;
        }
        rest = after;
    }
    false
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 6, 8 or 20 bytes, in pairs of digits with `:` or `-`, or in fours with `.`.
fn is_mac(text: &str) -> bool {
    let (digits, separator) = match text.as_bytes().get(2) {
        Some(b':' | b'-') => (2, char::from(text.as_bytes()[2])),
        _ => (4, '.'),
    };
    let parts: Vec<&str> = text.split(separator).collect();
    matches!(parts.len() * digits / 2, 6 | 8 | 20) && parts.iter().all(|part| part.len() == digits && is_hex(part))
}

fn is_uri(text: &str) -> bool {
    let has_scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    (has_scheme || text.starts_with('/')) && !text.contains(char::is_control)
}

fn is_host_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "-.$+<=>^`|~".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

/// Whether it is a UUID of any version.
pub(crate) fn is_uuid(text: &str) -> bool {
    is_uuid_of(text, None)
}

fn is_uuid_of(text: &str, version: Option<u8>) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let dashes: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| *byte == b'-').map(|(at, _)| at).collect();
    // Each of the four dashes may be left out.
    let is_digits = digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit);
    let places = dashes.iter().enumerate().map(|(before, dash)| dash - before);
    let fits = is_digits && dashes.len() <= 4 && places.into_iter().all(|place| matches!(place, 8 | 12 | 16 | 20));
    fits && version.is_none_or(|version| {
        digits[12] == version
            && (version == b'3' || matches!(digits[16].to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b'))
    })
}

fn isbn_digits(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = isbn_digits(text);
    let value = |(at, byte): (usize, &u8)| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'X' if at == 9 => Some(10),
        _ => None,
    };
    let values: Option<Vec<u32>> = digits.iter().enumerate().map(value).collect();
    values.is_some_and(|values| values.len() == 10 && values.iter().zip(1..).map(|(v, n)| v * n).sum::<u32>() % 11 == 0)
}

fn is_isbn13(text: &str) -> bool {
    let digits = isbn_digits(text);
    digits.len() == 13
        && digits.iter().all(u8::is_ascii_digit)
        && digits
            .iter()
            .enumerate()
            .map(|(at, byte)| u32::from(byte - b'0') * if at % 2 == 0 { 1 } else { 3 })
            .sum::<u32>()
            % 10
            == 0
}

fn is_social_security_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == 9 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' ')) && text.len() <= 11
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && is_hex(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_two_sides() {
        let version = KubernetesVersion::default();
        for (name, good, bad) in [
            ("date-time", "2026-01-31t12:00:00z", "yesterday"),
            ("date", "2026-01-31", "2026-02-31"),
            ("byte", "YQ==", "a b"),
            ("duration", "5 minutes", "5"),
            ("ipv4", "10.0.0.1", "::1"),
            ("ipv6", "::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "dead::beef::/64"),
            ("mac", "00:00:5e:00:53:01", "00:00:5e:00:53"),
            ("mac", "0000.5e00.5301", "0000.5e00"),
            ("uri", "https://example.com/a", "example.com"),
            ("email", "a@example.com", "example.com"),
            ("hostname", "a.example.com", "a b"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
            ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("isbn10", "0321751043", "0321751044"),
            ("ssn", "123-45-6789", "123-45-678"),
            ("hexcolor", "#FFFFFF", "#FFFFF"),
            ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
            ("k8s-short-name", "a-b", "A"),
            ("k8s-long-name", "a.b-c", "a..b"),
        ] {
            assert_eq!(check(name, good, version), Ok(()), "{name} {good}");
            assert!(check(name, bad, version).is_err(), "{name} {bad}");
        }
        assert_eq!(check("password", "x", version), Ok(()));
        assert_eq!(check("anything", "x", version), Ok(()));
    }
}
