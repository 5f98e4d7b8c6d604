//! Names and their values in lines: `key = value`, `key: value`, `--key=value`, one or many in a line.
//!
//! [`pair`] reads a whole line. [`name_before`] and [`value_after`] read what is around a sign anywhere in a line, as
//! far as it may reach, for callers that must not miss a value.

use std::ops::Range;

/// Reads a line `key = value` or `key: value`: the key, and the range of the value.
#[must_use]
pub fn pair(line: &str) -> Option<(&str, Range<usize>)> {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with(['#', ';', '/', '[', '!']) {
        return None;
    }
    let indent = line.len() - trimmed.len();
    let at = trimmed.find(['=', ':'])?;
    let key = trimmed[..at].trim();
    let key = key.strip_prefix("export ").unwrap_or(key).trim_matches(['"', '\'']);
    if key.is_empty() || key.contains(char::is_whitespace) {
        return None;
    }
    let rest = &trimmed[at + 1..];
    let rest_start = indent + at + 1;
    let lead = rest.len() - rest.trim_start().len();
    let value = rest.trim().trim_end_matches(',');
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = rest_start + lead;
    Some(match quote {
        Some(quote) => {
            let inner = &value[1..];
            (key, start + 1..start + 1 + inner.find(quote).unwrap_or(inner.len()))
        }
        None => {
            let value = value.split(" #").next().unwrap_or(value).trim_end();
            (key, start..start + value.len())
        }
    })
}

pub(crate) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The byte at which the first key or item of a line starts.
pub(crate) fn depth(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

/// The name that ends before an equals sign, or a colon that ends a key. `is_property`: whether a name may be first
/// in a line, followed by a colon without a space.
pub(crate) fn name_before(line: &str, sign: usize, is_property: fn(&str) -> bool) -> Option<&str> {
    let is_colon = line.as_bytes()[sign] == b':';
    let before = line[..sign].trim_end();
    // Not `==`, `!=` and `:=`.
    let before = if is_colon { before } else { before.trim_end_matches(['=', ':', '!', '?', '+', '~', ' ']) };
    let name = before.trim_end_matches(['"', '\'', '\\']);
    let start =
        name.rfind(|c: char| !is_of_name(c)).map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    // An image has a colon as well: `team/token:v1`. In a properties file, the key is first in its line.
    let counts = || {
        let (behind, quoted) = (&line[sign + 1..], name.len() < before.len());
        let is_first = || line[..start].trim_start().is_empty() && !behind.starts_with('=');
        quoted
            || behind.is_empty()
            || behind.starts_with([' ', '\t', '"', '\'', '\\'])
            || is_first() && is_property(&name[start..])
    };
    (!is_colon || counts()).then(|| name[start..].trim_start_matches('-'))
}

/// Whether a value is only a reference such as `$PASSWORD`. `shell`: whether any name may follow the `$`; in a config
/// file written by hand, a password may start with one.
pub(crate) fn is_reference(value: &str, shell: bool) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    let is_variable = end > 0
        && (shell || !name[..end].bytes().any(|byte| byte.is_ascii_lowercase()))
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name[end..].starts_with('$');
    name.starts_with(['(', '{']) || is_variable
}

/// The range of the value after a colon, an equals sign (`assigned`) or an option.
pub(crate) fn value_after(line: &str, from: usize, assigned: bool) -> Option<Range<usize>> {
    let start = from + (line[from..].len() - line[from..].trim_start().len());
    // Inside a quoted string, quotes are escaped.
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| line[start..].starts_with(quote));
    let start = start + quote.map_or(0, str::len);
    let rest = &line[start..];
    if is_reference(rest, assigned) {
        return None;
    }
    let end = match quote {
        // Up to the next quote that is followed by a comma, a bracket or the end.
        Some(quote) => {
            let closes = |at: &usize| {
                let behind = rest[at + quote.len()..].trim_start();
                behind.is_empty() || behind.starts_with([',', '}', ']'])
            };
            let mut ends = rest.match_indices(quote).map(|(at, _)| at);
            ends.find(closes).or_else(|| rest.rfind(quote)).unwrap_or(rest.len())
        }
        None if assigned => {
            let ends = rest.match_indices([' ', '\t', ',', ';', '&', '"', '\'', '`']);
            ends.map(|(at, _)| at).find(|at| ends_value(&rest[*at..])).unwrap_or(rest.len())
        }
        None => rest.trim_end().len(),
    };
    (!NO_VALUES.contains(&&rest[..end])).then_some(start..start + end)
}

/// Whether a value ends at this sign. A value may contain a comma, unless the next name follows it, and a quote,
/// unless nothing follows it.
fn ends_value(rest: &str) -> bool {
    if let Some(behind) = rest.strip_prefix(['"', '\'']) {
        return !behind.starts_with(|c: char| c.is_alphanumeric());
    }
    let Some(behind) = rest.strip_prefix([',', ';', '&']) else { return true };
    let behind = behind.strip_prefix([',', ';']).unwrap_or(behind);
    let name = behind.find(|c: char| !is_of_name(c)).unwrap_or(behind.len());
    let next = behind[name..].chars().next();
    if name > 0 { next == Some('=') } else { !next.is_some_and(|c| SIGNS.contains(c)) }
}

/// What may be in the position of a value but is not one.
const NO_VALUES: &[&str] = &["", "|", "|-", ">", ">-", "{}", "{", "[]", "[", "true", "false", "null", "~"];

/// Signs that may follow a comma inside a value and do not start anything else.
const SIGNS: &str = "/?%!^*+~@#:)";

/// The string up to the next space or quote; searched once, however many URLs start in it.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) end: usize,
    /// The position of its last `@`.
    pub(crate) sign: Option<usize>,
}

impl Piece {
    pub(crate) fn of(line: &str, start: usize) -> Self {
        let ends = line[start..].match_indices([' ', '"', '\'']).map(|(at, _)| start + at);
        let end = ends.into_iter().find(|at| ends_value(&line[*at..])).unwrap_or(line.len());
        Self { end, sign: line[start..end].rfind('@').map(|sign| start + sign) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_from_lines() {
        let line = "  redis_addr = \"redis:6379\" # x";
        let (key, range) = pair(line).expect("a pair");
        assert_eq!((key, &line[range]), ("redis_addr", "redis:6379"));
        assert_eq!(pair("# a: b"), None);
        assert_eq!(pair("export DB_HOST=postgres").map(|(key, _)| key), Some("DB_HOST"));
    }

    #[test]
    fn names_and_values_around_a_sign_are_read() {
        for (line, name, value) in [
            ("a: b c", Some("a"), Some("b c")),
            ("--api-key=x --level=y", Some("api-key"), Some("x")),
            ("x=\"a, b\", y=1", Some("x"), Some("a, b")),
            ("image: team/app", Some("image"), Some("team/app")),
            ("team/token:v1", None, Some("v1")),
            ("x=$HOME/y", Some("x"), None),
            ("list: []", Some("list"), None),
        ] {
            let sign = line.find([':', '=']).unwrap_or_default();
            let value_read = value_after(line, sign + 1, line[sign..].starts_with('='));
            assert_eq!(name_before(line, sign, |_| false), name, "{line}");
            assert_eq!(value_read.map(|range| &line[range]), value, "{line}");
        }
    }
}
