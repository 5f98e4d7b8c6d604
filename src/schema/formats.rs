//! `format`: the forms of strings and numbers by name. Asserted, as editors do; where a form is loose, only what is certainly
//! not of it is a fault.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::compare::numbers;
use crate::formats::{go, names};
use crate::node::Node;
use crate::source::Span;

/// What a `format` asks for.
pub(super) enum Format {
    /// A form of strings.
    Text(&'static TextFormat),
    /// A range of numbers.
    Number(&'static NumberFormat),
    /// Nothing: it tells readers what the value is.
    Annotation,
}

/// A form of strings.
#[derive(Debug)]
pub(super) struct TextFormat {
    name: &'static str,
    pub(super) is_match: fn(&str) -> bool,
    /// The form in words, behind `must be`.
    pub(super) words: &'static str,
}

/// A range of numbers.
#[derive(Debug)]
pub(super) struct NumberFormat {
    name: &'static str,
    pub(super) min: i64,
    /// `None` where numbers cannot be larger anyway.
    pub(super) max: Option<i64>,
}

impl NumberFormat {
    pub(super) fn is_match(&self, number: &Node) -> bool {
        let bound = |bound: i64| numbers(number, &Node::new(bound, Span::NONE));
        bound(self.min).is_ge() && self.max.is_none_or(|max| bound(max).is_le())
    }

    /// The range in words, behind `must be`.
    pub(super) fn words(&self) -> String {
        let range = match self.max {
            Some(max) => format!("from {} to {max}", self.min),
            None => format!("at least {}", self.min),
        };
        format!("{range} (`{}`)", self.name)
    }
}

/// Forms of strings: those of JSON Schema (<https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3>) and
/// `byte` of OpenAPI.
const TEXTS: [TextFormat; 13] = [
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
    TextFormat { name, is_match, words }
}

/// Ranges of whole numbers, as OpenAPI and generators of schemas name them.
const NUMBERS: [NumberFormat; 9] = [
    number("int16", i16::MIN as i64, Some(i16::MAX as i64)),
    number("int32", i32::MIN as i64, Some(i32::MAX as i64)),
    number("int64", i64::MIN, Some(i64::MAX)),
    number("int8", i8::MIN as i64, Some(i8::MAX as i64)),
    number("uint", 0, None),
    number("uint16", 0, Some(u16::MAX as i64)),
    number("uint32", 0, Some(u32::MAX as i64)),
    number("uint64", 0, None),
    number("uint8", 0, Some(u8::MAX as i64)),
];

const fn number(name: &'static str, min: i64, max: Option<i64>) -> NumberFormat {
    NumberFormat { name, min, max }
}

/// Formats that are for readers: no form that could be held, or one that is too loose.
const ANNOTATIONS: [&str; 9] =
    ["binary", "double", "float", "idn-email", "idn-hostname", "iri", "iri-reference", "password", "regex"];

/// The formats that are understood.
pub fn formats() -> impl Iterator<Item = &'static str> {
    let texts = TEXTS.iter().map(|format| format.name);
    texts.chain(NUMBERS.iter().map(|format| format.name)).chain(ANNOTATIONS)
}

impl Format {
    pub(super) fn find(name: &str) -> Option<Self> {
        static TEXT: &[TextFormat] = &TEXTS;
        static NUMBER: &[NumberFormat] = &NUMBERS;
        let text = TEXT.iter().find(|format| format.name == name).map(Self::Text);
        let number = || NUMBER.iter().find(|format| format.name == name).map(Self::Number);
        text.or_else(number).or_else(|| ANNOTATIONS.contains(&name).then_some(Self::Annotation))
    }
}

fn is_time(text: &str) -> bool {
    // Letters may be small, and a leap second is none that Go knows.
    let text = text.to_ascii_uppercase();
    go::time(&text, false) || text.contains(":59:60") && go::time(&text.replacen(":59:60", ":59:59", 1), false)
}

/// `P1Y2M3DT4H5M6S`, or `P3W`; at least one part.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    // Each unit once, in this order.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn forms_have_two_sides_as_an_independent_implementation_sees_them() {
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
            let Some(Format::Text(format)) = Format::find(name) else { panic!("{name}") };
            let oracle = jsonschema::options().should_validate_formats(true).build(&json!({"format": name})).unwrap();
            for (text, fits) in [(good, true), (bad, false)] {
                assert_eq!((format.is_match)(text), fits, "{name} {text}");
                assert_eq!(oracle.is_valid(&json!(text)), fits, "{name} {text}");
            }
        }
    }

    #[test]
    fn each_format_has_one_name() {
        let all: Vec<&str> = formats().collect();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
        assert!(all.iter().all(|name| Format::find(name).is_some()) && Format::find("emial").is_none());
    }
}
