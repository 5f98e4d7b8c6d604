//! Secrets, kept out of what a diff shows: marked values, the data of Secrets, variables and lines named like a
//! password, passwords in URLs, private keys.

use crate::diff::{FieldChange, Step};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::{Mask, is_secret_name, names_secret};
use crate::source::Sources;

/// What stands in place of a secret.
pub(crate) const DOTS: &str = "•••";

/// Keys of Secrets that hold no secret: striking their values out of other texts would only garble these.
const PUBLIC_KEYS: &[&str] = &["username", "user", "host", "port", "database", "dbname", "ca.crt", "tls.crt", "type"];

/// Knows the secrets of both sides.
#[derive(Debug)]
pub struct Hide {
    mask: Mask,
}

/// A text without its secrets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The text, with dots in their place.
    pub(super) text: String,
    /// What the dots stand for: to tell whether it changed, never to be shown.
    pub(super) secrets: Vec<String>,
}

impl Hide {
    /// Learns the secrets of objects, and those met while the texts were read.
    #[must_use]
    pub fn of<'a>(sources: &Sources, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let known: Vec<Object> = objects.into_iter().filter(|object| may_hold(object)).map(without_public).collect();
        Self { mask: Mask::of(sources, &known) }
    }

    /// Whether nothing but the change itself may be shown.
    pub(super) fn is_secret(&self, object: &Object, field: &FieldChange<'_>) -> bool {
        let nodes = || field.before().into_iter().chain(field.after());
        let of_secret = object.kind() == "Secret"
            && matches!(field.path.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
        let of_variable = match field.path.as_slice() {
            [.., Step::Key(list), Step::Item { label: Some(name), .. }, Step::Key(value)] => {
                list == "env" && value == "value" && is_secret_name(name)
            }
            _ => false,
        };
        // A config file in which only a part is secret is shown without that part.
        let marked = nodes().any(|node| node.origin.is_secret() && parts(node).is_empty());
        of_secret || of_variable || marked
    }

    /// The text of a scalar without its secrets.
    pub(super) fn scalar(&self, node: &Node, text: &str) -> Hidden {
        let mut hidden = Hidden::default();
        let mut at = 0;
        for part in parts(node).iter().filter(|part| part.origin.is_secret()) {
            let (start, end) = (part.start as usize, part.end as usize);
            if let (Some(before), Some(secret)) = (text.get(at..start), text.get(start..end)) {
                hidden.text.push_str(before);
                hidden.text.push_str(DOTS);
                hidden.secrets.push(secret.to_owned());
                at = end;
            }
        }
        hidden.text.push_str(text.get(at..).unwrap_or_default());
        let lines = self.text(&hidden.text);
        hidden.text = lines.text;
        hidden.secrets.extend(lines.secrets);
        hidden
    }

    /// A text without its secrets.
    pub(super) fn text(&self, text: &str) -> Hidden {
        let mut hidden = lines(text);
        let words = self.mask.words(&hidden.text);
        if words != hidden.text {
            // Which ones went is not known; the whole tells whether they changed.
            hidden.secrets.push(std::mem::replace(&mut hidden.text, words));
        }
        hidden
    }

    /// A tree without its secrets, for showing it whole.
    pub(crate) fn tree(&self, node: &Node) -> Node {
        let dots = || Node { value: DOTS.into(), origin: node.origin.clone() };
        let is_scalar = !matches!(node.value, Value::Sequence(_) | Value::Mapping(_) | Value::Null);
        if node.origin.is_secret() && parts(node).is_empty() || is_scalar && self.mask.covers(node.origin.span) {
            return dots();
        }
        let mut copy = node.clone();
        match &mut copy.value {
            Value::String(text) => *text = self.scalar(node, text).text.into(),
            Value::Sequence(items) => items.iter_mut().for_each(|item| *item = self.tree(item)),
            Value::Mapping(mapping) => {
                let secret = is_secret_name(node["name"].text());
                for entry in mapping.entries_mut() {
                    entry.value = match entry.key.as_str() {
                        "value" if secret => dots(),
                        _ => self.tree(&entry.value),
                    };
                }
            }
            _ => {}
        }
        copy
    }

    /// A value on one line, without its secrets.
    pub(crate) fn line(&self, node: &Node) -> String {
        super::show::flow(&self.tree(node))
    }

    /// A whole object without its secrets.
    pub(crate) fn object(&self, object: &Object) -> Node {
        let mut node = self.tree(&object.node);
        if object.kind() == "Secret" {
            for field in ["data", "stringData"] {
                if let Some(Value::Mapping(data)) = node.get_mut(field).map(|data| &mut data.value) {
                    data.entries_mut().iter_mut().for_each(|entry| entry.value.value = DOTS.into());
                }
            }
        }
        node
    }
}

fn parts(node: &Node) -> &[crate::node::TextPart] {
    node.origin.derived.as_ref().map_or(&[], |derived| &derived.text_parts)
}

/// Whether an object can hold a secret; most cannot, and need not be copied.
fn may_hold(object: &Object) -> bool {
    fn marked(node: &Node) -> bool {
        node.origin.is_secret()
            || node.items().iter().any(marked)
            || node.entries().iter().any(|entry| marked(&entry.value))
    }
    object.kind() == "Secret" || object.pod_spec().is_some() || marked(&object.node)
}

/// A Secret without the keys that hold none.
fn without_public(object: &Object) -> Object {
    let mut object = object.clone();
    if object.kind() == "Secret" {
        for field in ["data", "stringData"] {
            if let Some(Value::Mapping(data)) = object.node.get_mut(field).map(|data| &mut data.value) {
                data.entries_mut().retain(|entry| {
                    let public = PUBLIC_KEYS.contains(&entry.key.to_ascii_lowercase().as_str());
                    !public || entry.value.origin.is_secret()
                });
            }
        }
    }
    object
}

/// Strikes out, line by line, what is named like a secret.
fn lines(text: &str) -> Hidden {
    let mut hidden = Hidden { text: String::with_capacity(text.len()), secrets: Vec::new() };
    // How deep the key of a secret block stands, and whether a private key is open.
    let mut block: Option<usize> = None;
    let mut armoured = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let indent = content.len() - content.trim_start().len();
        if block.is_some_and(|depth| indent <= depth && !content.trim().is_empty()) {
            block = None;
        }
        armoured |= content.contains("-----BEGIN") && content.contains("PRIVATE KEY");
        if armoured || block.is_some() && !content.trim().is_empty() {
            hidden.secrets.push(content.to_owned());
            hidden.text.push_str(&content[..indent]);
            hidden.text.push_str(DOTS);
            armoured &= !content.contains("-----END");
        } else {
            block = block.or_else(|| opens_block(content).then_some(indent));
            line_without(content, &mut hidden);
        }
        hidden.text.push_str(&line[content.len()..]);
    }
    hidden
}

/// Whether a line names a secret whose text follows below: `password: |`.
fn opens_block(line: &str) -> bool {
    let Some((key, value)) = line.split_once(':') else { return false };
    let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\'']);
    names_secret(key) && value.trim_start().starts_with(['|', '>'])
}

/// A line without what follows a secret's name and a colon or an equals sign, or stands in a URL as a password.
fn line_without(line: &str, hidden: &mut Hidden) {
    let mut at = 0;
    let bytes = line.as_bytes();
    let mut search = 0;
    let mut word = Word::default();
    while let Some(found) = line[search..].find([':', '=']).map(|found| found + search) {
        search = found + 1;
        let rest = &line[search..];
        let secret = if rest.starts_with("//") {
            let start = search + 2;
            if word.end < start {
                word = Word::of(line, start);
            }
            let sign = word.sign.and_then(|sign| sign.checked_sub(start));
            password_of(&line[start..word.end], sign).map(|(from, to)| (start + from, start + to))
        } else {
            let key = name_before(line, found);
            if names_secret(key) { value_after(line, search, bytes[found]) } else { None }
        };
        if let Some((start, end)) = secret
            && start < end
            && start >= at
        {
            hidden.text.push_str(&line[at..start]);
            hidden.text.push_str(DOTS);
            hidden.secrets.push(line[start..end].to_owned());
            (at, search) = (end, end);
        }
    }
    hidden.text.push_str(&line[at..]);
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
        let end = line[start..].find([' ', '"', '\'']).map_or(line.len(), |end| start + end);
        Self { end, sign: line[start..end].rfind('@').map(|sign| start + sign) }
    }
}

/// Where the password stands in what follows `scheme://`: `user:password@host`. `sign`: where the last `@` is.
fn password_of(address: &str, sign: Option<usize>) -> Option<(usize, usize)> {
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let colon = address.find(':')?;
    let end = match authority.rfind('@') {
        Some(end) => end,
        // A password with a slash in it, unless what follows the colon is a port.
        None if authority.get(colon + 1..)?.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        None => sign?,
    };
    (colon < end).then_some((colon + 1, end))
}

/// The name that ends before a colon or equals sign.
fn name_before(line: &str, end: usize) -> &str {
    let before = line[..end].trim_end().trim_end_matches(['"', '\'']);
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..].trim_start_matches('-')
}

/// Where the value behind a colon or equals sign stands. `None` where it only names another one, as `$PASSWORD` does.
fn value_after(line: &str, from: usize, sign: u8) -> Option<(usize, usize)> {
    let start = from + (line[from..].len() - line[from..].trim_start().len());
    let rest = &line[start..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (start, rest) = if quote.is_some() { (start + 1, &rest[1..]) } else { (start, rest) };
    if rest.starts_with('$') {
        return None;
    }
    let end = match (quote, sign) {
        (Some(quote), _) => rest.rfind(quote).map_or(rest.len(), |last| {
            // Up to the next quote that a comma, a bracket or the end follows.
            rest.match_indices(quote)
                .map(|(at, _)| at)
                .find(|at| {
                    let behind = rest[at + 1..].trim_start();
                    behind.is_empty() || behind.starts_with([',', '}', ']'])
                })
                .unwrap_or(last)
        }),
        (None, b'=') => rest.find([' ', '\t', ',', ';', '&', '"', '\'']).unwrap_or(rest.len()),
        _ => rest.trim_end().len(),
    };
    let value = &rest[..end];
    let public = value.is_empty() || matches!(value, "|" | "|-" | ">" | ">-" | "{}" | "{" | "[");
    (!public).then_some((start, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_what_is_named_like_a_secret() {
        let shown = |text: &str| lines(text).text;
        for (text, expected) in [
            ("password: hunter22", "password: •••"),
            ("  dbPassword: \"a, b\"", "  dbPassword: \"•••\""),
            ("export PGPASSWORD='x y'; psql", "export PGPASSWORD='•••'; psql"),
            ("PGPASSWORD=abc psql -h db", "PGPASSWORD=••• psql -h db"),
            ("PGPASSWORD=\"$PASS\" psql", "PGPASSWORD=\"$PASS\" psql"),
            ("host=db password=abc sslmode=disable", "host=db password=••• sslmode=disable"),
            ("--api-key=abc --level=info", "--api-key=••• --level=info"),
            ("url: postgres://app:s3cret@db:5432/x?a=b", "url: postgres://app:•••@db:5432/x?a=b"),
            ("postgres://app:a/b?c@db/x", "postgres://app:•••@db/x"),
            (
                "http://h/x,postgres://a:b@c,redis://:d/e@f http://g@h",
                "http://h/x,postgres://a:•••@c,redis://:•••@f http://g@h",
            ),
            ("http://registry:5000/a@sha256:abc http://h/x@y", "http://registry:5000/a@sha256:abc http://h/x@y"),
            ("{\"user\": \"a\", \"token\": \"t\", \"n\": 1}", "{\"user\": \"a\", \"token\": \"•••\", \"n\": 1}"),
            ("passwordKey: password", "passwordKey: password"),
            ("secretsFile: /etc/x.yaml", "secretsFile: /etc/x.yaml"),
            (
                "key: |\n  a\npassword: |\n  one\n  two\nlevel: info",
                "key: |\n  a\npassword: |\n  •••\n  •••\nlevel: info",
            ),
            ("a\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nb", "a\n•••\n•••\n•••\nb"),
        ] {
            assert_eq!(shown(text), expected);
        }
        assert_eq!(lines("password: hunter22\nuser: a").secrets, ["hunter22"]);
    }
}
