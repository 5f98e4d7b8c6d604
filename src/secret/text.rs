//! Finds the secrets in a string: by the names before them, and by the forms of URLs, options and keys.

use std::ops::Range;

use crate::node::Node;
use crate::secret::beside::{Pair, pairs, tags};
use crate::secret::command::{Command, SecretAt, has_one_dash_option};
use crate::secret::forms::{credentials, is_token};
use crate::secret::names::{has_program, has_sign, is_auth_name, is_plural, is_property, is_secret_name};
use crate::secret::{Evidence, REDACTED, unread};
use crate::source::{Sources, Span};
use crate::text::assign::{Piece, depth, is_of_name, is_reference, name_before, value_after};

/// A secret in a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) evidence: Evidence,
}

impl Found {
    pub(super) fn new(start: usize, range: Range<usize>, evidence: Evidence) -> Self {
        Self { range: start + range.start..start + range.end, evidence }
    }
}

fn ranges(found: Vec<Found>) -> Vec<Range<usize>> {
    found.into_iter().map(|found| found.range).collect()
}

/// The arguments that are secrets, such as the one after `--requirepass`: their indices, and the byte at which the
/// secret starts.
pub(crate) fn arguments<'a>(items: impl IntoIterator<Item = &'a Node>) -> Vec<(usize, usize)> {
    let (mut found, mut command) = (Vec::new(), Command::default());
    for (at, item) in items.into_iter().enumerate() {
        let text = item.text();
        let pending = command.pending.take().filter(|_| !text.starts_with('-'));
        let secret_at = command.read(text);
        let here = match (pending, secret_at) {
            (Some(SecretAt::NextWord { login }), _) => Some((0, login)),
            (_, SecretAt::InWord { at, login }) => Some((at, login)).filter(|_| at < text.len()),
            _ => None,
        };
        command.pending = Some(secret_at);
        let start = here.and_then(|(start, login)| if login { password_from(text, start) } else { Some(start) });
        if let Some(start) = start.filter(|start| !is_reference(&text[*start..], true)) {
            found.push((at, start));
        }
    }
    found
}

/// The byte at which the password starts in `user:password`.
fn password_from(text: &str, start: usize) -> Option<usize> {
    let colon = start + text[start..].find(':')?;
    (colon + 1 < text.len()).then_some(colon + 1)
}

/// The secrets in a string, such as a config file, a script, a connection string or a manifest: byte ranges, in
/// order.
pub(crate) fn in_text(text: &str) -> Vec<Range<usize>> {
    ranges(found_in(text))
}

/// The same, each with the evidence for it.
pub(crate) fn found_in(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if !has_sign(text) {
        return found;
    }
    if !text.contains("Secret") {
        lines(text, 0, &mut found);
        return found;
    }
    let mut start = 0;
    for (at, _) in text.match_indices("\n---").chain([(text.len(), "")]) {
        let document = &text[start..at];
        let has_data = || ["stringData", "\ndata", "\"data\""].iter().any(|key| document.contains(key));
        if unread::is_secret_kind(document) && has_data() {
            found.extend(unread::places(document).into_iter().map(|range| Found::new(start, range, Evidence::Name)));
        } else {
            lines(document, start, &mut found);
        }
        start = at;
    }
    found
}

/// The positions of the secrets in a string as it is written in a file. If escapes or folding leave fewer of them
/// than the `many` of the parsed string, the position of the whole string.
pub(crate) fn written(sources: &Sources, span: Span, many: usize) -> Vec<Span> {
    let text = sources.text(span);
    let inner = text.strip_prefix(['"', '\'']).map_or(&*text, |inner| &inner[..inner.len().saturating_sub(1)]);
    let start = span.start + (text.len() > inner.len()) as u32;
    let found = in_text(inner);
    if found.len() < many {
        return vec![span];
    }
    found.into_iter().map(|at| Span::new(span.file, start + at.start as u32, start + at.end as u32)).collect()
}

/// The secrets in the lines of a string.
pub(super) fn in_lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if has_sign(text) {
        lines(text, 0, &mut found);
    }
    ranges(found)
}

/// The secrets in the lines of a part of a string that starts at the byte `start`.
fn lines(text: &str, mut start: usize, found: &mut Vec<Found>) {
    // The indentation of the key whose value is in the lines below, whether all of it is secret, and the evidence;
    // and whether a private key has begun.
    let mut block: Option<(usize, bool, Evidence)> = None;
    let (signs, mut state, mut armoured) = (Signs::of(text, true), State::default(), false);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let is_above = |depth: usize| indent < depth || indent == depth && !content[indent..].starts_with('-');
        if !content.is_empty() && block.is_some_and(|(depth, ..)| is_above(depth)) {
            block = None;
        }
        armoured |= signs.dashes && content.contains("-----BEGIN") && content.contains("PRIVATE KEY");
        let of_block = block.filter(|(_, whole, _)| *whole || !content.contains(':')).map(|(.., evidence)| evidence);
        if let Some(evidence) = if armoured { Some(Evidence::Form) } else { of_block } {
            if indent < content.len() {
                found.push(Found::new(start, indent..content.len(), evidence));
            }
            armoured &= !content.contains("-----END");
        } else {
            block = opens_block(content).or(block);
            in_line(content, signs, &mut state, start, found);
        }
        start += line.len();
    }
}

/// The secrets in strings in which `name: value` has no meaning, such as messages and lines whose keys a schema has
/// checked: those in URLs, options and assignments.
pub(crate) fn in_words(text: &str) -> Vec<Range<usize>> {
    if !has_sign(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (signs, mut state, mut start) = (Signs::of(text, false), State::default(), 0);
    for line in text.split_inclusive('\n') {
        in_line(line.trim_end(), signs, &mut state, start, &mut found);
        start += line.len();
    }
    ranges(found)
}

/// Redacts a message that repeats the command line. There, a value follows a colon as well as an equals sign.
pub(crate) fn typed(text: &str) -> String {
    let mut found = in_words(text);
    for (colon, _) in text.match_indices(':') {
        let before = &text[..colon];
        let name = before
            .rfind(|c: char| !is_of_name(c))
            .map_or(before, |at| before[at..].trim_start_matches(|c| !is_of_name(c)));
        let value = &text[colon + 1..];
        let end = value.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`')).unwrap_or(value.len());
        if end > 0 && is_secret_name(name) {
            found.push(colon + 1..colon + 1 + end);
        }
    }
    found.sort_unstable_by_key(|range| range.start);
    redact(text, &found)
}

/// Redacts ranges of a string, which are in order.
pub(crate) fn redact(text: &str, ranges: &[Range<usize>]) -> String {
    let (mut out, mut shown) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        // Secrets may overlap: what belongs to any of them is redacted once.
        if range.start >= shown {
            out.push_str(&text[shown..range.start]);
            out.push_str(REDACTED);
        }
        shown = shown.max(range.end);
    }
    out.push_str(&text[shown..]);
    out
}

/// If a line is a secret's name with the value below it: its indentation, whether all of the value is secret, as
/// after `password: |`, and the evidence.
fn opens_block(line: &str) -> Option<(usize, bool, Evidence)> {
    let (before, value) = line.split_once(':')?;
    let depth = depth(before);
    let value = value.trim_start();
    let text = value.starts_with(['|', '>']);
    let name = before[depth..].trim_matches(['"', '\'']);
    let opens = (text || value.is_empty()) && is_secret_name(name);
    opens.then(|| (depth, text || is_plural(name), Evidence::of_name(name)))
}

/// What to search for in the lines of a string.
#[derive(Clone, Copy)]
struct Signs {
    /// Whether a name and a colon introduce a value.
    colons: bool,
    /// Whether there may be options, or a private key.
    dashes: bool,
    /// Whether there may be words that are followed by a secret, or programs with such options.
    words: bool,
    /// Whether there may be logins to image registries as in Docker's configuration, where `auth` is always a secret.
    registries: bool,
    /// Whether there may be addresses in Go's form: `user:password@tcp(host:port)/database`.
    networks: bool,
    /// Whether there may be a quoted string after a word.
    quotes: bool,
    /// Whether there may be values next to their names, or between tags.
    pairs: bool,
    tags: bool,
}

impl Signs {
    fn of(text: &str, colons: bool) -> Self {
        let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
        let words = has(&["requirepass", "masterauth"]) || has_program(text);
        let (dashes, registries) = (text.contains("--") || has_one_dash_option(text), text.contains("\"auths"));
        let tags = colons && text.contains("</");
        let pairs = tags || colons && has(&["value", "Value"]);
        Self { colons, dashes, words, registries, networks: has(NETWORKS), quotes: text.contains(" '"), pairs, tags }
    }
}

const NETWORKS: &[&str] = &["@tcp(", "@unix("];

/// What a line means for the lines below it.
#[derive(Default)]
struct State {
    command: Command,
    pair: Pair,
}

/// The secrets in a line: the values of secret names and options, and the passwords in URLs.
fn in_line(line: &str, signs: Signs, state: &mut State, start: usize, found: &mut Vec<Found>) {
    let first = found.len();
    let mut from = 0;
    let mut word = Piece::default();
    let is_secret = |name: &str, sign: usize| {
        is_secret_name(name)
            || signs.registries && name == "auth"
            || name.eq_ignore_ascii_case("pwd") && line[sign..].starts_with('=') && is_of_connection(line, name, sign)
    };
    while let Some(sign) = line.as_bytes()[from..].iter().position(|byte| matches!(byte, b':' | b'=')) {
        let sign = from + sign;
        from = sign + 1;
        let is_colon = line.as_bytes()[sign] == b':';
        let is_address = is_colon && line[from..].starts_with("//");
        if word.end < from && (is_address || signs.networks) {
            word = Piece::of(line, from);
        }
        let name = if is_address { None } else { name_before(line, sign, is_property) };
        let secret = if is_address {
            found.extend(token_of(line, from + 2, &word).map(|range| Found::new(start, range, Evidence::Form)));
            password_of(line, from + 2, &word).map(|range| (range, Evidence::Form))
        } else if let Some(name) = name.filter(|name| (signs.colons || !is_colon) && is_secret(name, sign)) {
            // Skips the rest of `==`, `=>` and `=~`.
            let value = line[from..].trim_start_matches(if is_colon { &[][..] } else { &['=', '>', '~', ':'] });
            value_after(line, line.len() - value.len(), !is_colon).map(|range| (range, Evidence::of_name(name)))
        } else if name.is_some_and(is_auth_name) {
            credentials_after(line, from).map(|range| (range, Evidence::Form))
        } else if is_colon && signs.networks {
            let is_network = |sign: &usize| NETWORKS.iter().any(|network| line[*sign..].starts_with(network));
            word.sign.filter(is_network).map(|sign| (from..sign, Evidence::Form))
        } else {
            None
        };
        if let Some((secret, evidence)) = secret.filter(|(secret, _)| !secret.is_empty()) {
            from = secret.end;
            found.push(Found::new(start, secret, evidence));
        }
    }
    if signs.dashes || signs.words {
        options(line, &mut state.command, start, found);
    }
    if signs.quotes {
        statements(line, start, found);
    }
    if signs.pairs {
        state.pair.enter(line);
        pairs(line, &mut state.pair, start, found);
        if signs.tags {
            tags(line, &mut state.pair, start, found);
        }
    }
    found[first..].sort_unstable_by_key(|found| found.range.start);
}

/// Whether `pwd=` belongs to a connection string, after another assignment, and is not a shell's working directory.
fn is_of_connection(line: &str, name: &str, sign: usize) -> bool {
    let before = line[..line[..sign].rfind(name).unwrap_or(0)].trim_end();
    let last = before.strip_suffix(';').and_then(|before| before.rsplit(';').next());
    last.is_some_and(|last| last.contains('=')) && !line[sign + 1..].starts_with(['/', '.', '~', '"', '\'', '$'])
}

/// The passwords in SQL statements: `PASSWORD 'secret'`.
fn statements(line: &str, start: usize, found: &mut Vec<Found>) {
    for (at, quote) in line.match_indices(" '") {
        let mut words = line[..at].split_ascii_whitespace().rev().map(|word| word.trim_start_matches(['"', '(']));
        let is = |word: Option<&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        let last = words.next();
        // As in `IDENTIFIED BY` and `IDENTIFIED WITH plugin BY`.
        if is(last, "PASSWORD") || is(last, "BY") && words.take(3).any(|word| is(Some(word), "IDENTIFIED")) {
            let from = at + quote.len();
            // A quote inside the string is doubled.
            let mut text = line[from..].bytes().enumerate();
            let mut end = line.len();
            while let Some((next, byte)) = text.next() {
                if byte == b'\'' && !(line[from + next + 1..].starts_with('\'') && text.next().is_some()) {
                    end = from + next;
                    break;
                }
            }
            if end > from && !is_reference(&line[from..end], true) {
                found.push(Found::new(start, from..end, Evidence::Form));
            }
        }
    }
}

/// The values of options that take a secret.
fn options(line: &str, command: &mut Command, start: usize, found: &mut Vec<Found>) {
    const AROUND: &[char] = &[' ', '\t', ',', '"', '\'', '[', ']'];
    command.enter(line);
    // A value is not searched again.
    let (mut at, mut done) = (0, 0);
    let mut add = |from: usize, login: bool, done: &mut usize| {
        if line[from..].trim_start().trim_start_matches(['\\', '"', '\'']).starts_with('-') {
            return;
        }
        let Some(value) = value_after(line, from, true) else { return };
        *done = value.end;
        let secret = if login { password_from(&line[..value.end], value.start) } else { Some(value.start) };
        if let Some(secret) = secret.filter(|secret| !is_reference(&line[*secret..], true)) {
            found.push(Found::new(start, secret..value.end, Evidence::Form));
        }
    };
    for word in line.split_inclusive(AROUND) {
        let from = at;
        at += word.len();
        let word = word.trim_end_matches(AROUND);
        // A list bullet is not an option.
        if word.is_empty() || word == "-" {
            continue;
        }
        if from < done {
            if at > done {
                command.end(word);
            }
            continue;
        }
        if let Some(SecretAt::NextWord { login }) = command.pending.take() {
            add(from - usize::from(line[..from].ends_with(['"', '\''])), login, &mut done);
        }
        let (end, quoted) = (from + word.len(), line[..from].ends_with(['"', '\'']));
        match command.read(word) {
            SecretAt::Nowhere => {}
            SecretAt::InWord { at, login } => {
                let next = line[from + at..].chars().next();
                let is_closed = quoted && matches!(next, Some('"' | '\''));
                if !is_closed && next.is_some_and(|c| !c.is_whitespace() && !matches!(c, ',' | ']')) {
                    add(from + at, login, &mut done);
                }
            }
            secret_at @ SecretAt::NextWord { login } => {
                // In a list of words, the value starts after what closes this word.
                let end = end + usize::from(quoted && line[end..].starts_with(['"', '\'']));
                let end = end + line[end..].len() - line[end..].trim_start_matches([' ', '\t', ',']).len();
                if matches!(&line[end..], "" | "\\") {
                    command.pending = Some(secret_at);
                } else {
                    add(end, login, &mut done);
                }
            }
        }
    }
}

/// The credentials after a name such as `auth`. The search is bounded, since a line may have many such names.
pub(super) fn credentials_after(line: &str, from: usize) -> Option<Range<usize>> {
    const LONGEST: usize = 4096;
    let line = &line[..line.floor_char_boundary(from + LONGEST)];
    let value = value_after(line, from, false)?;
    let found = credentials(&line[value.clone()])?;
    Some(value.start + found.start..value.start + found.end)
}

/// The token in the user part of a URL, after `scheme://`: `token@host`, `token:x-oauth-basic@host`.
fn token_of(line: &str, start: usize, word: &Piece) -> Option<Range<usize>> {
    let address = line.get(start..word.end)?;
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let user = authority[..authority.rfind('@')?].split(':').next().unwrap_or_default();
    is_token(user).then_some(start..start + user.len())
}

/// The password in a URL, after `scheme://`: `user:password@host`.
fn password_of(line: &str, start: usize, word: &Piece) -> Option<Range<usize>> {
    let address = line.get(start..word.end)?;
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let colon = address.find(':')?;
    let end = match authority.rfind('@') {
        Some(end) => end,
        // A password with a slash in it, unless what follows the colon is a port, or is inside the brackets of the
        // host.
        None if authority.starts_with('[') || is_port(authority.get(colon + 1..)?) => return None,
        None => word.sign?.checked_sub(start)?,
    };
    (colon < end && !is_reference(&address[colon + 1..end], true)).then_some(start + colon + 1..start + end)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) || is_reference(text, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn secrets_in_strings_are_found_by_name_and_form() {
        let shown = |text: &str| redact(text, &in_text(text));
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
            ("mysql -h db -u root -pabc app", "mysql -h db -u root -p••• app"),
            ("mysqldump -p'a b' app; x -pabc", "mysqldump -p'•••' app; x -pabc"),
            ("/usr/bin/mysql -p app -P3306", "/usr/bin/mysql -p app -P3306"),
            ("mysql -p\"$PASS\" -p$PASS", "mysql -p\"$PASS\" -p$PASS"),
            ("[\"mysql\",\"-p\",\"app\"]", "[\"mysql\",\"-p\",\"app\"]"),
            ("[\"mysql\",\"-pabc\",\"app\"]", "[\"mysql\",\"-p•••\",\"app\"]"),
            ("mysql -h db \\\n  -u root -pabc\nx -pabc", "mysql -h db \\\n  -u root -p•••\nx -pabc"),
            ("- mysql\n- -h\n- db\n- -pabc\n- app", "- mysql\n- -h\n- db\n- -p•••\n- app"),
            ("- redis-cli\n- -a\n- abc\n- ping", "- redis-cli\n- -a\n- •••\n- ping"),
            ("- redis-cli\n- -a\n- \"abc\"\n- ping", "- redis-cli\n- -a\n- \"•••\"\n- ping"),
            ("server -p 8080 -u a:b -a c", "server -p 8080 -u a:b -a c"),
            ("curl -sSu admin:abc http://h/x", "curl -sSu admin:••• http://h/x"),
            ("curl -uadmin:abc --user 'a:b c' x", "curl -uadmin:••• --user 'a:•••' x"),
            ("curl -u admin -u a:$PASS -u \"$U:$P\" x", "curl -u admin -u a:$PASS -u \"$U:$P\" x"),
            ("docker run --user 1000:1000 -p 80:80 x", "docker run --user 1000:1000 -p 80:80 x"),
            ("docker login -u me -p abc ghcr.io", "docker login -u me -p ••• ghcr.io"),
            ("sshpass -p abc ssh -p 2222 h", "sshpass -p ••• ssh -p 2222 h"),
            ("sshpass -e ssh -p 2222 h", "sshpass -e ssh -p 2222 h"),
            ("sshpass -pabc ssh h", "sshpass -p••• ssh h"),
            ("wget --password=abc http://h", "wget --password=••• http://h"),
            ("mongosh -p 'a; b' -u x; x -p 80", "mongosh -p '•••' -u x; x -p 80"),
            ("mongosh -u a -p abc; x -p 80", "mongosh -u a -p •••; x -p 80"),
            ("ldapsearch -x -w abc -b dc", "ldapsearch -x -w ••• -b dc"),
            ("skopeo copy --src-creds a:b x", "skopeo copy --src-creds a:••• x"),
            ("curl -H \"Authorization: Bearer abc\" http://h", "curl -H \"Authorization: Bearer •••\" http://h"),
            ("curl -H 'Authorization: Bearer '$TOKEN h", "curl -H 'Authorization: Bearer '$TOKEN h"),
            ("authorization: Basic dXNlcjpw", "authorization: Basic •••"),
            ("auth: dXNlcjpwYXNz\nauthMode: basic", "auth: •••\nauthMode: basic"),
            ("auth:dXNlcjpwYXNz\nauth:v1", "auth:•••\nauth:v1"),
            ("auth: true\nauth: {a: b}\nauth: basic", "auth: true\nauth: {a: b}\nauth: basic"),
            ("auth:\n  type: basic\nimage: acme/auth:v1", "auth:\n  type: basic\nimage: acme/auth:v1"),
            ("//npm.example.com/:_auth=abc", "//npm.example.com/:_auth=•••"),
            ("//npm.example.com/:_authToken=abc", "//npm.example.com/:_authToken=•••"),
            (
                "{\"auths\": {\"h\": {\"username\": \"a\", \"auth\": \"abc\"}}}",
                "{\"auths\": {\"h\": {\"username\": \"a\", \"auth\": \"•••\"}}}",
            ),
            ("https://ghp_abcdefghijklmnop@h/x", "https://•••@h/x"),
            ("https://3f9c2d4e5a6b7c8d:x-oauth-basic@h", "https://•••:•••@h"),
            ("ssh://git@h/x https://me@h", "ssh://git@h/x https://me@h"),
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
            ("tokens:\n  a: b\nlevel: info", "tokens:\n  •••\nlevel: info"),
            ("password => \"hunter2222\"", "password => \"•••\""),
            ("if password == \"hunter2\" {", "if password == \"•••\" {"),
            ("[ \"$PASSWORD\" == \"x y\" ]", "[ \"$PASSWORD\" == \"•••\" ]"),
            ("[ \"$PASSWORD\" != \"$OTHER\" ]", "[ \"$PASSWORD\" != \"$OTHER\" ]"),
            ("password := \"x\"", "password := \"•••\""),
            ("password: >-\n  x", "password: >-\n  •••"),
            ("ALTER USER u WITH PASSWORD 'hunter''22';", "ALTER USER u WITH PASSWORD '•••';"),
            ("CREATE USER u IDENTIFIED WITH some_plugin BY 'x'", "CREATE USER u IDENTIFIED WITH some_plugin BY '•••'"),
            ("Server=db;Uid=app;Pwd=a,b;Encrypt=yes", "Server=db;Uid=app;Pwd=•••;Encrypt=yes"),
            ("cd a; PWD=/b x; export A=1; pwd", "cd a; PWD=/b x; export A=1; pwd"),
            ("AccountName=a;AccountKey=b/c==;Suffix=d", "AccountName=a;AccountKey=•••;Suffix=d"),
            ("keytool -storepass abc -alias passenger", "keytool -storepass ••• -alias passenger"),
            ("server -token abc -passive x -tokens-file y", "server -token ••• -passive x -tokens-file y"),
            ("password=a;;b\nPASSWORD=a;; esac", "password=•••\nPASSWORD=•••;; esac"),
            ("db:1,password=a,*b&/c;d=e", "db:1,password=•••;d=e"),
            (
                "- name: DB_PASSWORD\n  value: a b\n- name: B\n  value: c",
                "- name: DB_PASSWORD\n  value: •••\n- name: B\n  value: c",
            ),
            ("- {name: API_TOKEN, value: abc, x: y}", "- {name: API_TOKEN, value: •••, x: y}"),
            ("{\"name\":\"API_TOKEN\",\"value\":\"a\"}", "{\"name\":\"API_TOKEN\",\"value\":\"•••\"}"),
            ("{\"name\": \"X-Api-Key\",\n \"value\": \"a\"}", "{\"name\": \"X-Api-Key\",\n \"value\": \"•••\"}"),
            ("name: Authorization\nvalue: Bearer abc", "name: Authorization\nvalue: Bearer •••"),
            ("- key: token\n  value: ready", "- key: token\n  value: ready"),
            ("name: token\ntype: a\n  value: b", "name: token\ntype: a\n  value: b"),
            ("name: password\nvalueFrom: a\nvalues: b", "name: password\nvalueFrom: a\nvalues: b"),
            ("<user>a</user><password>b c</password>", "<user>a</user><password>•••</password>"),
            ("<name>db.password</name>\n<value>b</value>", "<name>db.password</name>\n<value>•••</value>"),
            ("<name>db.user</name><value>b</value>", "<name>db.user</name><value>b</value>"),
            ("<p name=\"db.password\" value=\"b\"/>", "<p name=\"db.password\" value=\"•••\"/>"),
            ("<password>${password}</password><tokens/>", "<password>${password}</password><tokens/>"),
            ("create user u identified by 'x' y 'z'", "create user u identified by '•••' y 'z'"),
            ("ALTER USER u PASSWORD '$PASS'", "ALTER USER u PASSWORD '$PASS'"),
            ("image: acme/token-service:v1 acme/token:v1", "image: acme/token-service:v1 acme/token:v1"),
            ("acme/password:v1", "acme/password:v1"),
            ("password:abc", "password:•••"),
            ("{\"password\":1234,\"maxTokens\":4096}", "{\"password\":•••"),
            ("maxTokens: 4096\ntokenUrl: http://a/b", "maxTokens: 4096\ntokenUrl: http://a/b"),
            ("passport: google\nsecretsBackend: vault", "passport: google\nsecretsBackend: vault"),
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
    fn secrets_in_messages_are_found_by_form() {
        for (text, expected) in [
            (
                "no field `password`: it is a secret: see the Secret",
                "no field `password`: it is a secret: see the Secret",
            ),
            ("`redis://:abc@h` and `x?token=abc`", "`redis://:•••@h` and `x?token=•••`"),
            ("image `team/token:v1`", "image `team/token:v1`"),
        ] {
            assert_eq!(redact(text, &in_words(text)), expected);
        }
    }

    #[test]
    fn arguments_follow_their_options() {
        let secrets = |words: &[&str]| -> Vec<String> {
            let items: Vec<Node> = words.iter().map(|word| Node::new(*word, Span::NONE)).collect();
            arguments(&items).into_iter().map(|(at, start)| words[at][start..].to_owned()).collect()
        };
        assert_eq!(secrets(&["redis-server", "--port", "1", "--requirepass", "abc"]), ["abc"]);
        assert_eq!(secrets(&["/usr/bin/redis-cli", "-a", "abc", "ping"]), ["abc"]);
        assert_eq!(secrets(&["cp", "-a", "x", "y"]), [""; 0]);
        assert_eq!(secrets(&["mysql", "-h", "db", "-pabc", "-P3306", "-p", "app"]), ["abc"]);
        assert_eq!(secrets(&["curl", "-fsu", "me:abc", "--user=me:$(PASS)", "http://h:80"]), ["abc"]);
        assert_eq!(secrets(&["sshpass", "-p", "abc", "ssh", "-p", "2222"]), ["abc"]);
        assert_eq!(secrets(&["docker", "run", "-p", "8080", "--user", "1:1"]), [""; 0]);
        assert_eq!(secrets(&["x", "--password", "$(PASSWORD)", "--token", "--level"]), [""; 0]);
    }
}
