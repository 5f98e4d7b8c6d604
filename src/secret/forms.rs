//! The forms of tokens and credentials, for values whose name or position does not decide.

use std::ops::Range;

use crate::secret::names::{is_ordinary, is_word};
use crate::text::assign::is_of_name;

/// Prefixes of tokens whose issuers gave them one.
#[rustfmt::skip]
const PREFIXES: &[&str] = &[
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "xoxb-", "xoxp-",
    "xoxa-", "xoxr-", "xoxs-", "xapp-", "AKIA", "ASIA", "AIza", "dckr_pat_", "dop_v1_", "hvs.", "hvb.", "shpat_", "sk_live_",
    "rk_live_",
];

/// The schemes of an `Authorization` header.
const SCHEMES: &[&str] = &[
    "Bearer",
    "Basic",
    "Token",
    "ApiKey",
    "Api-Key",
    "Key",
    "GenieKey",
    "Splunk",
    "SSWS",
    "DPoP",
    "JWT",
    "OAuth",
    "Negotiate",
];

/// The least number of bytes of a token after its prefix.
const SHORTEST_REST: usize = 10;

/// The least number of bytes of a token without a known prefix, in the user part of a URL and after names of
/// credentials.
const SHORTEST_TOKEN: usize = 16;
const SHORTEST_OPAQUE: usize = 8;

/// Whether the user part of a URL is a token.
pub(super) fn is_token(text: &str) -> bool {
    has_prefix(text)
        || text.len() >= SHORTEST_TOKEN && text.chars().all(is_of_name) && is_mixed(text) && !is_wordy(text)
}

fn has_prefix(text: &str) -> bool {
    let rest = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() >= SHORTEST_REST && rest.chars().all(is_of_name))
}

/// The secret in the value of a key such as `auth` or `authorization`, which may be a mode or a URL as well.
pub(super) fn credentials(value: &str) -> Option<Range<usize>> {
    const BLANKS: &[char] = &[' ', '\t', '"', '\'', '`', '\\'];
    const CLOSING: &[char] = &[',', ';', '}', ')', ']'];
    let begin = |from: usize| from + (value[from..].len() - value[from..].trim_start().len());
    let word = |from: usize| {
        let rest = &value[from..];
        &rest[..rest.find(BLANKS).unwrap_or(rest.len())]
    };
    let start = begin(0);
    let first = word(start).split(CLOSING).next().unwrap_or_default();
    let first = start..start + first.len();
    if !SCHEMES.iter().any(|scheme| value[first.clone()].eq_ignore_ascii_case(scheme)) {
        return credential(&value[first.clone()]).map(|at| first.start + at..first.end);
    }
    // After a scheme, everything up to a closing quote or bracket belongs to the secret.
    let start = begin(first.end);
    let second = start..start + word(start).trim_end_matches(CLOSING).len();
    let text = &value[second.clone()];
    let behind = value[second.end..].trim_start_matches([',', ';', '}', ')', ']']);
    let is_last = behind.starts_with(['"', '\'', '`', '\\']) || behind.trim().is_empty();
    // If another word follows, it is prose.
    let counts = !text.starts_with(['$', '{', '<', '%', '.', '*', '•']) && (is_last || !is_ordinary(text, false));
    (counts && !text.is_empty()).then_some(second)
}

/// The byte at which the secret starts in a word: a token, a Base64 string, or `user:password`.
fn credential(word: &str) -> Option<usize> {
    if has_prefix(word) || is_opaque(word) {
        return Some(0);
    }
    let (user, password) = word.split_once(':')?;
    let is_user =
        !user.is_empty() && !user.contains('.') && user.chars().all(is_of_name) && !matches!(user, "sha256" | "sha512");
    // Not the tag of an image, nor what follows a scheme.
    let is_version =
        || password.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()) && password.contains('.');
    let is_password = password.len() >= 6 && !password.starts_with(['/', '$', '{']) && !is_ordinary(password, true);
    (is_user && is_password && !is_version()).then_some(user.len() + 1)
}

/// Whether a word is random: Base64, or digits and letters of both cases in no order.
fn is_opaque(word: &str) -> bool {
    let text = word.trim_end_matches('=');
    let is_of_base = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-') || c == '.' && text.starts_with("eyJ")
    };
    if word.starts_with('/') || word.len() < SHORTEST_OPAQUE || !text.chars().all(is_of_base) {
        return false;
    }
    let is_opaque = |part: &str| part.len() >= SHORTEST_OPAQUE && is_mixed(part) && !is_wordy(part);
    text.len() < word.len() && word.len().is_multiple_of(4) || text.split(['-', '_', '/', '+', '.']).any(is_opaque)
}

/// Whether a string has letters and digits, or letters of both cases.
fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let kinds = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase].map(has);
    kinds.into_iter().filter(|has| *has).count() > 1
}

/// Whether a string consists of words and numbers, such as `backup-node01`, `oauth2proxy` and `clientSecretBasic`.
fn is_wordy(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).all(|part| part.len() <= 3 || is_wordy_part(part))
}

fn is_wordy_part(part: &str) -> bool {
    /// The least mean length of the words, with numbers and without: random strings have numbers more often.
    const SHORTEST: (usize, usize) = (4, 3);
    let has = |is: fn(&u8) -> bool| part.bytes().any(|byte| is(&byte));
    let number = part.trim_matches(|c: char| c.is_ascii_digit()).as_bytes();
    let has_number = number.windows(2).any(|pair| pair.iter().all(u8::is_ascii_digit));
    // As in `horse42BATTERY`, unlike `oauth2Proxy` and `basicAuth01`.
    let is_jumble = has_number && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_digest = part.len() >= SHORTEST_TOKEN && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_jumble || is_digest && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
        return false;
    }
    let (mut letters, mut count, mut start) = (0, 0, 0);
    for (at, byte) in part.bytes().enumerate() {
        let next = part.as_bytes().get(at + 1);
        let ends = |next: &u8| next.is_ascii_digit() || next.is_ascii_uppercase() && byte.is_ascii_lowercase();
        if byte.is_ascii_digit() {
            start = at + 1;
        } else if next.is_none_or(ends) {
            if !is_word(&part[start..=at]) {
                return false;
            }
            letters += at + 1 - start;
            count += 1;
            start = at + 1;
        }
    }
    let shortest = if has(u8::is_ascii_digit) { SHORTEST.0 } else { SHORTEST.1 };
    count <= 1 || letters >= shortest * count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_distinguished_from_users() {
        for token in [
            "ghp_abcdefghijklmnopqrst",
            "github_pat_11ABCDEFG0",
            "glpat-xxxxYYYYzzzz1234",
            "xoxb-123456789012-abc",
            "AKIAIOSFODNN7EXAMPLE",
            "3f9c2d4e5a6b7c8d9e0f",
            "550e8400-e29b-41d4-a716-446655440000",
            "dXNlcjpwYXNzd29yZA",
            "correct42Horse-battery",
            "055b22693bfefeec8889ced5",
        ] {
            assert!(is_token(token), "{token}");
        }
        for user in [
            "git",
            "user",
            "ghp_short",
            "deploy-bot-2024-production",
            "svc-backup-node01-readonly",
            "backup-app01-readonly",
            "serviceAccountReader01",
            "mycompanyserviceaccount",
            "1234567890123456",
            "user%40example.com-and-more",
        ] {
            assert!(!is_token(user), "{user}");
        }
    }

    #[test]
    fn credentials_are_distinguished_from_modes() {
        for (value, secret) in [
            ("dXNlcjpwYXNz", "dXNlcjpwYXNz"),
            ("d3RzZXU6bjRoamtnYmdl", "d3RzZXU6bjRoamtnYmdl"),
            ("horse42BATTERY", "horse42BATTERY"),
            ("YWRtaW46YWRtaW4=", "YWRtaW46YWRtaW4="),
            ("admin:hunter22", "hunter22"),
            ("neo4j/s3cretPw", "neo4j/s3cretPw"),
            ("Bearer hunter2-correct-horse", "hunter2-correct-horse"),
            ("bearer plain", "plain"),
            ("Basic dXNlcjpwYXNz\" https://x", "dXNlcjpwYXNz"),
            ("Token s3cr3t!, x", "s3cr3t!"),
            ("Bearer a)b=;/5u1w}\"]}", "a)b=;/5u1w"),
            ("eyJhbGciOi.eyJzdWIi.c2ln", "eyJhbGciOi.eyJzdWIi.c2ln"),
            ("ghp_abcdefghijklmnopqrst", "ghp_abcdefghijklmnopqrst"),
        ] {
            assert_eq!(credentials(value).map(|at| &value[at]), Some(secret), "{value}");
        }
        for value in [
            "",
            "true",
            "basic",
            "Basic",
            "oauth2",
            "oauth2proxy",
            "oauth2Proxy",
            "clientSecretBasic",
            "gcpIamAuth",
            "scram-sha-256",
            "SCRAM-SHA-512",
            "webhook-v1beta1",
            "Bearer $TOKEN",
            "Bearer ${TOKEN}\"",
            "Bearer <token>",
            "bearer tokens are taken",
            "https://auth.example.com:8443/x1y2",
            "auth-service:8080",
            "auth.svc:grpc-web",
            "ghcr.io/acme/auth:v1.2.3",
            "acme/auth:2f3e4d5c",
            "auth:v1.22.333",
            "sha256:2f3e4d5c6b7a8f9e",
            "/etc/auth/2f3e4d5c6b7a",
            "neo4j/password",
            "{{ auth }}",
        ] {
            assert_eq!(credentials(value), None, "{value}");
        }
    }
}
