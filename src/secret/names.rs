//! The names of secrets, and ordinary words.

use crate::text::assign::is_of_name;

/// Parts of the names of secrets; also of the annotation that repeats a whole object with its secrets.
const WORDS: &[&str] = &[
    "PASSWORD",
    "PASS_WORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "CREDENTIAL",
    "PRIVATE_KEY",
    "PRIVATEKEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "STOREPASS",
    "KEYPASS",
    "REQUIREPASS",
    "MASTERAUTH",
    "REDISCLI_AUTH",
    "LAST_APPLIED_CONFIGURATION",
];

/// Ends of the names of keys that are not look-up keys.
const KEY_ENDS: &[&str] =
    &["ACCOUNT_KEY", "ACCESSKEY", "ENCRYPTION_KEY", "SIGNING_KEY", "MASTER_KEY", "CLIENT_KEY_DATA"];

/// Parts of the names of passwords, whose values are hardly ever anything else.
const PASSWORDS: &[&str] =
    &["PASSWORD", "PASS_WORD", "PASSWD", "PASSPHRASE", "REQUIREPASS", "MASTERAUTH", "REDISCLI_AUTH"];

/// Ends of names that mention a secret and whose values are not secret.
#[rustfmt::skip]
const PUBLIC_ENDS: &[&str] = &[
    // Where it is, or its name.
    "_FILE", "_FILES", "_PATH", "_PATHS", "_DIR", "_NAME", "_NAMES", "_NAMESPACE", "_REF", "_REFS", "_STDIN", "_URL", "_URI",
    "_ENDPOINT", "_HOST", "_PORT", "_REGION", "_SERVICE", "_STORE", "_BACKEND", "_PROVIDER", "_MANAGER", "_ENGINE", "_SOURCE",
    "_PREFIX", "_HEADER", "_FIELD", "_COLUMN", "_CLAIM", "PASSWORD_KEY", "PASSWORD_KEYS", "USERNAME_KEY",
    // How long it is valid.
    "_TTL", "_EXPIRATION", "_EXPIRY", "_EXPIRES", "_EXPIRES_IN", "_SECONDS", "_MINUTES", "_HOURS", "_DAYS", "_DURATION",
    "_LIFETIME", "_TIMEOUT", "_INTERVAL", "_MAX_AGE", "_VALIDITY",
    // What it is like.
    "_TYPE", "_FORMAT", "_POLICY", "_LENGTH", "_SIZE", "_COUNT", "_LIMIT", "_ALGORITHM", "_ALG", "_ENCODING", "_METHOD", "_MODE",
    "_CLASS", "_ENCODER", "_HASHER", "_VALIDATOR", "_GENERATOR", "_BUCKET", "_RULES", "_REGEX", "_PATTERN", "_STRENGTH", "_VERSION", "_ISSUER", "_AUDIENCE", "_AUDIENCES", "_SCOPE", "_SCOPES", "_ENABLED", "_REQUIRED", "_ROTATION",
];

/// Ends of the keys of a Secret whose values are not secret: the user, and the address.
const PUBLIC_KEYS: &[&str] =
    &["USER", "USERNAME", "HOST", "PORT", "DB", "DBNAME", "DATABASE", "TYPE", "CA_CRT", "TLS_CRT"];

/// Words that mean that tokens are counted: those of a language model.
const COUNTED: &[&str] =
    &["MAX", "MIN", "NUM", "TOTAL", "COUNT", "LIMIT", "INPUT", "OUTPUT", "PROMPT", "COMPLETION", "CONTEXT", "BUDGET"];

/// First a part of each name of a secret, then of addresses, then of programs; at most 64 bytes in total.
#[rustfmt::skip]
const STEMS: &[&[u8]] = &[
    b"pas", b"word", b"pwd", b"secr", b"toke", b"cred", b"key", b"auth", b"ied",
    b"@",
    b"-cli", b"ysq", b"mari", b"curl", b"mong", b"lda", b"cmd", b"logi",
];

/// The number of stems of names, and of names and addresses.
const NAME_STEMS: usize = 9;
const TEXT_STEMS: usize = 10;

/// For each byte, the bits of its positions in the concatenated stems; and the bits at which the stems start.
const STEM_BITS: ([u64; 256], u64) = {
    let (mut of_byte, mut starts) = ([0; 256], 0);
    let (mut stem, mut bit) = (0, 0);
    while stem < STEMS.len() {
        starts |= 1 << bit;
        let mut at = 0;
        while at < STEMS[stem].len() {
            let byte = STEMS[stem][at];
            of_byte[byte.to_ascii_lowercase() as usize] |= 1 << bit;
            of_byte[byte.to_ascii_uppercase() as usize] |= 1 << bit;
            at += 1;
            bit += 1;
        }
        stem += 1;
    }
    (of_byte, starts)
};

/// The bits at which the first `count` stems end.
const fn ends(count: usize) -> u64 {
    let (mut ends, mut stem, mut bit) = (0, 0, 0);
    while stem < count {
        bit += STEMS[stem].len();
        ends |= 1 << (bit - 1);
        stem += 1;
    }
    ends
}

static OF_BYTE: [u64; 256] = STEM_BITS.0;
const STARTS: u64 = STEM_BITS.1;
const NAME_ENDS: u64 = ends(NAME_STEMS);
const ENDS: u64 = ends(STEMS.len());
const PROGRAM_ENDS: u64 = ENDS & !ends(TEXT_STEMS);

/// Whether a string contains one of the stems. All are searched for at once, since nearly every string has none.
fn reaches(text: &str, ends: u64) -> bool {
    let mut state = 0_u64;
    for byte in text.as_bytes() {
        state = ((state << 1) | STARTS) & OF_BYTE[*byte as usize];
        if state & ends != 0 {
            return true;
        }
    }
    false
}

/// Whether a string has a part that every name of a secret has.
fn has_stem(text: &str) -> bool {
    reaches(text, NAME_ENDS)
}

/// Whether a string has a part that every string with a secret has.
pub(super) fn has_sign(text: &str) -> bool {
    reaches(text, ENDS)
}

/// Whether a program whose options take secrets may occur in a string.
pub(super) fn has_program(text: &str) -> bool {
    reaches(text, PROGRAM_ENDS) || text.contains("sshpass")
}

/// Normalizes a name: `dbPassword` and `db-password` are `DB_PASSWORD`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            words.push('_');
        }
        lower = c.is_ascii_lowercase();
        words.push(if c == '-' || c == '.' { '_' } else { c.to_ascii_uppercase() });
    }
    words
}

/// Whether a normalized name mentions a secret, whether or not its value is one.
fn words_mention_secret(words: &str) -> bool {
    let is_told = |word: &str| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.ends_with("TOKEN") || word.ends_with("TOKENS") || is_near(word, "PASSWORD")
    };
    let short = matches!(words, "PASS" | "_AUTH") || words.ends_with("_PASS") || words.ends_with("_PWD");
    let is_key = || words.contains("KEY") && KEY_ENDS.iter().any(|end| words.ends_with(end));
    short || WORDS.iter().any(|word| words.contains(word)) || is_key() || words.split('_').any(is_told)
}

/// Whether the value of a key of a Secret is not secret on its own and is repeated elsewhere: `POSTGRES_USER`,
/// `tls.crt`.
pub(crate) fn is_public_key(name: &str) -> bool {
    let words = words(name);
    let is_last = |end: &&str| words.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
    PUBLIC_KEYS.iter().any(is_last) && !words_mention_secret(&words)
}

/// Whether a name mentions a secret, whether or not its value is one.
pub(crate) fn mentions_secret(name: &str) -> bool {
    has_stem(name) && words_mention_secret(&words(name))
}

/// Whether the value of a variable, a config key or an option with this name is a secret.
#[must_use]
pub(crate) fn is_secret_name(name: &str) -> bool {
    if !has_stem(name) {
        return false;
    }
    let words = words(name);
    let has = |is: fn(&str) -> bool| words.split('_').any(is);
    let counts = || has(|word| word == "TOKENS") && has(|word| COUNTED.contains(&word));
    words_mention_secret(&words) && !PUBLIC_ENDS.iter().any(|end| words.ends_with(end)) && !counts()
}

/// Whether a name is that of credentials or of a way to authenticate, such as `auth` and `Authorization`: the form of
/// the value decides.
pub(super) fn is_auth_name(name: &str) -> bool {
    let ends = |end: &str| {
        name.len()
            .checked_sub(end.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    if is_near(name, "Authorization") {
        return true;
    }
    if ends("auth") || ends("authorization") {
        let words = words(name);
        let words = words.trim_start_matches('_');
        return matches!(words, "AUTH" | "BASICAUTH") || words.ends_with("_AUTH") || words.ends_with("_AUTHORIZATION");
    }
    matches!(name, ".dockerconfigjson" | ".dockercfg")
}

/// Whether a secret's name is that of a password.
pub(super) fn is_password_name(name: &str) -> bool {
    let words = words(name);
    let short = words.ends_with("PASS") || words.ends_with("PWD");
    short || PASSWORDS.iter().any(|word| words.contains(word)) || words.split('_').any(|word| is_near(word, "PASSWORD"))
}

/// Whether a name may be first in a line of a properties file, followed by a colon without a space.
pub(super) fn is_property(name: &str) -> bool {
    is_password_name(name) || is_auth_name(name)
}

/// Whether a name is that of a mapping of names to secrets.
pub(super) fn is_plural(name: &str) -> bool {
    let words = words(name);
    ["PASSWORDS", "PASSPHRASES", "TOKENS", "API_KEYS"].iter().any(|end| words.ends_with(end)) && is_secret_name(name)
}

/// Whether the name of a secret occurs in a string.
pub(crate) fn has_name(text: &str) -> bool {
    has_stem(text) && text.split(|c: char| !is_of_name(c)).any(is_secret_name)
}

/// Whether a kind is Secret, or nearly.
pub(super) fn is_kind(kind: &str) -> bool {
    is_near(kind, "Secret")
}

/// Whether two words differ by at most one letter, or by two swapped letters, ignoring case.
pub(super) fn is_near(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    while let ([a, one_rest @ ..], [b, other_rest @ ..]) = (one, other) {
        if !a.eq_ignore_ascii_case(b) {
            break;
        }
        (one, other) = (one_rest, other_rest);
    }
    while let ([one_rest @ .., a], [other_rest @ .., b]) = (one, other) {
        if !a.eq_ignore_ascii_case(b) {
            break;
        }
        (one, other) = (one_rest, other_rest);
    }
    match (one, other) {
        ([a, b], [c, d]) => a.eq_ignore_ascii_case(d) && b.eq_ignore_ascii_case(c),
        _ => one.len() <= 1 && other.len() <= 1,
    }
}

/// Whether a string is a valid object name.
pub(super) fn is_object_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().all(|byte| is_plain(byte) || matches!(byte, b'-' | b'.'))
        && text.bytes().next().is_some_and(is_plain)
        && text.bytes().next_back().is_some_and(is_plain)
        && text.len() <= 253
}

/// Whether a string is a word that occurs in messages, which would be unreadable without it. `many`: or several
/// words.
pub(super) fn is_ordinary(text: &str, many: bool) -> bool {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if many {
        text.split(['-', '_', '.', '/', ':', ' ']).all(|part| part.len() <= 3 || is_word(part) || is_number(part))
    } else {
        is_word(text) || is_number(text)
    }
}

/// Whether a string looks like a word, by its length and case.
pub(super) fn is_word(part: &str) -> bool {
    const LONGEST: usize = 12;
    let rest = part.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(part);
    let alike = |is: fn(&u8) -> bool| rest.bytes().all(|byte| is(&byte));
    part.len() <= LONGEST && (alike(u8::is_ascii_lowercase) || alike(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in [
            "DB_PASSWORD",
            "dbPassword",
            "password",
            "passwords",
            "pasword",
            "apssword",
            "passwrd",
            "passWord",
            "PGPASSWORD",
            "SMTP_PASS",
            "DB_PWD",
            "token",
            "tokens",
            "authtoken",
            "TOKEN2",
            "JWTToken",
            "api-tokens",
            "SECRET_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "clientSecret",
            "spring.datasource.password",
            "apiKey",
            "requirepass",
            "_auth",
            "_authToken",
            "REDISCLI_AUTH",
            "ssh-privatekey",
            "srcstorepass",
            "AccountKey",
            "app.encryptionKey",
            "client-key-data",
            "kubectl.kubernetes.io/last-applied-configuration",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "passport",
            "passive",
            "tokenizer",
            "tokenExpiration",
            "tokenUrl",
            "tokenURL",
            "maxTokens",
            "max_new_tokens",
            "token-service",
            "tokens.max",
            "tokenBucket",
            "passwordEncoder",
            "tokenFormat",
            "secretsBackend",
            "secretStore",
            "SECRET_NAMESPACE",
            "passwordKey",
            "PASSWORD_FILE",
            "secretName",
            "secretKeyRef",
            "securityContext",
            "key",
            "client-certificate-data",
            "ENCRYPTION_KEY_ID",
            "signing-keys",
            "PWD",
            "keyboard",
            "auth",
            "authMode",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        for name in
            ["auth", "_auth", "basicAuth", "REGISTRY_AUTH", "Authoriztion", "Proxy-Authorization", ".dockerconfigjson"]
        {
            assert!(is_auth_name(name), "{name}");
        }
        for name in ["oauth", "authMode", "auths", "authorizationPolicy", "unauth"] {
            assert!(!is_auth_name(name), "{name}");
        }
    }

    #[test]
    fn one_letter_is_no_matter() {
        for near in ["Secret", "secret", "Secrt", "Secrets", "Scret", "Sceret", "Sekret", "ecret"] {
            assert!(is_near(near, "Secret"), "{near}");
        }
        for far in ["", "Sec", "Regret", "Secetr", "Screte", "SecretStore", "Sercter"] {
            assert!(!is_near(far, "Secret"), "{far}");
        }
    }

    #[test]
    fn ordinary_words_are_distinguished_from_secrets() {
        for text in ["default", "Bearer", "RS256", "40960", "kubernetes.io/tls", "aws-secrets-manager"] {
            assert!(is_ordinary(text, true) || text == "RS256", "{text}");
        }
        for text in ["hunter22", "hunter2-correct-horse", "leak-9f8e7d", "aBcDeFgH", "s3cr3t!"] {
            assert!(!is_ordinary(text, true), "{text}");
        }
        assert!(is_ordinary("postgres", false) && !is_ordinary("correct-horse", false));
    }
}
