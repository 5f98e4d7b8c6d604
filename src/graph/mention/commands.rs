//! Hosts in variables, commands and scripts of containers.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt};

use super::{Mention, MentionLocation, MentionSource, port_names, push};
use crate::graph::pod::Container;
use crate::node::Node;
use crate::object::Object;
use crate::text::scan::{self, Form, Hint};
use crate::text::shell::{self, Word};

pub(super) fn env_mentions<'a>(
    object: &'a Object,
    pod: usize,
    number: usize,
    container: &Container<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    for var in container.env.iter().filter(|var| var.own) {
        let Some(node) = var.value else { continue };
        let Some(text) = node.as_str() else { continue };
        let hint = scan::hint(&var.name);
        // A value in a ConfigMap is found there, unless only the name of the variable indicates a host.
        let elsewhere = !std::ptr::eq(var.object, object);
        if elsewhere {
            let key = var.entry["valueFrom"]["configMapKeyRef"]["key"].text();
            if scan::hint(key) != Hint::None || hint == Hint::None || text.contains("://") {
                continue;
            }
        }
        let expanded = container.expand(text);
        let exact = matches!(expanded, Cow::Borrowed(_));
        let spot = MentionSource {
            object: var.object,
            node,
            location: MentionLocation::Env(var.name.clone()),
            pod: Some(pod),
            container: Some(number),
        };
        let from = mentions.len();
        for found in scan::value(&expanded, hint) {
            push(&spot, &expanded, found, exact, mentions);
        }
        for mention in &mut mentions[from..] {
            // A host from an expanded variable such as `$(DB_HOST)` is a separate mention.
            mention.repeated = !exact && !text.contains(mention.host.as_str());
            if mention.port.is_none() && mention.form == Form::Bare {
                mention.port = port_names(&var.name).find_map(|name| container.var_text(&name)?.trim().parse().ok());
            }
        }
    }
}

pub(super) fn command_mentions<'a>(
    object: &'a Object,
    pod: usize,
    number: usize,
    container: &Container<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let nodes: Vec<&'a Node> = container.words().filter(|node| node.as_str().is_some()).collect();
    let var = |name: &str| container.var_text(name);
    let source = |node: &'a Node, availability_check: bool| MentionSource {
        object,
        node,
        location: MentionLocation::Command { availability_check },
        pod: Some(pod),
        container: Some(number),
    };
    let mut script = None;
    if nodes.first().is_some_and(|node| shell::is_shell(node.text())) {
        let flag = nodes.iter().position(|node| {
            let text = node.text();
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        });
        script = flag.and_then(|flag| nodes.get(flag + 1)).copied();
    }
    if let Some(node) = script {
        script_mentions(node.text(), &var, &|availability_check| source(node, availability_check), mentions);
        return;
    }
    let words: Vec<Word<'_>> =
        nodes.iter().map(|node| Word { text: container.expand(node.text()), range: 0..0 }).collect();
    for connection in shell::connections(&words) {
        let node = nodes[connection.word];
        let exact = *node.text() == words[connection.word].text;
        let spot = source(node, connection.availability_check);
        push(&spot, &words[connection.word].text, connection.found, exact, mentions);
        if let Some(mention) = mentions.last_mut() {
            mention.port = mention.port.or(connection.port);
            mention.repeated = !exact && !node.text().contains(mention.host.as_str());
        }
    }
    // Scripts in the arguments of a wrapper such as `timeout 60 sh -c …`.
    for (at, node) in nodes.iter().enumerate().skip(1) {
        if node.text() == "-c"
            && at > 1
            && shell::is_shell(nodes[at - 1].text())
            && let Some(node) = nodes.get(at + 1).copied()
        {
            script_mentions(node.text(), &var, &|availability_check| source(node, availability_check), mentions);
        }
    }
}

pub(super) fn script_mentions<'a>(
    script: &str,
    var: &dyn Fn(&str) -> Option<String>,
    spot: &dyn Fn(bool) -> MentionSource<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    if script.len() > 256 * 1024 {
        return;
    }
    let mut own: HashMap<String, String> = HashMap::new();
    let mut room = shell::MOST_EXPANDED;
    for words in shell::commands(script) {
        if let [word] = words.as_slice()
            && let Some((name, value)) = word.text.split_once('=')
        {
            own.insert(name.to_owned(), value.to_owned());
        }
        let known = |name: &str| own.get(name).cloned().or_else(|| var(name));
        let mut expanded: Vec<Word<'_>> = words
            .iter()
            .map(|word| {
                let quoted_single = script[word.range.clone()].starts_with('\'');
                let text = if quoted_single {
                    Cow::Borrowed(&*word.text)
                } else {
                    shell::expand(&word.text, &mut room, &known)
                };
                Word { text, range: word.range.clone() }
            })
            .collect();
        // `bash -c '…'` in a script.
        let name = shell::command_name(&expanded);
        let nested = name.filter(|at| shell::is_shell(&expanded[*at].text)).and_then(|at| {
            expanded[at..]
                .iter()
                .position(|word| word.text == "-c")
                .map(|flag| at + flag + 1)
                .filter(|at| *at < expanded.len())
        });
        if let Some(at) = nested {
            let inner = std::mem::take(&mut expanded[at].text);
            for words in shell::commands(&inner) {
                for connection in shell::connections(&words) {
                    let text = &words[connection.word].text;
                    push_talk(script, &expanded[at].range, text, connection, true, spot, mentions);
                }
            }
        }
        for connection in shell::connections(&expanded) {
            let text = &expanded[connection.word].text;
            let same = words[connection.word].text == *text;
            push_talk(script, &words[connection.word].range, text, connection, same, spot, mentions);
        }
    }
}

fn push_talk<'a>(
    script: &str,
    word: &Range<usize>,
    text: &str,
    connection: shell::Connection,
    same: bool,
    spot: &dyn Fn(bool) -> MentionSource<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let raw = &script[word.clone()];
    let port = connection.port;
    push(&spot(connection.availability_check), text, connection.found, false, mentions);
    let Some(mention) = mentions.last_mut() else { return };
    mention.port = mention.port.or(port);
    mention.repeated = !same && !raw.contains(mention.host.as_str());
    if let Some(at) = raw.find(mention.host.as_str()) {
        let host = word.start + at..word.start + at + mention.host.len();
        let after = format!(":{}", mention.port.unwrap_or_default());
        if mention.port.is_some() && script[host.end..].starts_with(&after) {
            mention.port_range = Some(host.end + 1..host.end + after.len());
        }
        mention.range = Some(host);
    }
}
