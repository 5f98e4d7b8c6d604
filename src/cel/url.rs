//! URLs, as Go's `url.ParseRequestURI` parses them: an absolute URI or an absolute path.

/// A parsed URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: String,
    /// The host with its port.
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, Vec<String>)>,
}

impl Url {
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return None;
        }
        let (scheme, rest) = match text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))) {
            Some(end) if end > 0 && text[end..].starts_with(':') && text.as_bytes()[0].is_ascii_alphabetic() => {
                (text[..end].to_ascii_lowercase(), &text[end + 1..])
            }
            Some(0) | None => (String::new(), text),
            Some(_) => (String::new(), text),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !rest.starts_with('/') {
            return None;
        }
        let (host, path) = match rest.strip_prefix("//") {
            Some(after) if !scheme.is_empty() => {
                let end = after.find('/').unwrap_or(after.len());
                (&after[..end], &after[end..])
            }
            _ => ("", rest),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        if !is_host(host) || !is_escaped(path) {
            return None;
        }
        Some(Self { scheme, host: host.to_owned(), path: path.to_owned(), query: parameters(query) })
    }

    /// The host without port and brackets.
    pub(super) fn host_name(&self) -> &str {
        let (host, _) = split_port(&self.host);
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(super) fn port(&self) -> &str {
        split_port(&self.host).1
    }

    /// The escaped path.
    pub(super) fn escaped_path(&self) -> String {
        let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!'()*[]".contains(&byte);
        self.path.bytes().fold(String::new(), |mut path, byte| {
            match keeps(byte) {
                true => path.push(char::from(byte)),
                false => path.push_str(&format!("%{byte:02X}")),
            }
            path
        })
    }
}

fn split_port(host: &str) -> (&str, &str) {
    let after = host.rfind(']').map_or(0, |end| end + 1);
    host[after..].rfind(':').map_or((host, ""), |colon| (&host[..after + colon], &host[after + colon + 1..]))
}

fn is_host(host: &str) -> bool {
    let (name, port) = split_port(host);
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match inner {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte))
        }
        None => name
            .bytes()
            .all(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)),
    };
    is_name && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether every `%` starts a valid escape.
fn is_escaped(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        text.get(at + 1..at + 3).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn parameters(query: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty() && !part.contains(';')) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !is_escaped(name) || !is_escaped(value) {
            continue;
        }
        let (name, value) = (plain(name), plain(value));
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => found.push((name, vec![value])),
        }
    }
    found
}

/// Unescapes a component of a query.
fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        match first {
            b'+' => bytes.push(b' '),
            b'%' if after.len() >= 2 => {
                let digits = std::str::from_utf8(&after[..2]).unwrap_or_default();
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'%'));
                rest = &after[2..];
                continue;
            }
            other => bytes.push(*other),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
