//! Collects the secrets of a run: those that were met in its files, and those of objects.

use std::collections::BTreeSet;

use ecow::EcoString;
use foldhash::{HashMap, HashSet};

use crate::node::{Entry, Node, Value};
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::report::secrets::{Secrets, tokens};
use crate::secret::{self, Evidence, KeyKind, unread};
use crate::source::{Sources, Span};

/// How many objects one thread searches at a time.
const CHUNK: usize = 256;

impl Secrets {
    /// The secrets met while files were read.
    #[must_use]
    pub fn new(sources: &Sources) -> Self {
        Self::of(sources, &[])
    }

    /// These and the secrets of objects: what a schema marks, the data of Secrets, and what is known by its name or form.
    #[must_use]
    pub fn of<'a>(sources: &Sources, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let objects: Vec<&Object> = objects.into_iter().collect();
        let chunks: Vec<&[&Object]> = objects.chunks(CHUNK).collect();
        let mut all = Self::default();
        for (span, value) in sources.secrets() {
            all.positions.add(span);
            all.add_word(&value, Evidence::Certain);
        }
        let found = in_parallel(&chunks, None, |objects| {
            let mut collector = SecretCollector::new(sources);
            objects.iter().for_each(|object| collector.object(&object.node));
            collector.found
        });
        found.into_iter().for_each(|found| all.append(found));
        for span in sources.unread() {
            all.add_unread(sources, span);
        }
        all.ordinary.remove("default");
        // Names are exceptions to redacted words: without such words they do not matter.
        if all.has_words() {
            let names = in_parallel(&chunks, None, |objects| {
                let mut names = NameCollector::new(&all);
                objects.iter().for_each(|object| names.collect(&object.node, false));
                (names.shown, names.not_ordinary, names.not_likely)
            });
            for (shown, not_ordinary, not_likely) in names {
                not_ordinary.into_iter().for_each(|word| _ = all.ordinary.remove(word));
                not_likely.into_iter().for_each(|word| all.likely.remove(word));
                all.names.extend(shown.into_iter().map(Box::from));
            }
        }
        all.positions.sort();
        all.private.sort();
        all
    }

    /// Adds what may be a secret in a document that could not be read.
    fn add_unread(&mut self, sources: &Sources, span: Span) {
        let Some(source) = sources.get(span.file) else { return };
        let Some(text) = source.text.get(span.start as usize..span.end as usize) else { return };
        for range in unread::places(text) {
            self.positions.add(Span::new(span.file, span.start + range.start as u32, span.start + range.end as u32));
            unread::names(&text[range]).into_iter().for_each(|name| self.add_word(name, Evidence::Certain));
        }
    }
}

/// The kinds of the keys of many objects: most keys occur in all of them.
#[derive(Default)]
struct KeyKinds<'a>(HashMap<&'a str, KeyKind>);

impl<'a> KeyKinds<'a> {
    fn of(&mut self, key: &'a str) -> KeyKind {
        *self.0.entry(key).or_insert_with(|| KeyKind::of(key))
    }
}

/// The names of objects and fields, which are shown even if a Secret contains the same word.
struct NameCollector<'a, 'r> {
    secrets: &'r Secrets,
    key_kinds: KeyKinds<'a>,
    shown: HashSet<&'a str>,
    /// Ordinary words of the secrets that are names.
    not_ordinary: BTreeSet<&'a str>,
    /// Likely secrets that are names of objects, ports or containers, so that what a name or a form suggests is wrong.
    not_likely: BTreeSet<&'a str>,
}

impl<'a, 'r> NameCollector<'a, 'r> {
    fn new(secrets: &'r Secrets) -> Self {
        Self {
            secrets,
            key_kinds: KeyKinds::default(),
            shown: HashSet::default(),
            not_ordinary: BTreeSet::new(),
            not_likely: BTreeSet::new(),
        }
    }

    /// Collects the names in a part of an object. The name of a variable is not shown where a Secret contains it.
    fn collect(&mut self, node: &'a Node, of_variable: bool) {
        node.items().iter().for_each(|item| self.collect(item, of_variable));
        if node.entries().is_empty() {
            return;
        }
        let of_secret = secret::is_of_secret(node);
        for entry in node.entries() {
            let (key, value) = (entry.key.as_str(), &entry.value);
            let is_secret = self.key_kinds.of(key).evidence(node, of_secret, key, value).is_some();
            self.field(key);
            match &value.value {
                Value::String(name) => {
                    if matches!(key, "name" | "namespace" | "kind" | "key") || key.ends_with("Name") {
                        self.object(name);
                        if !of_variable && !is_secret {
                            self.show(name);
                        }
                    }
                }
                _ if is_secret => {
                    let keys = value.entries().iter().filter(|entry| !secret::is_torn(&entry.key, &entry.value));
                    keys.for_each(|entry| self.show(&entry.key));
                }
                Value::Mapping(_) if of_secret && key == "metadata" => {
                    ["name", "namespace"].iter().for_each(|field| self.show(value[*field].text()));
                }
                _ => self.collect(value, key == "env"),
            }
        }
    }

    fn field(&mut self, name: &'a str) {
        if self.secrets.ordinary.contains(name) {
            self.not_ordinary.insert(name);
        }
        self.show(name);
    }

    fn object(&mut self, name: &'a str) {
        if self.secrets.ordinary.contains(name) {
            self.not_ordinary.insert(name);
        }
        if self.secrets.likely.contains(name) {
            self.not_likely.insert(name);
        }
    }

    fn show(&mut self, name: &'a str) {
        if !self.shown.contains(name) && tokens(name).eq(std::iter::once(0..name.len())) {
            self.shown.insert(name);
        }
    }
}

/// Collects the secrets of objects.
struct SecretCollector<'a> {
    sources: &'a Sources,
    found: Secrets,
    key_kinds: KeyKinds<'a>,
    /// The strings without a position that were searched.
    searched: HashSet<EcoString>,
}

impl<'a> SecretCollector<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self { sources, found: Secrets::default(), key_kinds: KeyKinds::default(), searched: HashSet::default() }
    }

    /// Collects the value of a variable that is named like a password, even if `name` or `value` is misspelt.
    fn variable(&mut self, env: &Node) {
        let names = |entry: &Entry| {
            let says = entry.key != "value" && entry.key != "valueFrom" && secret::has_name(entry.value.text());
            says || secret::has_name(&entry.key)
        };
        if !env.entries().iter().any(names) {
            return;
        }
        for entry in env.entries().iter().filter(|entry| entry.key != "name" && entry.key != "valueFrom") {
            self.whole(&entry.value, Evidence::Form);
            // `value:x` without a space is a key.
            if entry.key.contains(':') {
                self.key(entry, Evidence::Form);
            }
        }
    }

    /// Collects the secrets in a part of an object.
    fn object(&mut self, node: &'a Node) {
        if node.origin.is_secret() {
            self.all(node, Evidence::Certain);
            for input in node.origin.inputs().iter().filter(|input| input.node.origin.is_secret()) {
                self.all(&input.node, Evidence::Certain);
            }
            return;
        }
        match &node.value {
            Value::String(text) => {
                // In a record of a cluster most strings occur in several objects: a workload, its ReplicaSet, its pods.
                let has_position = !node.origin.span.is_none() || node.origin.derived.is_some();
                if has_position || self.searched.insert(text.clone()) {
                    self.text(node, text);
                }
            }
            Value::Sequence(items) => {
                secret::arguments(items).into_iter().for_each(|(at, start)| self.argument(&items[at], start));
                items.iter().for_each(|item| self.object(item));
            }
            Value::Mapping(mapping) => {
                let of_secret = secret::is_of_secret(node);
                let (mut command, mut args) = (&[][..], &[][..]);
                for entry in mapping.iter() {
                    match &*entry.key {
                        "env" => entry.value.items().iter().for_each(|env| {
                            self.variable(env);
                            self.private(&env["value"]);
                        }),
                        "command" => command = entry.value.items(),
                        "args" => args = entry.value.items(),
                        "data" if node["kind"].text() == "ConfigMap" => {
                            entry.value.entries().iter().for_each(|entry| self.private(&entry.value));
                        }
                        _ => {}
                    }
                    let kind = self.key_kinds.of(&entry.key);
                    if let Some(evidence) = kind.evidence(node, of_secret, &entry.key, &entry.value) {
                        if of_secret {
                            self.data(&entry.value, evidence);
                        } else {
                            self.all(&entry.value, evidence);
                        }
                        self.torn(&entry.value, evidence);
                    } else {
                        self.object(&entry.value);
                    }
                }
                if of_secret {
                    secret::strays(node).for_each(|stray| self.whole(&stray.value, Evidence::Certain));
                }
                command.iter().chain(args).for_each(|word| self.private(word));
                // Each of the two was searched as a list.
                if !command.is_empty() && !args.is_empty() {
                    let words: Vec<&Node> = command.iter().chain(args).collect();
                    let found = secret::arguments(words.iter().copied());
                    found.into_iter().for_each(|(at, start)| self.argument(words[at], start));
                }
            }
            _ => {}
        }
    }

    /// Marks a string of which an excerpt shows only the keys and what is underlined.
    fn private(&mut self, node: &Node) {
        if node.origin.inputs().is_empty() && node.as_str().is_some() {
            self.found.private.add(node.origin.span);
        }
    }

    /// Collects an argument in which a secret starts at a byte.
    fn argument(&mut self, node: &Node, start: usize) {
        self.whole(node, Evidence::Form);
        self.found.add_word(node.text().get(start..).unwrap_or_default(), Evidence::Form);
    }

    /// Collects the secrets in a string; returns whether there are any.
    fn text(&mut self, node: &Node, text: &str) -> bool {
        let found = secret::found_in(text);
        if found.is_empty() {
            return false;
        }
        // Quotes around a value are not a part of the secret.
        found
            .iter()
            .for_each(|found| self.found.add_word(text[found.range.clone()].trim_matches(['"', '\'']), found.evidence));
        let parts = node.origin.derived.as_ref().map_or(&[][..], |derived| &derived.text_parts);
        for part in parts {
            let (start, end) = (part.start as usize, part.end as usize);
            if part.origin.inputs().is_empty()
                && found.iter().any(|found| found.range.start < end && start < found.range.end)
            {
                self.found.positions.add(part.origin.span);
            }
        }
        if parts.is_empty() && node.origin.inputs().is_empty() {
            self.add_in_file(node.origin.span, found.len());
        }
        for input in node.origin.inputs().iter().filter(|input| input.node.as_str().is_some()) {
            self.add_in_file(input.node.origin.span, 0);
        }
        true
    }

    fn add_in_file(&mut self, span: Span, many: usize) {
        secret::written(self.sources, span, many).into_iter().for_each(|span| self.found.positions.add(span));
    }

    /// Collects the data of a Secret. A public key such as `POSTGRES_USER` is redacted in the Secret, not elsewhere.
    fn data(&mut self, data: &Node, evidence: Evidence) {
        let Value::Mapping(mapping) = &data.value else { return self.all(data, evidence) };
        for entry in mapping.iter() {
            let value = &entry.value;
            let text = value.as_str().unwrap_or_default();
            // The password in a URL is a secret on its own.
            let holds_more = self.text(value, text);
            let is_public = secret::is_public_key(&entry.key) && !value.origin.is_secret();
            if !is_public || text.is_empty() || holds_more {
                self.all(value, evidence);
            } else if value.origin.inputs().is_empty() {
                self.found.positions.add(value.origin.span);
            }
        }
    }

    fn all(&mut self, node: &Node, evidence: Evidence) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.all(item, evidence)),
            Value::Mapping(mapping) => mapping.iter().for_each(|entry| self.all(&entry.value, evidence)),
            Value::Null => {}
            value => {
                if node.origin.inputs().is_empty() {
                    self.found.positions.add(node.origin.span);
                }
                if let Value::String(text) = value {
                    self.found.add_word(text, evidence);
                }
                node.origin.overridden().iter().for_each(|overridden| self.all(overridden, evidence));
                node.origin.inputs().iter().for_each(|input| self.positions_of(&input.node));
            }
        }
    }

    /// Collects all of what should be a string, including the keys in it.
    fn whole(&mut self, node: &Node, evidence: Evidence) {
        self.all(node, evidence);
        self.keys(node, evidence);
    }

    /// Collects the keys in the data of a Secret that are parts of torn values.
    fn torn(&mut self, data: &Node, evidence: Evidence) {
        for entry in data.entries() {
            if secret::is_torn(&entry.key, &entry.value) {
                self.key(entry, evidence);
            }
            self.keys(&entry.value, evidence);
        }
    }

    /// Collects the keys of what should be a string: braces in an unquoted one make it a mapping.
    fn keys(&mut self, node: &Node, evidence: Evidence) {
        node.items().iter().for_each(|item| self.keys(item, evidence));
        for entry in node.entries() {
            self.key(entry, evidence);
            self.keys(&entry.value, evidence);
        }
    }

    fn key(&mut self, entry: &Entry, evidence: Evidence) {
        self.found.positions.add(entry.key_span);
        if !secret::mentions_secret(&entry.key) {
            self.found.add_word(&entry.key, evidence);
        }
    }

    /// Collects the positions of what a secret was made from, but no words: the host in a URL with a password is not a secret.
    fn positions_of(&mut self, node: &Node) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.positions_of(item)),
            Value::Mapping(mapping) => mapping.iter().for_each(|entry| self.positions_of(&entry.value)),
            Value::Null => {}
            _ => {
                self.found.positions.add(node.origin.span);
                node.origin.overridden().iter().for_each(|overridden| self.positions_of(overridden));
            }
        }
    }
}
