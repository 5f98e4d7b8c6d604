//! Names and other short strings, as `k8s.io/apimachinery/pkg/util/validation` and `pkg/api/validate/content` define them. The
//! errors are phrases that follow the value, in the words of those packages.

use super::Checked;

const LABEL: &str = "must consist of lower case alphanumeric characters or '-', and must start and end with an \
                     alphanumeric character";
const LABEL_1035: &str = "must consist of lower case alphanumeric characters or '-', start with an alphabetic character, \
                          and end with an alphanumeric character";
const SUBDOMAIN: &str = "must consist of lower case alphanumeric characters, '-' or '.', and each part between dots must \
                         start and end with an alphanumeric character";
const SUBDOMAIN_UNDERSCORE: &str = "must consist of lower case alphanumeric characters, '-', '_' or '.', and each part \
                                    between dots must start with an alphanumeric character or '_' and end with an \
                                    alphanumeric character";
const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                         alphanumeric character";
const TOO_LONG_63: &str = "must be no more than 63 characters";
const TOO_LONG_253: &str = "must be no more than 253 characters";
const EMPTY: &str = "must not be empty";

// The kinds of bytes in names; digits count as lower case letters.
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DASH: u8 = 4;
const UNDERSCORE: u8 = 8;
const DOT: u8 = 16;

/// The kind of each byte; 0 for bytes that no name may contain. A table is faster than comparisons, and most strings are labels.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'-' => DASH,
            b'_' => UNDERSCORE,
            b'.' => DOT,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Whether all bytes are of these kinds.
fn all(bytes: &[u8], kinds: u8) -> bool {
    bytes.iter().all(|byte| KINDS[usize::from(*byte)] & kinds != 0)
}

fn is_lower(byte: u8) -> bool {
    KINDS[usize::from(byte)] == LOWER
}

/// Whether a string is labels joined by dots. It splits bytes, which is faster than searching for a character.
fn are_labels(text: &str, label: fn(&[u8]) -> bool) -> bool {
    text.as_bytes().split(|byte| *byte == b'.').all(label)
}

fn is_label(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    is_lower(*first) && is_lower(*last) && all(bytes, LOWER | DASH)
}

fn limit(text: &str, most: usize, message: &'static str) -> Checked {
    if text.len() > most { Err(message) } else { Ok(()) }
}

fn must(is_valid: bool, message: &'static str) -> Checked {
    if is_valid { Ok(()) } else { Err(message) }
}

/// A DNS-1123 label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes.
pub fn dns1123_label(text: &str) -> Checked {
    limit(text, 63, TOO_LONG_63)?;
    must(is_label(text.as_bytes()), LABEL)
}

/// A DNS-1123 subdomain: labels joined by dots, at most 253 bytes. A single label may be longer than 63 bytes.
pub fn dns1123_subdomain(text: &str) -> Checked {
    limit(text, 253, TOO_LONG_253)?;
    must(are_labels(text, is_label), SUBDOMAIN)
}

/// A DNS-1123 subdomain whose labels may also contain and start with underscores (`_ldap._tcp.example`).
pub fn dns1123_subdomain_underscore(text: &str) -> Checked {
    limit(text, 253, TOO_LONG_253)?;
    let label = |bytes: &[u8]| {
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
        (is_lower(*first) || *first == b'_') && is_lower(*last) && all(bytes, LOWER | DASH | UNDERSCORE)
    };
    must(are_labels(text, label), SUBDOMAIN_UNDERSCORE)
}

/// A DNS-1035 label: `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes.
pub fn dns1035_label(text: &str) -> Checked {
    limit(text, 63, TOO_LONG_63)?;
    must(is_label(text.as_bytes()) && !text.starts_with(|first: char| first.is_ascii_digit()), LABEL_1035)
}

/// `*.` and a DNS-1123 subdomain, at most 253 bytes.
pub fn wildcard_subdomain(text: &str) -> Checked {
    limit(text, 253, TOO_LONG_253)?;
    let rest = text.strip_prefix("*.").ok_or("must start with `*.`")?;
    must(are_labels(rest, is_label), SUBDOMAIN)
}

/// A DNS-1123 subdomain of at least two labels; one dot at the end is allowed.
pub fn fully_qualified_domain(text: &str) -> Checked {
    must(!text.is_empty(), EMPTY)?;
    let text = text.strip_suffix('.').unwrap_or(text);
    dns1123_subdomain(text)?;
    must(text.contains('.'), "must be a domain with at least two segments separated by dots")?;
    must(text.split('.').all(|label| label.len() <= 63), TOO_LONG_63)
}

/// A domain-prefixed path: `example.com/some/thing`. The path is not empty and contains `[A-Za-z0-9/\-._~%!$&'()*+,;=:]` only.
pub fn domain_prefixed_path(text: &str) -> Checked {
    must(!text.is_empty(), EMPTY)?;
    let message = "must be a domain-prefixed path (such as `example.com/path`)";
    let (host, path) = text.split_once('/').ok_or(message)?;
    must(!host.is_empty() && !path.is_empty(), message)?;
    dns1123_subdomain(host)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    must(path.bytes().all(allowed), message)
}

/// A prefix of a name (`generateName`), which may end with a dash: the dash is replaced by a letter before the check.
pub fn as_prefix(check: fn(&str) -> Checked, text: &str) -> Checked {
    match text.strip_suffix('-') {
        Some(start) if text.len() > 1 => check(&format!("{start}a")),
        _ => check(text),
    }
}

fn is_name_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && all(bytes, LOWER | UPPER | DASH | UNDERSCORE | DOT)
}

/// A qualified name, such as a label key: an optional DNS-1123 subdomain and `/`, then a name of 1 to 63 alphanumeric
/// characters, `-`, `_` and `.`, which starts and ends with an alphanumeric character.
pub fn qualified_name(text: &str) -> Checked {
    let name = match text.bytes().position(|byte| byte == b'/') {
        None => text,
        Some(at) if text.as_bytes()[at + 1..].contains(&b'/') => return Err("must contain at most one '/'"),
        Some(0) => return Err("must have a non-empty prefix part before '/'"),
        Some(at) => {
            dns1123_subdomain(&text[..at]).map_err(|_| "must have a valid DNS subdomain before '/'")?;
            &text[at + 1..]
        }
    };
    must(!name.is_empty(), "must have a non-empty name part")?;
    limit(name, 63, "must have a name part of no more than 63 characters")?;
    must(is_name_part(name), NAME_PART)
}

/// A label value: empty, or at most 63 alphanumeric characters, `-`, `_` and `.`, which starts and ends with an alphanumeric
/// character.
pub fn label_value(text: &str) -> Checked {
    limit(text, 63, TOO_LONG_63)?;
    must(
        text.is_empty() || is_name_part(text),
        "must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
         alphanumeric character",
    )
}

/// A segment of a URL path: not `.` or `..`, without `/` and `%`. It may be empty.
pub fn path_segment(text: &str) -> Checked {
    must(!matches!(text, "." | ".."), "must not be '.' or '..'")?;
    must(!text.contains(['/', '%']), "must not contain '/' or '%'")
}

/// A port number: 1 to 65535.
pub fn port_number(number: i64) -> Checked {
    must((1..=65535).contains(&number), "must be between 1 and 65535")
}

/// A port name: at most 15 of `[-a-z0-9]`, at least one letter, no `--`, no hyphen at either end.
pub fn port_name(text: &str) -> Checked {
    limit(text, 15, "must be no more than 15 characters")?;
    must(
        all(text.as_bytes(), LOWER | DASH),
        "must contain only lower case alphanumeric characters (a-z, 0-9) and hyphens (-)",
    )?;
    must(text.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)")?;
    must(!text.contains("--"), "must not contain consecutive hyphens")?;
    must(!text.starts_with('-') && !text.ends_with('-'), "must not begin or end with a hyphen")
}

/// A percentage: digits and `%`.
pub fn percent(text: &str) -> Checked {
    let digits = text.strip_suffix('%').unwrap_or_default();
    must(
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        "must be an integer or a percentage such as `25%`",
    )
}

/// The name of an HTTP header: `[-A-Za-z0-9]+`.
pub fn http_header_name(text: &str) -> Checked {
    must(
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        "must consist of alphanumeric characters or '-'",
    )
}

/// The name of an environment variable as Kubernetes 1.34 and later accept it: printable ASCII without `=`, not empty.
pub fn env_name(text: &str) -> Checked {
    must(!text.is_empty(), EMPTY)?;
    must(
        text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'='),
        "must consist only of printable ASCII characters other than '='",
    )
}

/// A key of a ConfigMap or Secret: at most 253 of `[-._a-zA-Z0-9]`, not `.` or `..`, not starting with `..`.
pub fn config_key(text: &str) -> Checked {
    limit(text, 253, TOO_LONG_253)?;
    must(
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')),
        "must consist of alphanumeric characters, '-', '_' or '.'",
    )?;
    must(text != "." && !text.starts_with(".."), "must not be '.' or start with '..'")
}

/// A C identifier: `[A-Za-z_][A-Za-z0-9_]*`.
pub fn c_identifier(text: &str) -> Checked {
    must(
        !text.is_empty()
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "must start with an alphabetic character or '_', followed by alphanumeric characters or '_'",
    )
}

/// A user or group id: 0 to 2147483647.
pub fn id_number(number: i64) -> Checked {
    must((0..=2_147_483_647).contains(&number), "must be between 0 and 2147483647")
}

/// A relative path without a `..` element.
pub fn descending_path(text: &str) -> Checked {
    must(!text.starts_with('/'), "must be a relative path")?;
    path_without_backsteps(text)
}

/// A path without a `..` element.
pub fn path_without_backsteps(text: &str) -> Checked {
    must(text.split('/').all(|part| part != ".."), "must not contain '..'")
}

/// A relative path without a `..` element that does not start with `..` either, which the kubelet reserves.
pub fn local_non_reserved_path(text: &str) -> Checked {
    descending_path(text)?;
    must(!text.starts_with(".."), "must not start with '..'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(check: fn(&str) -> Checked, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|text| assert_eq!(check(text), Ok(()), "{text}"));
        bad.iter().for_each(|text| assert!(check(text).is_err(), "{text}"));
    }

    #[test]
    fn labels_and_subdomains() {
        let (l63, l64) = ("a".repeat(63), "a".repeat(64));
        table(dns1123_label, &["a", "1", "1-a", &l63], &["", "-a", "a-", "A", "a.b", "a_b", "é", &l64]);
        table(dns1035_label, &["a", "a-1"], &["1a", "", "a-", "-a", &l64]);
        let l254 = "a".repeat(254);
        table(dns1123_subdomain, &["a", "a.b", &l64], &["", ".", "a.", "a..b", "a.-b", "A.b", &l254]);
        table(dns1123_subdomain_underscore, &["_a._b", "a_b.c"], &["a_.b", "", "_"]);
        table(wildcard_subdomain, &["*.a", "*.a.b"], &["*", "a.b", "*.*.b", "*."]);
        table(fully_qualified_domain, &["a.b", "a.b."], &["a", "", "a.b..", "."]);
    }

    #[test]
    fn keys_and_values() {
        let (v63, v64) = ("a".repeat(63), "a".repeat(64));
        table(
            qualified_name,
            &["a", "A_b.c-d", "example.com/Name", &v63],
            &["", "/a", "a/", "a/b/c", "-a", "a-", "A.B/c", "a b", &v64],
        );
        let Err(rule) = label_value("a b") else { panic!("a space is not allowed") };
        assert!(rule.ends_with("and must start and end with an alphanumeric character"), "{rule}");
        table(label_value, &["", "a", "A.b", &v63], &["-", "a-", "1.2.3+build", "a b", &v64]);
        table(config_key, &["a", ".a", "A-b_c.d", "a..b"], &["", ".", "..", "..a", "a/b", "a b"]);
        table(env_name, &["A", "a b", "1", "-"], &["", "A=B", "é", "a\n"]);
        table(c_identifier, &["_a1"], &["1a", "a-b", ""]);
        table(path_segment, &["", "a:b", "..."], &[".", "..", "a/b", "a%"]);
        table(domain_prefixed_path, &["a.b/c/d", "a/b"], &["a.b", "/a", "a/", "a_b/c", "a/b c"]);
    }

    #[test]
    fn ports_and_paths() {
        table(port_name, &["http", "1a", "a-b"], &["", "123", "a--b", "-a", "a-", "HTTP", "aaaaaaaaaaaaaaaa"]);
        table(percent, &["0%", "250%"], &["%", "1", "-1%", "1.5%", "1%%"]);
        table(local_non_reserved_path, &["a", "a/b", "a/..b", ""], &["/a", "..", "a/../b", "..a"]);
        table(descending_path, &["..a", "a/b", "."], &["/a", "../a", "a/.."]);
        table(http_header_name, &["X-A", "-"], &["", "a b", "a_b"]);
        assert!(port_number(0).is_err() && port_number(65536).is_err() && port_number(65535).is_ok());
        assert_eq!(as_prefix(dns1123_label, "web-"), Ok(()));
        assert!(as_prefix(dns1123_label, "-").is_err());
    }
}
