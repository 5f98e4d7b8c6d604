//! What is a secret, told by its name or its form. Nothing else decides; `mask` and `diff::hide` strike out.

use std::ops::Range;

use crate::node::{Entry, Node, Value};
use crate::report::unread;
use crate::suggest;

/// What the name of a secret holds, among others the annotation that repeats a whole object, its secrets with it.
const WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "PRIVATE_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "REQUIREPASS",
    "MASTERAUTH",
    "LAST_APPLIED_CONFIGURATION",
];

/// Names that speak of a secret and hold none.
const PUBLIC_ENDS: &[&str] =
    &["_FILE", "_PATH", "_DIR", "_NAME", "_NAMESPACE", "_REF", "_STDIN", "PASSWORD_KEY", "USERNAME_KEY"];

/// What stands where a secret could, and is none.
const PUBLIC_VALUES: &[&str] = &["", "|", "|-", ">", ">-", "{}", "{", "[]", "[", "true", "false", "null", "~"];

/// The program whose `-a` is a password.
const REDIS: &str = "redis-cli";

/// Whether a text has a part that each of those names has. Most have none, and no more is asked of them.
fn has_stem(text: &str) -> bool {
    text.as_bytes().windows(3).any(|part| {
        let lower = [part[0] | 0x20, part[1] | 0x20, part[2] | 0x20];
        matches!(&lower, b"pas" | b"pwd" | b"sec" | b"tok" | b"cre" | b"key" | b"aut" | b"ied")
    })
}

/// Whether a variable of that name holds a secret.
#[must_use]
pub(crate) fn is_secret_name(name: &str) -> bool {
    if !has_stem(name) {
        return false;
    }
    let name = name.to_ascii_uppercase();
    let short = name == "PASS" || name.ends_with("_PASS") || name.ends_with("_PWD");
    (short || WORDS.iter().any(|word| name.contains(word)))
        && !["_FILE", "_PATH", "_DIR", "_NAME"].iter().any(|end| name.ends_with(end))
}

/// Whether a key of a config file, an option or a variable holds a secret.
#[must_use]
pub(crate) fn names_secret(key: &str) -> bool {
    if !has_stem(key) {
        return false;
    }
    let mut name = String::with_capacity(key.len() + 4);
    let mut lower = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && lower {
            name.push('_');
        }
        lower = c.is_ascii_lowercase();
        name.push(if c == '-' || c == '.' { '_' } else { c.to_ascii_uppercase() });
    }
    let is_name = is_secret_name(&name) || name.split('_').any(is_misspelt);
    is_name && !PUBLIC_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether it was meant to be `PASSWORD`.
fn is_misspelt(word: &str) -> bool {
    word.len().abs_diff("PASSWORD".len()) <= 2 && suggest::nearest(word, ["PASSWORD"]).is_some()
}

/// Whether the name of a secret stands in a text.
pub(super) fn has_name(text: &str) -> bool {
    let mut words = text.split(|c: char| !is_of_name(c));
    // A variable's name ends as it likes, a field's tells by its end that it names a secret only.
    words.any(|word| {
        let is_variable = || is_secret_name(word) && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        names_secret(word) || is_variable() || word.split(['_', '-', '.']).any(is_misspelt)
    })
}

/// Which entries of a mapping in an object are secrets as a whole.
pub(crate) fn holds(parent: &Node) -> impl Fn(&str, &Node) -> bool {
    let of_secret = is_of_secret(parent);
    move |key, value| match key {
        "apiVersion" | "kind" | "metadata" | "type" | "immutable" => false,
        // Whatever it is called: `stringdata` holds a secret as well.
        _ if of_secret => true,
        "value" => is_secret_name(parent["name"].text()),
        _ => names_secret(key) && !is_reference_or_file(key, value),
    }
}

/// Whether a value is none of a secret, although its key speaks of one: a list or mapping, a file called `secrets.yaml`,
/// or the name of an object, as in `existingSecret`.
fn is_reference_or_file(key: &str, value: &Node) -> bool {
    match &value.value {
        Value::Null | Value::Bool(_) | Value::Sequence(_) | Value::Mapping(_) => true,
        Value::String(text) if key.contains('.') && text.trim_end().contains('\n') => true,
        _ => key == "secret" || key.ends_with("Secret"),
    }
}

/// Whether a mapping is a Secret, or was meant as one, and does not only name one.
pub(crate) fn is_of_secret(node: &Node) -> bool {
    let is_whole =
        || ["metadata", "data", "stringData"].iter().any(|key| node[*key].is_set()) || node["name"].is_null();
    is_kind(node["kind"].text()) && is_whole() || node["stringData"].is_set()
}

/// Whether a kind is that of Secrets, or nearly.
pub(super) fn is_kind(kind: &str) -> bool {
    let length = kind.len().abs_diff("Secret".len());
    kind == "Secret" || length <= 2 && suggest::nearest(kind, ["Secret"]).is_some()
}

/// Whether a key of a Secret's data is none, but a part of a value that was torn.
pub(crate) fn is_torn(key: &str, value: &Node) -> bool {
    value.is_null() || !key.chars().all(is_of_name)
}

/// The fields in a Secret's metadata that are none of it, such as data that are not indented as they should be.
pub(super) fn strays(secret: &Node) -> impl Iterator<Item = &Entry> {
    const FIELDS: &[&str] = &[
        "annotations",
        "creationTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "uid",
    ];
    let metadata = if is_of_secret(secret) { secret["metadata"].entries() } else { &[] };
    metadata.iter().filter(|entry| !FIELDS.contains(&&*entry.key))
}

/// Which arguments are secrets: those that follow an option such as `--requirepass`.
pub(crate) fn arguments<'a>(items: impl IntoIterator<Item = &'a Node>) -> Vec<usize> {
    let (mut found, mut redis, mut awaited) = (Vec::new(), false, false);
    for (at, item) in items.into_iter().enumerate() {
        let text = item.text();
        if awaited && !text.starts_with('-') && !is_reference(text, true) {
            found.push(at);
        }
        redis |= is_redis(text);
        awaited = awaits_secret(text, redis);
    }
    found
}

/// The secrets in a text, be it a config file, a script, a connection string or a manifest: ranges of bytes, in order.
pub(crate) fn in_text(text: &str) -> Vec<Range<usize>> {
    if !text.contains("Secret") {
        return in_lines(text);
    }
    let (mut found, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices("\n---").chain([(text.len(), "")]) {
        let document = &text[start..at];
        let has_data = || ["stringData", "\ndata", "\"data\""].iter().any(|key| document.contains(key));
        let is_manifest = unread::is_of_secret(document) && has_data();
        let secrets = if is_manifest { unread::places(document) } else { in_lines(document) };
        found.extend(secrets.into_iter().map(|range| start + range.start..start + range.end));
        start = at;
    }
    found
}

/// The secrets in the lines of a text.
pub(super) fn in_lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !(has_stem(text) || text.contains('@') || text.contains(REDIS)) {
        return found;
    }
    // How deep the key stands whose value is in the lines below, and whether it is all of them; whether a private key
    // is open.
    let mut block: Option<(usize, bool)> = None;
    let (signs, mut armoured) = (Signs::of(text, true), false);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let is_above = |depth: usize| indent < depth || indent == depth && !content[indent..].starts_with('-');
        if !content.is_empty() && block.is_some_and(|(depth, _)| is_above(depth)) {
            block = None;
        }
        armoured |= signs.dashes && content.contains("-----BEGIN") && content.contains("PRIVATE KEY");
        if armoured || block.is_some_and(|(_, whole)| whole || !content.contains(':')) {
            if indent < content.len() {
                found.push(start + indent..start + content.len());
            }
            armoured &= !content.contains("-----END");
        } else {
            block = opens_block(content).or(block);
            in_line(content, signs, start, &mut found);
        }
        start += line.len();
    }
    found
}

/// The secrets in words of which `name: value` says nothing, as in messages and lines whose keys a schema has judged:
/// those in addresses, options and assignments.
pub(super) fn in_words(text: &str) -> Vec<Range<usize>> {
    let (signs, mut found) = (Signs::of(text, false), Vec::new());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        in_line(line.trim_end(), signs, start, &mut found);
        start += line.len();
    }
    found
}

/// A text with ranges of it struck out; they are in order.
pub(crate) fn strike(text: &str, ranges: &[Range<usize>]) -> String {
    let (mut out, mut shown) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        // One secret may begin inside another: all that belongs to any is struck out, once.
        if range.start >= shown {
            out.push_str(&text[shown..range.start]);
            out.push_str(super::DOTS);
        }
        shown = shown.max(range.end);
    }
    out.push_str(&text[shown..]);
    out
}

/// Whether a line names a secret whose text follows below, how deep, and whether all of it is the secret: `password: |`.
fn opens_block(line: &str) -> Option<(usize, bool)> {
    let (before, value) = line.split_once(':')?;
    let depth = before.len() - before.trim_start_matches([' ', '\t', '-']).len();
    let value = value.trim_start();
    let whole = value.starts_with(['|', '>']);
    ((whole || value.is_empty()) && names_secret(before[depth..].trim_matches(['"', '\'']))).then_some((depth, whole))
}

/// What is to be looked for in the lines of a text.
#[derive(Clone, Copy)]
struct Signs {
    /// Whether what follows a name and a colon counts.
    colons: bool,
    /// Whether there are options, or a private key.
    dashes: bool,
    /// Whether there are words that take a secret without a sign.
    words: bool,
    /// Whether there are addresses of Go's form: `user:password@tcp(host:port)/database`.
    networks: bool,
}

impl Signs {
    fn of(text: &str, colons: bool) -> Self {
        let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
        let words = has(&["requirepass", "masterauth", REDIS]);
        Self { colons, dashes: text.contains("--"), words, networks: has(NETWORKS) }
    }
}

const NETWORKS: &[&str] = &["@tcp(", "@unix("];

/// The secrets in a line: what follows a secret's name, an option, or stands in an address as a password.
fn in_line(line: &str, signs: Signs, start: usize, found: &mut Vec<Range<usize>>) {
    let first = found.len();
    let mut from = 0;
    let mut word = Word::default();
    while let Some(sign) = line[from..].find([':', '=']).map(|sign| from + sign) {
        from = sign + 1;
        let is_colon = line.as_bytes()[sign] == b':';
        let is_address = is_colon && line[from..].starts_with("//");
        if word.end < from && (is_address || signs.networks) {
            word = Word::of(line, from);
        }
        let secret = if is_address {
            password_of(line, from + 2, &word)
        } else if (signs.colons || !is_colon) && names_secret(name_before(line, sign)) {
            value_after(line, from, !is_colon)
        } else if is_colon && signs.networks {
            let is_network = |sign: &usize| NETWORKS.iter().any(|network| line[*sign..].starts_with(network));
            word.sign.filter(is_network).map(|sign| from..sign)
        } else {
            None
        };
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            from = secret.end;
            found.push(start + secret.start..start + secret.end);
        }
    }
    if signs.dashes || signs.words {
        options(line, start, found);
    }
    found[first..].sort_unstable_by_key(|range| range.start);
}

/// What follows an option that takes a secret.
fn options(line: &str, start: usize, found: &mut Vec<Range<usize>>) {
    const AROUND: &[char] = &[' ', '\t', ',', '"', '\'', '[', ']'];
    let (mut redis, mut at) = (false, 0);
    for word in line.split_inclusive(AROUND) {
        let from = at;
        at += word.len();
        let word = word.trim_end_matches(AROUND);
        redis = (redis || is_redis(word)) && !word.ends_with([';', '|', '&']);
        if awaits_secret(word, redis) {
            // Behind what closes this word, in a list of words.
            let end = from + word.len();
            let quoted = line[..from].ends_with(['"', '\'']);
            let end = end + usize::from(quoted && line[end..].starts_with(['"', '\'']));
            let end = end + line[end..].len() - line[end..].trim_start_matches([' ', '\t', ',']).len();
            let value = value_after(line, end, true).filter(|value| !line[value.start..].starts_with('-'));
            found.extend(value.map(|value| start + value.start..start + value.end));
        }
    }
}

/// Whether the argument that comes next is a secret.
fn awaits_secret(option: &str, redis: bool) -> bool {
    match option.strip_prefix("--") {
        Some(name) => !name.contains(['=', ':']) && !name.starts_with("no-") && names_secret(name),
        None => matches!(option, "requirepass" | "masterauth") || redis && option == "-a",
    }
}

fn is_redis(program: &str) -> bool {
    program.ends_with(REDIS)
}

/// What stands up to the next blank or quote; looked through once, however many addresses begin in it.
#[derive(Default)]
struct Word {
    end: usize,
    /// Where its last `@` is.
    sign: Option<usize>,
}

impl Word {
    fn of(line: &str, start: usize) -> Self {
        let ends = line[start..].match_indices([' ', '"', '\'']).map(|(at, _)| start + at);
        let end = ends.into_iter().find(|at| ends_value(&line[*at..])).unwrap_or(line.len());
        Self { end, sign: line[start..end].rfind('@').map(|sign| start + sign) }
    }
}

/// Where the password stands in what follows `scheme://`: `user:password@host`.
fn password_of(line: &str, start: usize, word: &Word) -> Option<Range<usize>> {
    let address = line.get(start..word.end)?;
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let colon = address.find(':')?;
    let end = match authority.rfind('@') {
        Some(end) => end,
        // A password with a slash in it, unless what follows the colon is a port, or it stands in the host's brackets.
        None if authority.starts_with('[') || is_port(authority.get(colon + 1..)?) => return None,
        None => word.sign?.checked_sub(start)?,
    };
    (colon < end && !is_reference(&address[colon + 1..end], true)).then_some(start + colon + 1..start + end)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) || is_reference(text, true)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The name that ends before a colon or equals sign.
fn name_before(line: &str, end: usize) -> &str {
    let before = line[..end].trim_end().trim_end_matches(['"', '\'', '\\']);
    let start = before
        .rfind(|c: char| !is_of_name(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..].trim_start_matches('-')
}

/// Whether a value only names another one, as `$PASSWORD` does. `shell`: whether any name may follow the sign; where a
/// config file is written by hand, a password may begin with one.
fn is_reference(value: &str, shell: bool) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    let is_variable = end > 0
        && (shell || !name[..end].bytes().any(|byte| byte.is_ascii_lowercase()))
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name[end..].starts_with('$');
    name.starts_with(['(', '{']) || is_variable
}

/// Where the value behind a colon, an equals sign (`assigned`) or an option stands.
fn value_after(line: &str, from: usize, assigned: bool) -> Option<Range<usize>> {
    let start = from + (line[from..].len() - line[from..].trim_start().len());
    // In a text within a text the quotes are escaped.
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| line[start..].starts_with(quote));
    let start = start + quote.map_or(0, str::len);
    let rest = &line[start..];
    if is_reference(rest, assigned) {
        return None;
    }
    let end = match quote {
        // Up to the next quote that a comma, a bracket or the end follows.
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
    (!PUBLIC_VALUES.contains(&&rest[..end])).then_some(start..start + end)
}

/// Whether a value ends at this sign. A comma may well stand in it, unless the next name follows, and a quote, unless
/// nothing goes on behind it.
fn ends_value(rest: &str) -> bool {
    if let Some(behind) = rest.strip_prefix(['"', '\'']) {
        return !behind.starts_with(|c: char| c.is_alphanumeric());
    }
    let Some(behind) = rest.strip_prefix([',', ';', '&']) else { return true };
    let name = behind.find(|c: char| !is_of_name(c)).unwrap_or(behind.len());
    name == 0 || behind[name..].starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn texts_lose_what_is_named_or_formed_like_a_secret() {
        let shown = |text: &str| strike(text, &in_text(text));
        for (text, expected) in [
            ("password: hunter22", "password: •••"),
            ("  dbPassword: \"a, b\"", "  dbPassword: \"•••\""),
            ("export PGPASSWORD='x y'; psql", "export PGPASSWORD='•••'; psql"),
            ("PGPASSWORD=abc psql -h db", "PGPASSWORD=••• psql -h db"),
            ("PGPASSWORD=abc; psql", "PGPASSWORD=•••; psql"),
            ("PGPASSWORD=\"$PASS\" psql", "PGPASSWORD=\"$PASS\" psql"),
            ("PGPASSWORD=$(cat /run/x) psql", "PGPASSWORD=$(cat /run/x) psql"),
            ("password: $ecret", "password: •••"),
            ("password: $SECRET", "password: $SECRET"),
            ("host=db password=abc sslmode=disable", "host=db password=••• sslmode=disable"),
            ("db:6379,password=a,b;c,ssl=true", "db:6379,password=•••,ssl=true"),
            ("jdbc:postgresql://db/x?user=a&password=b&ssl=1", "jdbc:postgresql://db/x?user=a&password=•••&ssl=1"),
            ("--api-key=abc --level=info", "--api-key=••• --level=info"),
            ("redis-server --requirepass abc --port 1", "redis-server --requirepass ••• --port 1"),
            ("requirepass abc\nport 1", "requirepass •••\nport 1"),
            ("redis-cli -h x -a abc ping; ls -a x", "redis-cli -h x -a ••• ping; ls -a x"),
            ("[\"redis-cli\",\"-a\",\"abc\",\"ping\"]", "[\"redis-cli\",\"-a\",\"•••\",\"ping\"]"),
            ("cp -a x y", "cp -a x y"),
            ("psql --no-password app", "psql --no-password app"),
            ("x --password-file /run/x --password $X", "x --password-file /run/x --password $X"),
            ("x --password --level info", "x --password --level info"),
            ("url: postgres://app:s3cret@db:5432/x?a=b", "url: postgres://app:•••@db:5432/x?a=b"),
            ("postgres://app:a/b?c@db/x", "postgres://app:•••@db/x"),
            ("postgres://app:$PASS@db/x http://$H:$P/a@b", "postgres://app:$PASS@db/x http://$H:$P/a@b"),
            ("app:a@b@tcp(db:3306)/x", "app:•••@tcp(db:3306)/x"),
            (
                "http://h/x,postgres://a:b@c,redis://:d/e@f http://g@h",
                "http://h/x,postgres://a:•••@c,redis://:•••@f http://g@h",
            ),
            ("http://registry:5000/a@sha256:abc http://h/x@y", "http://registry:5000/a@sha256:abc http://h/x@y"),
            ("http://example.com:8080/a@b http://[::1]:80/a@b", "http://example.com:8080/a@b http://[::1]:80/a@b"),
            ("{\"user\": \"a\", \"token\": \"t\", \"n\": 1}", "{\"user\": \"a\", \"token\": \"•••\", \"n\": 1}"),
            (r#""{\"user\":\"a\",\"token\":\"t\"}""#, r#""{\"user\":\"a\",\"token\":\"•••\"}""#),
            ("passwordKey: password", "passwordKey: password"),
            ("secretsFile: /etc/x.yaml", "secretsFile: /etc/x.yaml"),
            ("automountServiceAccountToken: false", "automountServiceAccountToken: false"),
            (
                "key: |\n  a\npassword: |\n  one\n  two\nlevel: info",
                "key: |\n  a\npassword: |\n  •••\n  •••\nlevel: info",
            ),
            ("- token: |\n    a: b\n  level: info", "- token: |\n    •••\n  level: info"),
            ("passwords:\n- a\n- b\nlevel: info", "passwords:\n•••\n•••\nlevel: info"),
            ("secret:\n  name: a", "secret:\n  name: a"),
            ("passwrd: abc\npassive: abc", "passwrd: •••\npassive: abc"),
            (
                "kind: Pod\nimage: a\n---\nkind: Secret\ndata:\n  host: abc\n---\nimage: b",
                "kind: Pod\nimage: a\n---\nkind: •••\ndata:\n  host: •••\n---\nimage: b",
            ),
            ("a\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nb", "a\n•••\n•••\n•••\nb"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn words_lose_what_tells_itself() {
        for (text, expected) in [
            (
                "no field `password`: it is a secret: see the Secret",
                "no field `password`: it is a secret: see the Secret",
            ),
            ("`redis://:abc@h` and `x?token=abc`", "`redis://:•••@h` and `x?token=•••`"),
            ("image `team/token:v1`", "image `team/token:v1`"),
        ] {
            assert_eq!(strike(text, &in_words(text)), expected);
        }
    }

    #[test]
    fn arguments_follow_their_options() {
        let secrets = |words: &[&str]| -> Vec<String> {
            let items: Vec<Node> = words.iter().map(|word| Node::new(*word, Span::NONE)).collect();
            arguments(&items).into_iter().map(|at| words[at].to_owned()).collect()
        };
        assert_eq!(secrets(&["redis-server", "--port", "1", "--requirepass", "abc"]), ["abc"]);
        assert_eq!(secrets(&["/usr/bin/redis-cli", "-a", "abc", "ping"]), ["abc"]);
        assert_eq!(secrets(&["cp", "-a", "x", "y"]), [""; 0]);
        assert_eq!(secrets(&["x", "--password", "$(PASSWORD)", "--token", "--level"]), [""; 0]);
    }
}
