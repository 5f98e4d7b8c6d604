//! Shell scripts: their commands, and the hosts that the commands connect to.

use std::borrow::Cow;
use std::ops::Range;

use crate::text::scan::{self, Form, Found, Hint};

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'s> {
    /// The word without its quotes; a slice of the script if there are none.
    pub text: Cow<'s, str>,
    /// Its bytes in the script, including quotes.
    pub range: Range<usize>,
}

/// A host that a command connects to.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The index of the word that contains the host.
    pub word: usize,
    /// The host in that word.
    pub found: Found,
    /// The port, if it is another word.
    pub port: Option<u16>,
    /// Whether the command only tests whether the host answers.
    pub availability_check: bool,
}

/// The bytes that have a meaning outside quotes.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let all = b"'\"\\#$ \t\r\n;&|()`";
    let mut at = 0;
    while at < all.len() {
        special[all[at] as usize] = true;
        at += 1;
    }
    special
};

/// The simple commands of a script, in order, without lists, pipes and substitutions.
#[must_use]
pub fn commands<'s>(script: &'s str) -> Vec<Vec<Word<'s>>> {
    let mut commands = Vec::new();
    let mut words: Vec<Word<'s>> = Vec::new();
    // The start of the current word, and its string once it differs from the script.
    let mut start = None;
    let mut word: Option<String> = None;
    let mut quote = None;
    let finish = |word: &mut Option<String>, start: &mut Option<usize>, end: usize, words: &mut Vec<Word<'s>>| {
        let own = word.take();
        if let Some(from) = start.take() {
            words.push(Word { text: own.map_or(Cow::Borrowed(&script[from..end]), Cow::Owned), range: from..end });
        }
    };
    let mut at = 0;
    while let Some(byte) = script.as_bytes().get(at).copied() {
        // All characters with a meaning are one byte long; the others are copied.
        let rest = &script[at..];
        let plain = match quote {
            None => rest.bytes().position(|byte| SPECIAL[usize::from(byte)]),
            Some(b'"') => memchr::memchr2(b'"', b'\\', rest.as_bytes()),
            Some(open) => memchr::memchr(open, rest.as_bytes()),
        };
        let plain = plain.unwrap_or(rest.len());
        if plain > 0 {
            start.get_or_insert(at);
            if let Some(word) = &mut word {
                word.push_str(&rest[..plain]);
            }
            at += plain;
            continue;
        }
        // Removed characters make the string of the word differ from the script.
        let differs = |word: &mut Option<String>, start: &mut Option<usize>| {
            let from = *start.get_or_insert(at);
            word.get_or_insert_with(|| script[from..at].to_owned());
        };
        let after = script[at + 1..].chars().next();
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                differs(&mut word, &mut start);
            }
            // A continued line.
            (None, b'\\') if after == Some('\n') => {
                finish(&mut word, &mut start, at, &mut words);
                at += 1;
            }
            (_, b'\\') => {
                if let Some(next) = after {
                    differs(&mut word, &mut start);
                    if let Some(word) = &mut word {
                        word.push(next);
                    }
                    at += next.len_utf8();
                } else if start.is_some() {
                    differs(&mut word, &mut start);
                }
            }
            (None, b'#') if start.is_none() => at += rest.find('\n').unwrap_or(rest.len()) - 1,
            (None, b'$') if after == Some('{') => {
                start.get_or_insert(at);
                let length = rest.find('}').map_or(rest.len(), |end| end + 1);
                if let Some(word) = &mut word {
                    word.push_str(&rest[..length]);
                }
                at += length - 1;
            }
            (None, b' ' | b'\t' | b'\r') => finish(&mut word, &mut start, at, &mut words),
            (None, b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`') => {
                finish(&mut word, &mut start, at, &mut words);
                if !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            _ => {
                start.get_or_insert(at);
                if let Some(word) = &mut word {
                    word.push(char::from(byte));
                }
            }
        }
        at += 1;
    }
    finish(&mut word, &mut start, script.len(), &mut words);
    if !words.is_empty() {
        commands.push(words);
    }
    commands
}

/// Words before a command that are not commands.
fn is_prefix(word: &str) -> bool {
    matches!(
        word,
        "until"
            | "while"
            | "!"
            | "if"
            | "then"
            | "elif"
            | "else"
            | "do"
            | "exec"
            | "sudo"
            | "nohup"
            | "time"
            | "command"
            | "{"
            | "["
            | "[["
            | "$"
    ) || is_assignment(word)
}

/// Whether a word is `NAME=…`.
fn is_assignment(word: &str) -> bool {
    let name = word.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    name > 0 && word.as_bytes().get(name) == Some(&b'=')
}

/// The index of the word that is the command's name.
#[must_use]
pub fn command_name(words: &[Word<'_>]) -> Option<usize> {
    let mut at = words.iter().position(|word| !is_prefix(&word.text))?;
    while words.get(at).is_some_and(|word| tail(&word.text) == "timeout") {
        at += 1;
        while words
            .get(at)
            .is_some_and(|word| word.text.starts_with('-') || word.text.starts_with(|c: char| c.is_ascii_digit()))
        {
            at += 1;
        }
    }
    (at < words.len()).then_some(at)
}

/// A program's name without its directory.
#[must_use]
pub fn tail(program: &str) -> &str {
    program.bytes().rposition(|byte| byte == b'/').map_or(program, |at| &program[at + 1..])
}

/// Whether a program is a shell.
#[must_use]
pub fn is_shell(program: &str) -> bool {
    matches!(tail(program), "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "busybox")
}

/// The directory of bash's network devices.
const DEV_TCP: &str = "/dev/tcp/";

/// The hosts that a command connects to.
#[must_use]
pub fn connections(words: &[Word<'_>]) -> Vec<Connection> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if word.text.len() > DEV_TCP.len()
            && let Some(place) = word.text.find(DEV_TCP)
        {
            let from = place + DEV_TCP.len();
            let rest = &word.text[from..];
            let (host, port) = rest.split_once('/').unwrap_or((rest, ""));
            if scan::is_name(host) {
                let port = port.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok();
                found.push(Connection {
                    word: at,
                    found: bare(from..from + host.len()),
                    port,
                    availability_check: true,
                });
            }
        }
    }
    let Some(name) = command_name(words) else { return found };
    let program = tail(&words[name].text);
    let args = name + 1..words.len();
    match program {
        "nc" | "ncat" | "netcat" | "telnet" => {
            positional_host(words, args, &["-w", "-i", "-q", "-G", "-p", "-s", "-W"], &mut found)
        }
        "pg_isready" | "mysqladmin" => flagged_host(words, args, true, &mut found),
        "psql" | "pg_dump" | "pg_restore" | "createdb" | "dropdb" | "mysql" | "mariadb" | "mongosh" | "mongo"
        | "redis-cli" | "valkey-cli" | "mongoimport" => {
            flagged_host(words, args, matches!(program, "redis-cli" | "valkey-cli"), &mut found)
        }
        "nslookup" | "dig" | "ping" | "host" => {
            single_host(words, args, &["-c", "-W", "-w", "-i", "-t", "-timeout"], &mut found);
        }
        "getent" => single_host(words, args.start + 1..args.end, &[], &mut found),
        "wait-for-it" | "wait-for-it.sh" | "wait-for" | "wait-for.sh" | "wait4x" | "wait-for-port" | "waitforit" => {
            for at in args.clone() {
                let text = &words[at].text;
                if text.starts_with('-') || text.contains("://") {
                    continue;
                }
                for found_host in scan::value(text, Hint::Address).into_iter().filter(|found| found.port.is_some()) {
                    found.push(Connection { word: at, found: found_host, port: None, availability_check: true });
                }
            }
            flagged_host(words, args.clone(), true, &mut found);
        }
        "curl" | "wget" => {
            let at = args.clone().rev().find(|at| !words[*at].text.starts_with('-'));
            if let Some(at) = at
                && !words[at].text.contains("://")
            {
                for found_host in
                    scan::value(&words[at].text, Hint::Address).into_iter().filter(|found| found.port.is_some())
                {
                    found.push(Connection { word: at, found: found_host, port: None, availability_check: true });
                }
            }
        }
        _ => {}
    }
    let availability_check = matches!(
        program,
        "curl" | "wget" | "dockerize" | "wait4x" | "wait-for" | "wait-for-it" | "wait-for-it.sh" | "http"
    );
    for (at, word) in words.iter().enumerate() {
        // Most words have neither, and for such short words a byte loop is the fastest way to see it.
        let (mut colon, mut equals) = (false, false);
        for byte in word.text.bytes() {
            colon |= byte == b':';
            equals |= byte == b'=';
        }
        if colon && word.text.contains("://") {
            let mut urls = Vec::new();
            scan::urls(&word.text, &mut urls);
            found.extend(urls.into_iter().map(|found| Connection { word: at, found, port: None, availability_check }));
        } else if equals && word.text.contains("host=") && !word.text.starts_with('-') {
            let keywords = scan::value(&word.text, Hint::None);
            found.extend(keywords.into_iter().map(|found| Connection {
                word: at,
                found,
                port: None,
                availability_check: false,
            }));
        } else if equals
            && let Some((flag, value)) = word.text.split_once('=').filter(|(flag, _)| flag.starts_with("--"))
            && !matches!(program, "pg_isready" | "psql" | "mysql" | "mysqladmin" | "mongosh")
        {
            let from = flag.len() + 1;
            for mut talk in scan::value(value, scan::hint(flag)) {
                talk.host = talk.host.start + from..talk.host.end + from;
                talk.port = talk.port.map(|(port, range)| (port, range.start + from..range.end + from));
                found.push(Connection { word: at, found: talk, port: None, availability_check: false });
            }
        } else if at > 0
            && words[at - 1].text.starts_with("--")
            && !words[at - 1].text.contains('=')
            && !word.text.starts_with('-')
        {
            let hint = scan::hint(&words[at - 1].text);
            if hint != Hint::None && !matches!(program, "pg_isready" | "psql" | "mysql" | "mysqladmin" | "mongosh") {
                found.extend(scan::value(&word.text, hint).into_iter().map(|found| Connection {
                    word: at,
                    found,
                    port: None,
                    availability_check: false,
                }));
            }
        }
    }
    found
}

fn bare(host: Range<usize>) -> Found {
    Found { host, port: None, scheme: None, form: Form::Bare, sure: true }
}

/// `nc -z HOST PORT`
fn positional_host(words: &[Word<'_>], args: Range<usize>, valued: &[&str], found: &mut Vec<Connection>) {
    let mut places = Vec::new();
    let mut at = args.start;
    while at < args.end {
        let text = &*words[at].text;
        if valued.contains(&text) {
            at += 1;
        } else if !text.starts_with(['-', '<', '>', '2']) && !matches!(text, "]" | "]]" | "do" | "then") {
            places.push(at);
        }
        at += 1;
    }
    let [host, rest @ ..] = places.as_slice() else { return };
    let text = &words[*host].text;
    if let Some((name, port)) = text.split_once(':')
        && scan::is_name(name)
    {
        found.push(Connection {
            word: *host,
            found: bare(0..name.len()),
            port: port.parse().ok(),
            availability_check: true,
        });
    } else if scan::is_name(text) {
        let port = rest.first().and_then(|port| words[*port].text.parse().ok());
        found.push(Connection { word: *host, found: bare(0..text.len()), port, availability_check: true });
    }
}

/// `pg_isready -h HOST -p PORT`
fn flagged_host(words: &[Word<'_>], args: Range<usize>, availability_check: bool, found: &mut Vec<Connection>) {
    let mut host = None;
    let mut port = None;
    let mut at = args.start;
    while at < args.end {
        let text = &*words[at].text;
        let next = (at + 1 < args.end).then(|| &words[at + 1].text);
        match text {
            "-h" | "--host" | "--hostname" => {
                if let Some(next) = next {
                    host = Some((at + 1, 0..next.len()));
                    at += 1;
                }
            }
            "-p" | "-P" | "--port" => {
                port = next.and_then(|next| next.parse().ok()).or(port);
            }
            _ => {
                if let Some(name) = text.strip_prefix("--host=") {
                    host = Some((at, text.len() - name.len()..text.len()));
                } else if let Some(number) = text.strip_prefix("--port=") {
                    port = number.parse().ok();
                } else if let Some(name) =
                    text.strip_prefix("-h").filter(|name| scan::is_name(name) && !text.starts_with("--"))
                {
                    host = Some((at, 2..2 + name.len()));
                }
            }
        }
        at += 1;
    }
    if let Some((word, range)) = host
        && scan::is_name(&words[word].text[range.clone()])
    {
        found.push(Connection { word, found: bare(range), port, availability_check });
    }
}

/// `nslookup HOST`
fn single_host(words: &[Word<'_>], args: Range<usize>, valued: &[&str], found: &mut Vec<Connection>) {
    let mut at = args.start;
    while at < args.end {
        let text = &*words[at].text;
        if valued.contains(&text) {
            at += 1;
        } else if !text.starts_with(['-', '+', '@', '<', '>']) {
            if scan::is_name(text) {
                found.push(Connection { word: at, found: bare(0..text.len()), port: None, availability_check: true });
            }
            return;
        }
        at += 1;
    }
}

/// How many bytes variables may add to a script; further references stay as they are.
pub const MOST_EXPANDED: usize = 1 << 16;

/// Replaces `$NAME`, `${NAME}` and `${NAME:-default}` for known variables, as long as there is `room` for their
/// values.
#[must_use]
pub fn expand<'t>(text: &'t str, room: &mut usize, var: &dyn Fn(&str) -> Option<String>) -> Cow<'t, str> {
    if !text.contains('$') {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    // The distance of the last brace from the end: beyond it, none is searched for.
    let last = text.rfind('}').map_or(usize::MAX, |at| text.len() - at);
    while let Some(at) = rest.find('$').filter(|_| *room > 0) {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let inner = tail.strip_prefix('{');
        // The name is read first and its end is searched for after it, so that nested `${` are read once.
        let name = inner.unwrap_or(tail);
        let behind = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let name = &name[..name.len() - behind.len()];
        let (default, after) = match inner.map(|_| behind.strip_prefix(":-")) {
            None => (None, Some(behind)),
            Some(None) => (None, behind.strip_prefix('}')),
            Some(Some(default)) if default.len() < last => (None, None),
            Some(Some(default)) => {
                default.split_once('}').map_or((None, None), |(default, after)| (Some(default), Some(after)))
            }
        };
        let known = after.filter(|_| !name.is_empty());
        match known.and_then(|after| Some((var(name).or_else(|| default.map(str::to_owned))?, after))) {
            Some((value, after)) if value.len() <= *room => {
                *room -= value.len();
                out.push_str(&value);
                rest = after;
            }
            found => {
                out.push('$');
                rest = tail;
                *room = if found.is_some() { 0 } else { *room };
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(script: &str) -> Vec<String> {
        commands(script)
            .iter()
            .flat_map(|words| {
                connections(words).into_iter().map(|talk| {
                    let port = talk.found.port.map(|(port, _)| port).or(talk.port);
                    let host = &words[talk.word].text[talk.found.host.clone()];
                    format!(
                        "{host}{}{}",
                        port.map_or(String::new(), |port| format!(":{port}")),
                        if talk.availability_check { "" } else { "!" }
                    )
                })
            })
            .collect()
    }

    #[test]
    fn commands_connect_to_hosts() {
        assert_eq!(hosts("until nc -z postgres 5432; do echo waiting; sleep 2; done"), ["postgres:5432"]);
        assert_eq!(hosts("until pg_isready -h postgresql -p 5432 -U u; do sleep 1; done"), ["postgresql:5432"]);
        assert_eq!(hosts("PGPASSWORD=x psql -h db -U u -f /x.sql"), ["db!"]);
        assert_eq!(hosts("psql \"postgres://u:p@db:5432/x\" -c 'select 1'"), ["db:5432!"]);
        assert_eq!(hosts("wget -qO- http://web:8080/health"), ["web:8080"]);
        assert_eq!(hosts("./wait-for-it.sh redis:6379 -t 60 -- ./run"), ["redis:6379"]);
        assert_eq!(hosts("while ! timeout 1 bash -c '</dev/tcp/db/5432'; do sleep 1; done"), ["db:5432"]);
        assert_eq!(hosts("until nslookup db.ns.svc.cluster.local; do sleep 1; done"), ["db.ns.svc.cluster.local"]);
        assert_eq!(hosts("redis-cli -h redis ping"), ["redis"]);
        assert_eq!(hosts("mysqladmin ping -h mysql --silent"), ["mysql"]);
        assert_eq!(hosts("/app --redis-addr=redis:6379 --listen :8080"), ["redis:6379!"]);
        assert_eq!(hosts("echo http is fine # nc -z no 1"), [""; 0]);
        assert_eq!(hosts("nc -z $DB_HOST 5432"), [""; 0]);
    }

    #[test]
    fn variables_are_replaced_where_known() {
        let var = |name: &str| (name == "A").then(|| "x".to_owned());
        let expand = |text: &str, mut room: usize| expand(text, &mut room, &var).into_owned();
        assert_eq!(expand("$A ${A} ${B:-y} $C", 9), "x x y $C");
        assert_eq!(expand("${A ${A-z} ${ ${${A} ${B:-", 9), "${A ${A-z} ${ ${x ${B:-");
        assert_eq!(expand("$A$A$A", 2), "xx$A");
    }
}
