//! The values of `format` in schemas: those of JSON Schema, and those of Kubernetes, which defines some of them differently.
//! For a loosely defined format, only strings that certainly do not match are rejected.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{go, names};

/// A format of strings.
#[derive(Debug)]
pub struct TextFormat {
    /// Its name, the value of `format`.
    pub name: &'static str,
    /// Whether a string matches.
    pub is_match: fn(&str) -> bool,
    /// Its description, which follows `must be`.
    pub words: &'static str,
    /// The first minor version of Kubernetes that evaluates it.
    pub since: u8,
}

/// Formats of JSON Schema (<https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3>) and
/// `byte` of OpenAPI.
const JSON_SCHEMA: [TextFormat; 13] = [
    text("byte", |text| go::decode_base64(text).is_some(), "Base64"),
    text("date", |text| is_time(&format!("{text}T00:00:00Z")), "a date such as `2026-01-31`"),
    text("date-time", is_time, "a time such as `2026-01-31T12:00:00Z`"),
    text("duration", is_duration, "an ISO 8601 duration such as `PT1H30M`"),
    text("email", is_email, "an email address"),
    text("hostname", is_host_name, "a host name"),
    text("ipv4", |text| text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
    text("ipv6", |text| text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
    text("json-pointer", |text| text.is_empty() || text.starts_with('/'), "a JSON Pointer such as `/a/0`"),
    text("time", |text| is_time(&format!("2000-01-01T{text}")), "a time of day such as `12:00:00Z`"),
    text("uri", |text| has_scheme(text) && is_uri_reference(text), "an absolute URI"),
    text("uri-reference", is_uri_reference, "a URI"),
    text("uuid", is_uuid, "a UUID"),
];

const fn text(name: &'static str, is_match: fn(&str) -> bool, words: &'static str) -> TextFormat {
    TextFormat { name, is_match, words, since: 0 }
}

/// Formats that the API server evaluates in the schema of a CustomResourceDefinition: those of
/// `k8s.io/kube-openapi/pkg/validation/strfmt`. For `email`, `hostname` and `uri`, only strings that certainly do not match are
/// rejected.
const KUBERNETES: [TextFormat; 23] = [
    text("bsonobjectid", |text| text.len() == 24 && is_hex(text), "an object id of 24 hexadecimal digits"),
    text("byte", |text| go::decode_base64(text).is_some(), "base64"),
    text("cidr", is_cidr, "a CIDR such as `10.0.0.0/8`"),
    text("date", |text| go::time(&format!("{text}T00:00:00Z"), false), "a date such as `2026-01-31`"),
    text("datetime", is_date_time, "a time such as `2026-01-31T12:00:00Z`"),
    text("duration", is_loose_duration, "a duration such as `1h30m`"),
    text("email", |text| text.contains('@'), "an email address"),
    text("hexcolor", is_hex_color, "a colour such as `#00ff00`"),
    text("hostname", is_loose_host_name, "a host name"),
    text("ipv4", |text| text.parse::<IpAddr>().is_ok() && text.contains('.'), "an IPv4 address"),
    text("ipv6", |text| text.parse::<IpAddr>().is_ok() && text.contains(':'), "an IPv6 address"),
    text("isbn", |text| is_isbn10(text) || is_isbn13(text), "an ISBN"),
    text("isbn10", is_isbn10, "an ISBN-10"),
    text("isbn13", is_isbn13, "an ISBN-13"),
    TextFormat {
        since: 34,
        ..text(
            "k8slongname",
            |text| names::dns1123_subdomain(text).is_ok(),
            "a DNS subdomain of at most 253 characters",
        )
    },
    TextFormat {
        since: 34,
        ..text("k8sshortname", |text| names::dns1123_label(text).is_ok(), "a DNS label of at most 63 characters")
    },
    text("mac", is_mac, "a MAC address such as `00:00:5e:00:53:01`"),
    text("ssn", is_social_security_number, "a social security number such as `123-45-6789`"),
    text("uri", is_uri_or_path, "an absolute URI or path"),
    text("uuid", |text| is_uuid_of(text, None), "a UUID"),
    text("uuid3", |text| is_uuid_of(text, Some(b'3')), "a UUID of version 3"),
    text("uuid4", |text| is_uuid_of(text, Some(b'4')), "a UUID of version 4"),
    text("uuid5", |text| is_uuid_of(text, Some(b'5')), "a UUID of version 5"),
];

/// The formats of JSON Schema.
pub static TEXTS: &[TextFormat] = &JSON_SCHEMA;

static STRUCTURAL: &[TextFormat] = &KUBERNETES;

/// The format of this name in a JSON Schema.
#[must_use]
pub fn json_schema(name: &str) -> Option<&'static TextFormat> {
    TEXTS.iter().find(|format| format.name == name)
}

/// The format of this name in a CustomResourceDefinition, with or without dashes. Unknown formats accept any string.
#[must_use]
pub fn kubernetes(name: &str) -> Option<&'static TextFormat> {
    STRUCTURAL.iter().find(|format| format.name.bytes().eq(name.bytes().filter(|byte| *byte != b'-')))
}

fn is_time(text: &str) -> bool {
    // RFC 3339 allows lowercase letters and leap seconds, Go does not.
    let text = text.to_ascii_uppercase();
    go::time(&text, false) || text.contains(":59:60") && go::time(&text.replacen(":59:60", ":59:59", 1), false)
}

/// `P1Y2M3DT4H5M6S` or `P3W`, with at least one unit.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    // Each unit at most once, in this order.
    let parts = |mut text: &str, units: &str| {
        let mut units = units.chars();
        while !text.is_empty() {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let Some(unit) = text[digits..].chars().next().filter(|_| digits > 0) else { return false };
            if !units.any(|known| known == unit) {
                return false;
            }
            text = &text[digits + unit.len_utf8()..];
        }
        true
    };
    let is_weeks = time.is_none() && date.ends_with('W') && parts(date, "W");
    let has_time = time.is_none_or(|time| !time.is_empty() && parts(time, "HMS"));
    !rest.is_empty() && (is_weeks || parts(date, "YMD") && has_time)
}

fn is_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains(char::is_whitespace))
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| names::dns1123_label(&label.to_ascii_lowercase()).is_ok();
    text.len() <= 253 && text.split('.').all(is_label)
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

fn is_uri_reference(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
}

fn is_uuid(text: &str) -> bool {
    let is_part = |(part, length): (&str, usize)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    text.split('-').count() == 5 && text.split('-').zip([8, 4, 4, 4, 12]).all(is_part)
}

fn is_date_time(text: &str) -> bool {
    // Lowercase letters are allowed.
    go::time(&text.to_ascii_uppercase(), false)
}

/// A duration of Go, or a number with a unit anywhere in the string: `5 minutes`, `2 days`.
fn is_loose_duration(text: &str) -> bool {
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
    let max = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= max)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 6, 8 or 20 bytes: groups of two digits with `:` or `-`, or of four digits with `.`.
fn is_mac(text: &str) -> bool {
    let (digits, separator) = match text.as_bytes().get(2) {
        Some(b':' | b'-') => (2, char::from(text.as_bytes()[2])),
        _ => (4, '.'),
    };
    let parts: Vec<&str> = text.split(separator).collect();
    matches!(parts.len() * digits / 2, 6 | 8 | 20) && parts.iter().all(|part| part.len() == digits && is_hex(part))
}

fn is_uri_or_path(text: &str) -> bool {
    (has_scheme(text) || text.starts_with('/')) && !text.contains(char::is_control)
}

fn is_loose_host_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "-.$+<=>^`|~".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

/// Whether it is a UUID, of this version if one is given.
pub(crate) fn is_uuid_of(text: &str, version: Option<u8>) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let dashes: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| *byte == b'-').map(|(at, _)| at).collect();
    // Each of the four dashes is optional.
    let is_digits = digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit);
    let offsets = dashes.iter().enumerate().map(|(before, dash)| dash - before);
    let fits = is_digits && dashes.len() <= 4 && offsets.into_iter().all(|offset| matches!(offset, 8 | 12 | 16 | 20));
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
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn json_schema_formats_agree_with_an_independent_implementation() {
        for (name, good, bad) in [
            ("date", "2026-01-31", "2026-02-31"),
            ("date-time", "2026-01-31t12:00:00z", "2026-01-31 12:00"),
            ("date-time", "1990-12-31T23:59:60Z", "1990-12-31T23:58:60Z"),
            ("duration", "P1Y2M3DT4H5M6S", "P1S"),
            ("duration", "P3W", "P"),
            ("duration", "PT36H", "PT"),
            ("duration", "P1D", "1h30m"),
            ("email", "a.b+c@example.com", "example.com"),
            ("hostname", "a.Example-1.com", "a_b.example.com"),
            ("hostname", "localhost", "-a.example.com"),
            ("ipv4", "10.0.0.1", "10.0.0.01"),
            ("ipv6", "::1", "10.0.0.1"),
            ("json-pointer", "/a/0", "a"),
            ("time", "12:00:00Z", "12:00"),
            ("uri", "https://example.com/a?b#c", "example.com/a"),
            ("uri", "urn:a:b", "https://example.com/a b"),
            ("uri-reference", "../a", "a\\b"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        ] {
            let format = json_schema(name).unwrap();
            let oracle = jsonschema::options().should_validate_formats(true).build(&json!({"format": name})).unwrap();
            for (text, fits) in [(good, true), (bad, false)] {
                assert_eq!((format.is_match)(text), fits, "{name} {text}");
                assert_eq!(oracle.is_valid(&json!(text)), fits, "{name} {text}");
            }
        }
    }

    #[test]
    fn kubernetes_formats_accept_and_reject() {
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
            let format = kubernetes(name).unwrap();
            assert!((format.is_match)(good), "{name} {good}");
            assert!(!(format.is_match)(bad), "{name} {bad}");
        }
        assert!(kubernetes("password").is_none() && kubernetes("anything").is_none());
    }
}
