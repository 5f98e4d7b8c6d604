//! Hosts in the data of ConfigMaps and Secrets: values, config files, scripts.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::commands::script_mentions;
use super::{Mention, MentionLocation, MentionSource, port_names, push};
use crate::graph::data::text_of;
use crate::memo::Memo;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::path::address;
use crate::secret::in_text;
use crate::source::FileId;
use crate::text::assign;
use crate::text::scan::{self, Form, Hint};
use crate::yaml::{self, Dialect, Trail, locate};

thread_local! {
    /// Scripts without hosts.
    static WITHOUT_HOSTS: Memo<bool> = const { Memo::new() };
}

/// Words that indicate hosts in a file.
const HOST_WORDS: &[&str] = &[
    "host",
    "addr",
    "://",
    "endpoint",
    "broker",
    "server",
    "url",
    "uri",
    "target",
    "upstream",
    "peers",
    "dsn",
    "connection",
    "backend",
];

/// The maximum size of a config file in bytes. Larger files are dashboards or data.
const MAX_FILE_SIZE: usize = 256 * 1024;

/// Parsed config files by the address of the node.
pub(super) type Configs<'t> = HashMap<usize, &'t Node>;

pub(super) fn data_mentions<'a>(object: &'a Object, configs: &Configs<'_>, mentions: &mut Vec<Mention<'a>>) {
    let secret = object.kind() == "Secret";
    let from = mentions.len();
    for field in ["data", "stringData"] {
        for entry in object.node[field].entries() {
            if entry.value.text().len() > MAX_FILE_SIZE {
                continue;
            }
            let encoded = secret && field == "data";
            let text = if encoded { text_of(object, &entry.key) } else { entry.value.as_str().map(Cow::Borrowed) };
            let Some(text) = text else { continue };
            let before = mentions.len();
            text_mentions(object, entry.key.as_str(), &entry.value, &text, !encoded, configs, mentions);
            let secrets = (mentions.len() > before).then(Arc::default);
            mentions[before..].iter_mut().for_each(|mention| mention.secrets.clone_from(&secrets));
        }
    }
    // The port for `DB_HOST` is in `DB_PORT`.
    for mention in &mut mentions[from..] {
        if let MentionLocation::Data(key, path) = &mention.location
            && path.is_empty()
            && mention.port.is_none()
            && mention.form == Form::Bare
        {
            mention.port = port_names(key).find_map(|name| text_of(object, &name)?.trim().parse().ok());
        }
    }
}

/// The secrets in a file. Computed on first use.
#[derive(Debug)]
pub(super) struct Secrets {
    ranges: Vec<Range<usize>>,
    values: HashSet<Box<str>>,
}

impl Secrets {
    pub(super) fn of(text: &str) -> Self {
        let ranges = in_text(text);
        let values = ranges.iter().map(|range| text[range.clone()].trim_matches(['"', '\'']).into()).collect();
        Self { ranges, values }
    }

    /// Whether a host is part of a secret.
    pub(super) fn contains(&self, host: &str, range: Option<&Range<usize>>) -> bool {
        let is_within = |host: &Range<usize>| {
            let next = self.ranges.partition_point(|range| range.start <= host.start);
            next.checked_sub(1).is_some_and(|at| self.ranges[at].end >= host.end)
        };
        range.is_some_and(is_within) || self.values.contains(host)
    }
}

fn text_mentions<'a>(
    object: &'a Object,
    key: &'a str,
    node: &'a Node,
    text: &str,
    exact: bool,
    configs: &Configs<'_>,
    mentions: &mut Vec<Mention<'a>>,
) {
    if key.contains("known_hosts") {
        return;
    }
    let end = key.rsplit_once('.').map_or("", |(_, end)| end);
    let spot = |path: &str| MentionSource {
        object,
        node,
        location: MentionLocation::Data(key, path.to_owned()),
        pod: None,
        container: None,
    };
    let single = !text.trim_end().contains('\n');
    if end.is_empty() && single {
        let hint = scan::hint(key);
        for found in scan::value(text.trim_end(), hint) {
            push(&spot(""), text, found, exact, mentions);
        }
        return;
    }
    let shell_text = end == "sh" || end == "bash" || text.starts_with("#!");
    let may_contain_hosts = || {
        let lower = text.to_ascii_lowercase();
        HOST_WORDS.iter().any(|word| lower.contains(word))
    };
    match end {
        "yaml" | "yml" | "json" => {
            if !may_contain_hosts() {
                return;
            }
            if let Some(tree) = configs.get(&address(node)) {
                tree_mentions(tree, &mut String::new(), Hint::None, text, exact, &spot, mentions);
                return;
            }
            let loaded = yaml::load_text(text, FileId(u32::MAX - 1), Dialect::Kubectl);
            for document in &loaded.documents {
                tree_mentions(document, &mut String::new(), Hint::None, text, exact, &spot, mentions);
            }
        }
        "sql" | "md" | "txt" | "rego" | "lua" | "css" | "html" | "crt" | "pem" | "key" | "xml" | "py" | "js" | "ts"
        | "tmpl" | "tpl" | "psql" => {}
        _ if shell_text => {
            let mut read = || {
                let (spot, before) = (|_asks| spot(""), mentions.len());
                script_mentions(text, &|_| None, &spot, mentions);
                let is_without_hosts = mentions.len() == before;
                (is_without_hosts, is_without_hosts)
            };
            match &node.value {
                Value::String(text) => WITHOUT_HOSTS.with(|memo| memo.get_if(text, read)),
                _ => read().0,
            };
            if !exact {
                mentions
                    .iter_mut()
                    .filter(|mention| std::ptr::eq(mention.node, node))
                    .for_each(|mention| mention.range = None);
            }
        }
        _ if text.contains(':') || may_contain_hosts() => lines_mentions(text, end, exact, &spot, mentions),
        _ => {}
    }
}

/// Hosts in key-value lines, and URLs.
fn lines_mentions<'a>(
    text: &str,
    end: &str,
    exact: bool,
    spot: &dyn Fn(&str) -> MentionSource<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let upstreams: Vec<&str> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("upstream ")?.split([' ', '{']).next()).collect();
    let known = matches!(end, "env" | "properties" | "ini" | "conf" | "cfg" | "toml" | "cnf" | "");
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim_end();
        let comment = content.trim_start().starts_with(['#', ';']) || content.trim_start().starts_with("//");
        if comment {
            continue;
        }
        let mut found = Vec::new();
        if let Some((key, range)) = assign::pair(content).filter(|_| known)
            && let hint = scan::hint(key)
            && hint != Hint::None
            && !content[range.clone()].contains("://")
        {
            for mut one in scan::value(&content[range.clone()], hint) {
                one.host = one.host.start + range.start..one.host.end + range.start;
                one.port = one.port.map(|(port, place)| (port, place.start + range.start..place.end + range.start));
                found.push(one);
            }
        } else if content.contains("://") {
            scan::urls(content, &mut found);
            // In a file without an extension, a line that is not an assignment is prose.
            let sets = !end.is_empty() || assign::pair(content).is_some();
            found.iter_mut().for_each(|one| one.sure = known && sets);
        } else if let Some(rest) = content.trim_start().strip_prefix("server ") {
            // A server of an nginx upstream.
            let at = content.len() - rest.len();
            let name = rest.split([';', ' ']).next().unwrap_or_default();
            for mut one in scan::value(name, Hint::Address) {
                one.host = one.host.start + at..one.host.end + at;
                one.port = one.port.map(|(port, place)| (port, place.start + at..place.end + at));
                one.sure = one.port.is_some();
                found.push(one);
            }
        }
        for mut one in found {
            let shift = |range: Range<usize>| range.start + start..range.end + start;
            one.host = shift(one.host);
            one.port = one.port.map(|(port, range)| (port, shift(range)));
            one.scheme = one.scheme.map(shift);
            if !upstreams.contains(&&text[one.host.clone()]) {
                push(&spot(""), text, one, exact, mentions);
            }
        }
    }
}

/// Whether a section contains the address that the program itself listens on.
fn is_own_section(path: &str) -> bool {
    let section = path.rsplit('.').next().unwrap_or_default();
    matches!(
        section,
        "server"
            | "http"
            | "https"
            | "grpc"
            | "listener"
            | "listen"
            | "metrics"
            | "health"
            | "web"
            | "api"
            | "admin"
            | "prometheus"
            | "ingress"
    )
}

fn tree_mentions<'a>(
    node: &Node,
    path: &mut String,
    hint: Hint,
    text: &str,
    exact: bool,
    spot: &dyn Fn(&str) -> MentionSource<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    match &node.value {
        Value::Mapping(mapping) => {
            for entry in mapping {
                let mut hint = scan::hint(&entry.key);
                if matches!(entry.key.as_str(), "host" | "hostname" | "addr" | "address") && is_own_section(path) {
                    hint = Hint::Never;
                }
                let (from, above) = (mentions.len(), path.len());
                if above > 0 {
                    path.push('.');
                }
                path.push_str(&entry.key);
                tree_mentions(&entry.value, path, hint, text, exact, spot, mentions);
                path.truncate(above);
                if matches!(entry.value.value, Value::String(_)) {
                    for mention in &mut mentions[from..] {
                        if mention.port.is_none() && mention.form == Form::Bare {
                            mention.port = port_names(&entry.key).find_map(|name| {
                                let port = mapping.get(&name)?;
                                port.as_i64()
                                    .and_then(|port| u16::try_from(port).ok())
                                    .or_else(|| port.text().parse().ok())
                            });
                        }
                    }
                }
            }
        }
        Value::Sequence(items) => {
            for item in items {
                tree_mentions(item, path, hint, text, exact, spot, mentions);
            }
        }
        Value::String(value) => {
            let trail = Cell::new(Trail::NONE);
            let place = |range: Range<usize>| {
                let span = locate(text, node.origin.span, value, range, &trail)?;
                Some(span.start as usize..span.end as usize)
            };
            for found in scan::value(value, hint) {
                let (host, port, scheme) = (found.host.clone(), found.port.clone(), found.scheme.clone());
                push(&spot(path), value, found, false, mentions);
                if let Some(mention) = mentions.last_mut().filter(|_| exact) {
                    mention.scheme_range = scheme.and_then(place);
                    mention.range = place(host);
                    mention.port_range = port.and_then(|(_, range)| place(range));
                }
            }
        }
        _ => {}
    }
}
