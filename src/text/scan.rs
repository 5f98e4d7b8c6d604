//! Hosts in strings: URLs, `host:port`, and bare hosts if the name of the field means one.
//!
//! Linear in the length. What is not certain to be a host is skipped, since a false alarm is worse than a gap.

use std::ops::Range;

/// What the name of a field means for its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The name says nothing about hosts.
    None,
    /// A host, with or without a port.
    Host,
    /// An address, a URL, or a list of them.
    Address,
    /// An image reference, a version, a listen address: `a:1` in it is not a host.
    Never,
}

/// The form of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `host`
    Bare,
    /// `host:port`
    HostPort,
    /// `scheme://host…`
    Url,
}

/// A host in a string, with byte ranges of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The host.
    pub host: Range<usize>,
    /// The port and its range.
    pub port: Option<(u16, Range<usize>)>,
    /// The scheme.
    pub scheme: Option<Range<usize>>,
    /// Its form.
    pub form: Form,
    /// Whether it is certain to be a host. If not, only a name that is known counts.
    pub sure: bool,
}

/// The words of a name: `dataStorage_URL` has `data`, `Storage`, `URL`. Letters outside ASCII are parts of words.
fn words(key: &str) -> impl Iterator<Item = &str> {
    let bytes = key.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| is_part(*byte))?;
        let ends = |pair: &[u8]| !is_part(pair[1]) || (pair[1].is_ascii_uppercase() && !pair[0].is_ascii_uppercase());
        at = bytes[start..].windows(2).position(ends).map_or(bytes.len(), |found| start + found + 1);
        key.get(start..at)
    })
}

/// What a word in a name means for the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// At the end: a host. (Includes compound words that client libraries use.)
    Host,
    /// At the end: an address with a host in it.
    Address,
    /// Anywhere: the host is the program's own, or an external one.
    Own,
    /// At the end: what looks like a host is not one.
    Never,
}

/// The words that have a meaning, sorted.
const WORDS: &[(&str, Word)] = &[
    ("addr", Word::Address),
    ("address", Word::Address),
    ("addresses", Word::Address),
    ("addrs", Word::Address),
    ("advertise", Word::Own),
    ("advertised", Word::Own),
    ("allowed", Word::Own),
    ("backend", Word::Address),
    ("bind", Word::Own),
    ("broker", Word::Address),
    ("brokers", Word::Address),
    ("callback", Word::Own),
    ("checksum", Word::Never),
    ("connection", Word::Address),
    ("cookie", Word::Own),
    ("cors", Word::Own),
    ("dbhost", Word::Host),
    ("digest", Word::Never),
    ("domain", Word::Own),
    ("dsn", Word::Address),
    ("endpoint", Word::Address),
    ("endpoints", Word::Address),
    ("exposed", Word::Own),
    ("external", Word::Own),
    ("header", Word::Own),
    ("health", Word::Own),
    ("host", Word::Host),
    ("hostname", Word::Host),
    ("hosts", Word::Host),
    ("image", Word::Never),
    ("images", Word::Never),
    ("ingress", Word::Own),
    ("issuer", Word::Own),
    ("listen", Word::Own),
    ("listener", Word::Own),
    ("listeners", Word::Own),
    ("listening", Word::Own),
    ("metrics", Word::Own),
    ("origin", Word::Own),
    ("origins", Word::Own),
    ("own", Word::Own),
    ("peers", Word::Address),
    ("pghost", Word::Host),
    ("pprof", Word::Own),
    ("probe", Word::Own),
    ("public", Word::Own),
    ("redirect", Word::Own),
    ("redishost", Word::Host),
    ("registry", Word::Never),
    ("repository", Word::Never),
    ("rewrite", Word::Own),
    ("self", Word::Own),
    ("sender", Word::Own),
    ("server", Word::Address),
    ("servers", Word::Address),
    ("sni", Word::Own),
    ("tag", Word::Never),
    ("target", Word::Address),
    ("targets", Word::Address),
    ("time", Word::Never),
    ("trusted", Word::Own),
    ("upstream", Word::Address),
    ("upstreams", Word::Address),
    ("uri", Word::Address),
    ("uris", Word::Address),
    ("url", Word::Address),
    ("urls", Word::Address),
    ("version", Word::Never),
    ("virtual", Word::Own),
];

/// The meaning of a word, ignoring case.
fn meaning(word: &str) -> Option<Word> {
    let mut lower = [0; 16];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let found = WORDS.binary_search_by(|(known, _)| known.as_bytes().cmp(lower));
    found.ok().map(|at| WORDS[at].1)
}

/// What a field's name means for its value.
#[must_use]
pub fn hint(key: &str) -> Hint {
    let (mut own, mut before, mut last, mut says) = (false, "", "", None);
    for word in words(key) {
        (before, last, says) = (last, word, meaning(word));
        own |= says == Some(Word::Own);
    }
    // `HOSTNAME` alone is the pod's own name.
    if says == Some(Word::Never) || (before.is_empty() && last.eq_ignore_ascii_case("hostname")) {
        return Hint::Never;
    }
    match says {
        _ if own => Hint::None,
        // `KAFKA_BOOTSTRAP_SERVERS`, `URL_PREFIX` …
        Some(Word::Host) => Hint::Host,
        Some(Word::Address) => Hint::Address,
        _ if before.eq_ignore_ascii_case("connection") && last.eq_ignore_ascii_case("string") => Hint::Address,
        _ => Hint::None,
    }
}

/// The hosts in the value of a field.
#[must_use]
pub fn value(text: &str, hint: Hint) -> Vec<Found> {
    let mut found = Vec::new();
    if text.len() < 2 || text.len() > 64 * 1024 {
        return found;
    }
    if text.contains("://") {
        urls(text, &mut found);
        return found;
    }
    if text.contains('=') && text.contains("host") {
        keywords(text, &mut found);
        if !found.is_empty() {
            return found;
        }
    }
    if let Some(at) = text.find("@tcp(") {
        let from = at + 5;
        let end = text[from..].find(')').map_or(text.len(), |end| from + end);
        host_port(text, from..end, true, &mut found);
        return found;
    }
    if hint == Hint::Never {
        return found;
    }
    let mut list = Vec::new();
    for part in pieces(text, &[',', ';', ' ', '\n', '\t']) {
        let before = list.len();
        host_port(text, part.clone(), hint != Hint::None, &mut list);
        if list.len() > before {
            continue;
        }
        // If one item is not a host, the others are not either, unless the name means a host.
        if hint == Hint::None {
            return found;
        }
        // `host:port/path`
        let piece = &text[part.clone()];
        if let Some(slash) = piece.find('/').filter(|slash| *slash > 0) {
            host_port(text, part.start..part.start + slash, true, &mut list);
            continue;
        }
        if is_name(piece) && !is_word(piece) {
            list.push(Found { host: part, port: None, scheme: None, form: Form::Bare, sure: hint == Hint::Host });
        }
    }
    found.append(&mut list);
    found
}

/// The items of a string between separators, trimmed; without empty ones.
fn pieces<'t>(text: &'t str, separators: &'t [char]) -> impl Iterator<Item = Range<usize>> + 't {
    let mut at = 0;
    text.split(separators).filter_map(move |piece| {
        let start = at + (piece.len() - piece.trim_start().len());
        at += piece.len() + 1;
        let trimmed = piece.trim();
        (!trimmed.is_empty()).then(|| start..start + trimmed.len())
    })
}

/// Values that may be in the position of a host but are not one.
fn is_word(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true"
            | "false"
            | "auto"
            | "none"
            | "null"
            | "any"
            | "all"
            | "host"
            | "default"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "unix"
            | "localhost"
            | "tcp"
            | "inherit"
            | "hostname"
            | "enabled"
            | "disabled"
            | "example"
            | "changeme"
            | "placeholder"
            | "self"
    )
}

/// Whether a string is a valid DNS name: labels of letters, digits and dashes, with at least one letter.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.split('.').all(|label| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(inner)
                && !label.starts_with(['-', '_'])
                && !label.ends_with(['-', '_'])
        })
}

fn host_port(text: &str, range: Range<usize>, sure: bool, found: &mut Vec<Found>) {
    let piece = &text[range.clone()];
    let Some((host, port)) = piece.rsplit_once(':') else { return };
    let number = port.parse::<u16>().ok().filter(|number| *number > 0 && !port.starts_with('0'));
    let Some(number) = number else { return };
    // `12:30` is a time, `alpine:3` an image, and `a:b:1` is neither host and port.
    if !is_name(host) || (port.len() < 2 && !sure) {
        return;
    }
    let host_range = range.start..range.start + host.len();
    let port_range = host_range.end + 1..range.end;
    found.push(Found { host: host_range, port: Some((number, port_range)), scheme: None, form: Form::HostPort, sure });
}

/// Schemes whose host is one to connect to.
const SCHEMES: &[&str] = &[
    "http",
    "https",
    "ws",
    "wss",
    "grpc",
    "grpcs",
    "tcp",
    "tls",
    "udp",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "sqlserver",
    "redis",
    "rediss",
    "valkey",
    "amqp",
    "amqps",
    "mongodb",
    "mongodb+srv",
    "nats",
    "kafka",
    "mqtt",
    "smtp",
    "ldap",
    "ldaps",
    "clickhouse",
    "cockroachdb",
    "pgx",
    "pgx5",
    "elasticsearch",
    "memcached",
    "zookeeper",
    "stomp",
    "s3",
    "ftp",
    "sftp",
    "syslog",
    "otlp",
    "zipkin",
    "jaeger",
    "vault",
    "etcd",
    "bolt",
    "neo4j",
    "cassandra",
    "sentinel",
    "redis-sentinel",
    "postgresql+asyncpg",
    "postgresql+psycopg2",
    "postgresql+psycopg",
    "mysql+pymysql",
    "thrift",
    "dns",
];

/// The URLs in a string.
pub(crate) fn urls(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = text[from..].find("://").map(|at| at + from) {
        from = at + 3;
        let mut start = at;
        while start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || matches!(bytes[start - 1], b'+' | b'-' | b'.'))
        {
            start -= 1;
        }
        let scheme = start..at;
        let known = text[scheme.clone()].to_ascii_lowercase();
        if !SCHEMES.contains(&known.as_str()) {
            continue;
        }
        let stop = |c: char| {
            c.is_whitespace()
                || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | ')' | ']' | '}' | '>' | '<' | '\\' | '|' | ';')
        };
        // A password may contain characters that would end the host: it is before an `@`.
        let rest = &text[from..];
        let word_end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')).unwrap_or(rest.len());
        let first = rest.find(stop).unwrap_or(rest.len());
        let before_query = rest[..word_end].find('?').unwrap_or(word_end);
        let begin = match rest[..before_query].rfind('@') {
            Some(user) if first < user && rest[..first].contains(':') => user + 1,
            _ => rest[..first].rfind('@').map_or(0, |user| user + 1),
        };
        let end = begin + rest[begin..].find(stop).unwrap_or(rest.len() - begin);
        for part in pieces(&rest[begin..end], &[',']) {
            let range = from + begin + part.start..from + begin + part.end;
            let piece = &text[range.clone()];
            if piece.contains(['$', '{', '%', '[', '*', '(']) {
                continue;
            }
            // The scheme of the next URL of a list: `https://a.example.com,http://b.example.com`.
            if piece.ends_with(':') && text[range.end..].starts_with("//") {
                continue;
            }
            let piece = piece.trim_end_matches(['.', ':']);
            let (host, port) = piece.split_once(':').map_or((piece, None), |(host, port)| (host, Some(port)));
            if !is_name(host) {
                continue;
            }
            let number = port.and_then(|port| port.parse::<u16>().ok()).filter(|number| *number > 0);
            // Without a port it is a bucket and not a host: `s3://backups/x`, but
            // `s3://key:secret@minio:9000/backups`.
            let bucket = known == "s3" && number.is_none();
            if bucket || (port.is_some() && number.is_none()) {
                continue;
            }
            let host_range = range.start..range.start + host.len();
            let port = number.map(|number| (number, host_range.end + 1..range.start + piece.len()));
            found.push(Found { host: host_range, port, scheme: Some(scheme.clone()), form: Form::Url, sure: true });
        }
        from += begin;
    }
}

/// Keywords of libpq: `host=postgres port=5432`.
fn keywords(text: &str, found: &mut Vec<Found>) {
    let mut host = None;
    let mut port = None;
    for range in pieces(text, &[' ', ';', '\n']) {
        let Some((key, value)) = text[range.clone()].split_once('=') else { continue };
        let quoted = value.trim_matches(['\'', '"']);
        let start = range.start + key.len() + 1 + (value.len() - value.trim_start_matches(['\'', '"']).len());
        match key.to_ascii_lowercase().as_str() {
            "host" | "server" | "hostaddr" if is_name(quoted) => host = Some(start..start + quoted.len()),
            "port" => port = quoted.parse().ok().map(|number: u16| (number, start..start + quoted.len())),
            _ => {}
        }
    }
    if let Some(host) = host {
        found.push(Found { host, port, scheme: None, form: Form::HostPort, sure: true });
    }
}

/// The default port of a scheme, if it has one.
#[must_use]
pub fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme.to_ascii_lowercase().split('+').next().unwrap_or_default() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "postgres" | "postgresql" | "pgx" | "pgx5" => 5432,
        "mysql" | "mariadb" => 3306,
        "redis" | "rediss" | "valkey" => 6379,
        "amqp" => 5672,
        "amqps" => 5671,
        "mongodb" => 27017,
        "nats" => 4222,
        "kafka" => 9092,
        "ldap" => 389,
        "ldaps" => 636,
        "smtp" => 25,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, hint: Hint) -> Vec<String> {
        value(text, hint)
            .into_iter()
            .map(|found| {
                let port = found.port.map_or(String::new(), |(port, range)| {
                    assert_eq!(text[range].parse(), Ok(port));
                    format!(":{port}")
                });
                let scheme = found.scheme.map_or(String::new(), |range| format!("{}|", &text[range]));
                format!("{scheme}{}{port}{}", &text[found.host], if found.sure { "" } else { "?" })
            })
            .collect()
    }

    #[test]
    fn the_words_are_sorted_and_found() {
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(WORDS.iter().all(|(word, says)| meaning(&word.to_uppercase()) == Some(*says)));
        assert_eq!(meaning("hostess"), None);
        assert_eq!(meaning("an-endless-word-of-a-name"), None);
        assert_eq!(words("dataStorage_URL").collect::<Vec<_>>(), ["data", "Storage", "URL"]);
        assert_eq!(words("-.a1B..").collect::<Vec<_>>(), ["a1", "B"]);
        assert_eq!(words("größeX_é").collect::<Vec<_>>(), ["größe", "X", "é"]);
        assert_eq!(words("").count() + words("-").count(), 0);
    }

    #[test]
    fn hosts_are_found_in_every_shape() {
        assert_eq!(show("postgres", Hint::Host), ["postgres"]);
        assert_eq!(show("redis:6379", Hint::None), ["redis:6379?"]);
        assert_eq!(show("redis:6379", Hint::Address), ["redis:6379"]);
        assert_eq!(
            show("kafka-0.kafka:9092, kafka-1.kafka:9092", Hint::Address),
            ["kafka-0.kafka:9092", "kafka-1.kafka:9092"]
        );
        assert_eq!(show("http://datastorage:8080/api/v1", Hint::None), ["http|datastorage:8080"]);
        assert_eq!(
            show("postgres://u:p@ss/w@db.ns.svc:5432/x?sslmode=disable", Hint::None),
            ["postgres|db.ns.svc:5432"]
        );
        assert_eq!(show("jdbc:postgresql://db:5432/x", Hint::None), ["postgresql|db:5432"]);
        assert_eq!(
            show("mongodb://a:27017,b:27017/x?replicaSet=r", Hint::None),
            ["mongodb|a:27017", "mongodb|b:27017"]
        );
        assert_eq!(show("host=db port=5432 user=u dbname=x", Hint::None), ["db:5432"]);
        assert_eq!(show("u:p@tcp(mysql:3306)/x", Hint::None), ["mysql:3306"]);
        assert_eq!(show("redis:6379/0", Hint::Address), ["redis:6379"]);
        assert_eq!(show("http://x.example.com", Hint::None), ["http|x.example.com"]);
        assert_eq!(
            show("https://a.example.com,http://web:3000,http://api", Hint::None),
            ["https|a.example.com", "http|web:3000", "http|api"]
        );
        assert_eq!(show("s3://key:secret@minio:9000/backups", Hint::None), ["s3|minio:9000"]);
    }

    #[test]
    fn other_strings_are_not_hosts() {
        for text in [
            "",
            "12:30",
            "nginx:1",
            "hello world",
            "a=b",
            "INFO",
            "{{ x }}:80",
            "http://$(HOST):80",
            "http://${X}/",
            "file:///etc/x",
            "s3://backups/x",
            "-",
            "0.0.0.0:8080",
            ":8080",
        ] {
            assert_eq!(show(text, Hint::None), [""; 0], "{text}");
        }
        assert_eq!(show("nginx:1.25", Hint::None), [""; 0]);
        assert_eq!(show("localhost", Hint::Host), [""; 0]);
        assert_eq!(show("postgres:16", Hint::Never), [""; 0]);
        assert_eq!(show("0.0.0.0", Hint::Host), [""; 0]);
    }

    #[test]
    fn names_of_fields_tell() {
        for key in ["POSTGRES_HOST", "dbHost", "host", "database.host"] {
            assert_eq!(hint(key), Hint::Host, "{key}");
        }
        for key in
            ["REDIS_ADDR", "DATABASE_URL", "dataStorageUrl", "KAFKA_BOOTSTRAP_SERVERS", "brokers", "data_storage_url"]
        {
            assert_eq!(hint(key), Hint::Address, "{key}");
        }
        for key in ["ALLOWED_HOSTS", "listenAddr", "metrics-bind-address", "LOG_LEVEL", "PUBLIC_URL", "healthProbeAddr"]
        {
            assert_eq!(hint(key), Hint::None, "{key}");
        }
        assert_eq!(hint("HOSTNAME"), Hint::Never);
        assert_eq!(hint("image"), Hint::Never);
    }
}
