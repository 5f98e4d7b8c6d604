//! Secret values, kept out of excerpts and words.

use std::collections::BTreeSet;
use std::ops::Range;

use ecow::EcoString;
use foldhash::HashSet;

use crate::node::{Entry, Node, Value};
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::report::plain::is_control_character;
use crate::report::words::{Places, SHORTEST, Words};
use crate::secret::{self, DOTS, Told, unread};
use crate::source::{FileId, Sources, Span};
use crate::text::assign;

/// Shorter ones are not even struck out where a message quotes them.
const SHORTEST_QUOTED: usize = 3;

/// How many objects one thread looks through at a time.
const CHUNK: usize = 256;

/// The secrets of a run: where they stand, and what they are.
#[derive(Debug, Default)]
pub struct Mask {
    places: Places,
    /// Where the data of ConfigMaps, the values of variables and arguments stand: what of it is secret is not guessed, an
    /// excerpt shows the keys and what is underlined.
    private: Places,
    /// What Secrets hold, and what is marked.
    sure: Words,
    /// Those that a name or a form tells.
    told: Words,
    /// Those of these that are ordinary words: struck out where a message quotes them, not in what it says itself.
    ordinary: BTreeSet<Box<str>>,
    /// Those of Secrets that are ordinary words.
    plain: BTreeSet<Box<str>>,
    /// What objects, fields and keys are called, which is shown whatever a Secret holds.
    names: HashSet<Box<str>>,
    /// The texts without a place that were searched for secrets.
    examined: HashSet<EcoString>,
}

/// What objects and fields are called, and which words are not redacted for it.
#[derive(Default)]
struct Names<'a> {
    shown: HashSet<&'a str>,
    not_ordinary: BTreeSet<&'a str>,
    not_told: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn show(&mut self, name: &'a str) {
        if !self.shown.contains(name) && tokens(name).eq(std::iter::once(0..name.len())) {
            self.shown.insert(name);
        }
    }

    fn add_field(&mut self, mask: &Mask, name: &'a str) {
        if mask.ordinary.contains(name) {
            self.not_ordinary.insert(name);
        }
        self.show(name);
    }

    fn add_name(&mut self, mask: &Mask, name: &'a str) {
        if mask.ordinary.contains(name) {
            self.not_ordinary.insert(name);
        }
        if mask.told.all.contains(name.as_bytes()) {
            self.not_told.insert(name);
        }
    }
}

impl Mask {
    /// The secrets met while the texts were read.
    #[must_use]
    pub fn new(sources: &Sources) -> Self {
        Self::of(sources, &[])
    }

    /// These, and the secrets of objects: what is marked, the data of Secrets, and what `secret` tells by name and form.
    #[must_use]
    pub fn of<'a>(sources: &Sources, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let objects: Vec<&Object> = objects.into_iter().collect();
        let chunks: Vec<&[&Object]> = objects.chunks(CHUNK).collect();
        let mut mask = Self::default();
        for (span, value) in sources.secrets() {
            mask.place(span);
            mask.word(&value, Told::Sure);
        }
        let learned = in_parallel(&chunks, None, |objects| {
            let mut mask = Self::default();
            objects.iter().for_each(|object| mask.learn(sources, &object.node));
            mask
        });
        learned.into_iter().for_each(|learned| mask.add(learned));
        for span in sources.unread() {
            mask.unread(sources, span);
        }
        mask.ordinary.remove("default");
        // Without a word to redact, none is to be spared.
        let has_words = !mask.sure.all.is_empty() || !mask.told.all.is_empty();
        if has_words || !mask.ordinary.is_empty() || !mask.plain.is_empty() {
            let names = in_parallel(&chunks, None, |objects| {
                let mut names = Names::default();
                objects.iter().for_each(|object| mask.names_in(&object.node, false, &mut names));
                names
            });
            names.into_iter().for_each(|names| mask.spare(names));
        }
        mask.places.sort();
        mask.private.sort();
        mask
    }

    /// Adds the secrets of other objects.
    fn add(&mut self, other: Self) {
        self.places.append(other.places);
        self.private.append(other.private);
        self.sure.append(other.sure);
        self.told.append(other.told);
        self.ordinary.extend(other.ordinary);
        self.plain.extend(other.plain);
    }

    /// The names in a part of an object. What objects, ports and containers are called is none of the words that a name or a
    /// form tells, and what fields are called is no ordinary one. The names of fields and of objects are no secret whatever a
    /// Secret holds; a variable's is one where it repeats what a Secret holds.
    fn names_in<'a>(&self, node: &'a Node, of_variable: bool, names: &mut Names<'a>) {
        node.items().iter().for_each(|item| self.names_in(item, of_variable, names));
        let of_secret = secret::is_of_secret(node);
        let told = secret::told(node, of_secret);
        for entry in node.entries() {
            names.add_field(self, &entry.key);
            match &entry.value.value {
                Value::String(name) => {
                    let is_name =
                        matches!(&*entry.key, "name" | "namespace" | "kind" | "key") || entry.key.ends_with("Name");
                    if is_name {
                        names.add_name(self, name);
                        if !of_variable && told(&entry.key, &entry.value).is_none() {
                            names.show(name);
                        }
                    }
                }
                _ if told(&entry.key, &entry.value).is_some() => {
                    let keys = entry.value.entries().iter().filter(|entry| !secret::is_torn(&entry.key, &entry.value));
                    keys.for_each(|entry| names.show(&entry.key));
                }
                Value::Mapping(_) if of_secret && entry.key == "metadata" => {
                    ["name", "namespace"].iter().for_each(|field| names.show(entry.value[*field].text()));
                }
                _ => self.names_in(&entry.value, entry.key == "env", names),
            }
        }
    }

    fn spare(&mut self, names: Names) {
        for word in names.not_ordinary {
            self.ordinary.remove(word);
        }
        for word in names.not_told {
            self.told.all.remove(word.as_bytes());
        }
        self.names.extend(names.shown.into_iter().map(Box::from));
    }

    /// The value of a variable named like a password, also where `name` or `value` is misspelt.
    fn variable(&mut self, env: &Node) {
        let names = |entry: &Entry| {
            let says = entry.key != "value" && entry.key != "valueFrom" && secret::has_name(entry.value.text());
            says || secret::has_name(&entry.key)
        };
        if !env.entries().iter().any(names) {
            return;
        }
        for entry in env.entries().iter().filter(|entry| entry.key != "name" && entry.key != "valueFrom") {
            self.whole(&entry.value, Told::Form);
            // `value:x` without a blank is a key.
            if entry.key.contains(':') {
                self.key(entry, Told::Form);
            }
        }
    }

    /// What may be a secret in a document that could not be read.
    fn unread(&mut self, sources: &Sources, span: Span) {
        let Some(source) = sources.get(span.file) else { return };
        let Some(text) = source.text.get(span.start as usize..span.end as usize) else { return };
        for range in unread::places(text) {
            self.place(Span::new(span.file, span.start + range.start as u32, span.start + range.end as u32));
            unread::names(&text[range]).into_iter().for_each(|name| self.word(name, Told::Sure));
        }
    }

    /// The secrets in a part of an object.
    fn learn(&mut self, sources: &Sources, node: &Node) {
        if node.origin.is_secret() {
            self.all(node, Told::Sure);
            for input in node.origin.inputs().iter().filter(|input| input.node.origin.is_secret()) {
                self.all(&input.node, Told::Sure);
            }
            return;
        }
        match &node.value {
            Value::String(text) => {
                // In a record of a cluster, most texts stand in several objects: a workload, its ReplicaSet, its pods.
                let has_place = !node.origin.span.is_none() || node.origin.derived.is_some();
                if has_place || self.examined.insert(text.clone()) {
                    self.text(sources, node, text);
                }
            }
            Value::Sequence(items) => {
                secret::arguments(items).into_iter().for_each(|(at, start)| self.argument(&items[at], start));
                items.iter().for_each(|item| self.learn(sources, item));
            }
            Value::Mapping(mapping) => {
                let of_secret = secret::is_of_secret(node);
                let told = secret::told(node, of_secret);
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
                    if let Some(told) = told(&entry.key, &entry.value) {
                        if of_secret {
                            self.data(sources, &entry.value, told);
                        } else {
                            self.all(&entry.value, told);
                        }
                        self.torn(&entry.value, told);
                    } else {
                        self.learn(sources, &entry.value);
                    }
                }
                if of_secret {
                    secret::strays(node).for_each(|stray| self.whole(&stray.value, Told::Sure));
                }
                command.iter().chain(args).for_each(|word| self.private(word));
                // Each by itself was looked at as a list.
                if !command.is_empty() && !args.is_empty() {
                    let words: Vec<&Node> = command.iter().chain(args).collect();
                    let found = secret::arguments(words.iter().copied());
                    found.into_iter().for_each(|(at, start)| self.argument(words[at], start));
                }
            }
            _ => {}
        }
    }

    /// A text of which no excerpt shows more than keys and what is underlined.
    fn private(&mut self, node: &Node) {
        if node.origin.inputs().is_empty() && node.as_str().is_some() {
            self.private.add(node.origin.span);
        }
    }

    /// An argument in which a secret starts.
    fn argument(&mut self, node: &Node, start: usize) {
        self.whole(node, Told::Form);
        self.word(node.text().get(start..).unwrap_or_default(), Told::Form);
    }

    /// The secrets in a text; whether there are any.
    fn text(&mut self, sources: &Sources, node: &Node, text: &str) -> bool {
        let found = secret::found_in(text);
        if found.is_empty() {
            return false;
        }
        // The quotes around what stands in a Secret within a text are none of it.
        found.iter().for_each(|found| self.word(text[found.range.clone()].trim_matches(['"', '\'']), found.told));
        let parts = node.origin.derived.as_ref().map_or(&[][..], |derived| &derived.text_parts);
        for part in parts {
            let (start, end) = (part.start as usize, part.end as usize);
            if part.origin.inputs().is_empty()
                && found.iter().any(|found| found.range.start < end && start < found.range.end)
            {
                self.place(part.origin.span);
            }
        }
        if parts.is_empty() && node.origin.inputs().is_empty() {
            self.written(sources, node.origin.span, found.len());
        }
        for input in node.origin.inputs().iter().filter(|input| input.node.as_str().is_some()) {
            self.written(sources, input.node.origin.span, 0);
        }
        true
    }

    fn written(&mut self, sources: &Sources, span: Span, many: usize) {
        secret::written(sources, span, many).into_iter().for_each(|place| self.place(place));
    }

    /// The data of a Secret: what is public of it is hidden there only.
    fn data(&mut self, sources: &Sources, data: &Node, told: Told) {
        let Value::Mapping(mapping) = &data.value else { return self.all(data, told) };
        for entry in mapping.iter() {
            let value = &entry.value;
            let text = value.as_str().unwrap_or_default();
            // The password in an address is one without it as well.
            let holds_more = self.text(sources, value, text);
            let is_public = secret::is_public_key(&entry.key) && !value.origin.is_secret();
            if !is_public || text.is_empty() || holds_more {
                self.all(value, told);
            } else if value.origin.inputs().is_empty() {
                self.place(value.origin.span);
            }
        }
    }

    fn all(&mut self, node: &Node, told: Told) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.all(item, told)),
            Value::Mapping(mapping) => mapping.iter().for_each(|entry| self.all(&entry.value, told)),
            Value::Null => {}
            value => {
                if node.origin.inputs().is_empty() {
                    self.place(node.origin.span);
                }
                if let Value::String(text) = value {
                    self.word(text, told);
                }
                node.origin.overridden().iter().for_each(|overridden| self.all(overridden, told));
                node.origin.inputs().iter().for_each(|input| self.places_of(&input.node));
            }
        }
    }

    /// What should be a text, with the keys in it.
    fn whole(&mut self, node: &Node, told: Told) {
        self.all(node, told);
        self.keys(node, told);
    }

    /// The keys in the data of a Secret that are none.
    fn torn(&mut self, data: &Node, told: Told) {
        for entry in data.entries() {
            if secret::is_torn(&entry.key, &entry.value) {
                self.key(entry, told);
            }
            self.keys(&entry.value, told);
        }
    }

    /// The keys of what should be a text: braces in one that is not quoted make a mapping of it.
    fn keys(&mut self, node: &Node, told: Told) {
        node.items().iter().for_each(|item| self.keys(item, told));
        for entry in node.entries() {
            self.key(entry, told);
            self.keys(&entry.value, told);
        }
    }

    fn key(&mut self, entry: &Entry, told: Told) {
        self.place(entry.key_span);
        if !secret::speaks_of_secret(&entry.key) {
            self.word(&entry.key, told);
        }
    }

    /// The places of what a secret was made from. No words: a host in a URL with a password is none by itself.
    fn places_of(&mut self, node: &Node) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.places_of(item)),
            Value::Mapping(mapping) => mapping.iter().for_each(|entry| self.places_of(&entry.value)),
            Value::Null => {}
            _ => {
                self.place(node.origin.span);
                node.origin.overridden().iter().for_each(|overridden| self.places_of(overridden));
            }
        }
    }

    fn word(&mut self, text: &str, told: Told) {
        // A number is a port or a size sooner than the one that is secret.
        let is_word = |line: &str| line.len() >= SHORTEST && !line.bytes().all(|byte| byte.is_ascii_digit());
        for line in text.lines().map(str::trim) {
            if told == Told::Sure && is_word(line) && !told.strikes(line) {
                self.plain.insert(line.into());
            } else if told == Told::Sure && is_word(line) {
                self.sure.add(line);
            } else if told != Told::Sure && is_word(line) && told.strikes(line) {
                self.told.add(line);
            } else if told == Told::Form && line.len() >= SHORTEST_QUOTED {
                self.ordinary.insert(line.into());
            }
        }
    }

    fn place(&mut self, span: Span) {
        self.places.add(span);
    }

    /// Whether a secret stands at the place, or all around it.
    pub(crate) fn covers(&self, span: Span) -> bool {
        let places = self.places.of(span.file);
        let next = places.partition_point(|(from, _)| *from <= span.start);
        next.checked_sub(1).is_some_and(|at| places[at].1 >= span.end)
    }

    /// Whether a secret stands anywhere within a place.
    pub(super) fn hides_within(&self, span: Span) -> bool {
        self.places.within(span.file, span.start, span.end).next().is_some()
    }

    /// What a message says with the secrets in it struck out: ordinary words only where it quotes them.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        let mut found = self.repeated(text);
        if !self.ordinary.is_empty() || !self.plain.is_empty() {
            let mut start = 0;
            for (at, part) in text.split('`').enumerate() {
                let quoted = at % 2 == 1 && start + part.len() < text.len();
                let is_secret = |word: &str| self.ordinary.contains(word) || self.is_plain(word);
                let words = tokens(part).filter(|token| quoted && is_secret(&part[token.clone()]));
                found.extend(words.map(|token| start + token.start..start + token.end));
                start += part.len() + 1;
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        secret::strike(text, &found)
    }

    /// A text of the manifests with the secrets in it struck out.
    #[must_use]
    pub(crate) fn content(&self, text: &str) -> String {
        let mut found = self.repeated(text);
        self.whole_words(text, &mut found);
        found.sort_unstable_by_key(|range| range.start);
        secret::strike(text, &found)
    }

    /// Where a text repeats a secret, or has one of its own that its form tells; names are none.
    fn repeated(&self, text: &str) -> Vec<Range<usize>> {
        let mut repeated = Vec::new();
        self.sure.find(text, &mut repeated);
        self.told.find(text, &mut repeated);
        if !repeated.is_empty() && !self.names.is_empty() {
            let names: Vec<Range<usize>> = tokens(text).filter(|token| self.is_name(&text[token.clone()])).collect();
            repeated.retain(|range| {
                let next = names.partition_point(|name| name.start <= range.start);
                next.checked_sub(1).is_none_or(|at| names[at].end < range.end)
            });
        }
        repeated.extend(secret::in_words(text));
        repeated
    }

    /// Where a text has an ordinary word that a Secret holds.
    fn whole_words(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if !self.plain.is_empty() {
            found.extend(tokens(text).filter(|token| self.is_plain(&text[token.clone()])));
        }
    }

    fn is_plain(&self, word: &str) -> bool {
        self.plain.contains(word) && !self.names.contains(word)
    }

    /// Whether a word is what something is called: `web`, `Deployment/web`, `spec.containers[0].name`.
    fn is_name(&self, token: &str) -> bool {
        let is_known =
            |part: &str| part.is_empty() || part.bytes().all(|byte| byte.is_ascii_digit()) || self.names.contains(part);
        is_known(token) || token.split(['/', '[', ']']).all(|part| is_known(part) || part.split('.').all(&is_known))
    }

    /// A part of a line, which starts at `start` of a file, with the secrets struck out, and how offsets in it map. `mark`
    /// is what is underlined in it.
    pub(super) fn excerpt(
        &self,
        file: FileId,
        start: u32,
        line: &str,
        part: Range<usize>,
        mark: Range<usize>,
    ) -> Excerpt {
        /// How far around the part is looked for what reaches into it.
        const AROUND: usize = 4096;
        let mut excerpt = Excerpt { text: String::new(), moved: Vec::new() };
        let from = line.floor_char_boundary(part.start.saturating_sub(AROUND));
        let around = &line[from..line.floor_char_boundary(part.end + AROUND)];
        let mut told = self.repeated(around);
        self.whole_words(around, &mut told);
        let told = told.into_iter().map(|range| {
            let from = start + from as u32;
            (from + range.start as u32, from + range.end as u32)
        });
        let (line_start, window) = (start, part.clone());
        let (start, end) = (start + part.start as u32, start + part.end as u32);
        let private = self.private.within(file, start, end).flat_map(|(from, to)| {
            let to = ((to - line_start) as usize).min(window.end);
            let to = to - usize::from(line[..to].ends_with(['"', '\'']));
            let from = match from.saturating_sub(line_start) as usize {
                from if from < window.start => window.start,
                from => from + keys(&line[from..to]),
            };
            [from..mark.start.min(to), mark.end.max(from)..to].into_iter().filter(|range| range.start < range.end)
        });
        let private = private.map(|range| (line_start + range.start as u32, line_start + range.end as u32));
        let text = &line[part];
        let mut secrets: Vec<(u32, u32)> = self.places.within(file, start, end).chain(told).chain(private).collect();
        secrets.sort_unstable();
        let mut hidden = false;
        // They are sorted by where they start: those behind are told by how far the longest of them reaches.
        let (mut next, mut reach) = (0, 0);
        for (at, c) in text.char_indices() {
            let offset = start + at as u32;
            while let Some((_, to)) = secrets.get(next).filter(|(from, _)| *from <= offset) {
                reach = reach.max(*to);
                next += 1;
            }
            let secret = c != '\n' && c != '\r' && offset < reach;
            // The blanks before a line of a secret block tell nothing and keep its shape.
            let leading =
                matches!(c, ' ' | '\t') && (excerpt.text.is_empty() || excerpt.text.ends_with(['\n', ' ', '\t']));
            if secret && (hidden || !leading) {
                if !hidden {
                    excerpt.moved.push((at, excerpt.text.len()));
                    excerpt.text.push_str(DOTS);
                }
                hidden = true;
            } else {
                if hidden || excerpt.moved.is_empty() {
                    excerpt.moved.push((at, excerpt.text.len()));
                }
                hidden = false;
                match c {
                    '\n' | '\t' => excerpt.text.push(c),
                    '\r' => {}
                    c if is_control_character(c) => excerpt.text.push('\u{fffd}'),
                    c => excerpt.text.push(c),
                }
                let shown = excerpt.text.len();
                excerpt.moved.push((at + c.len_utf8(), shown));
            }
        }
        excerpt
    }
}

/// How far the keys at the start of a line of a private text reach: `--level=`, `level: `, `export LEVEL=`, a quote, a bullet.
fn keys(line: &str) -> usize {
    if line.starts_with(['|', '>']) && line.trim_end().len() <= "|-1".len() {
        return line.len();
    }
    let begin = line.len() - line.trim_start_matches([' ', '\t', '-', '{', '"', '\'']).len();
    // An address has a colon as well, and a value in base 64 may end in `=`.
    let ends_key = |end: &usize| {
        let sign = line[..*end].trim_end_matches([' ', '"', '\'', '\n', '\r']);
        let behind = &line[sign.len()..];
        match sign.ends_with(':') {
            true => behind.starts_with(' ') || behind.trim_end().is_empty(),
            false => !line[*end..].trim_end().trim_start_matches('=').is_empty(),
        }
    };
    let end = assign::pair(&line[begin..]).map(|(_, value)| begin + value.start);
    end.filter(ends_key).unwrap_or_else(|| line.len() - line.trim_start_matches([' ', '"', '\'']).len())
}

/// The words of a text in which names stand.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_of_token)?;
        let length = text[start..].find(|c| !is_of_token(c)).unwrap_or(text.len() - start);
        at = start + length;
        Some(start..at)
    })
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '[' | ']')
}

/// Lines as they are shown.
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Pairs of an offset in the file's lines and the one shown for it.
    moved: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The offset shown for one in the file's lines.
    pub(super) fn offset(&self, at: usize) -> usize {
        let next = self.moved.partition_point(|(from, _)| *from <= at);
        let shown = match self.moved.get(next.wrapping_sub(1)) {
            Some((from, shown)) if *from == at => *shown,
            // Inside what is struck out: its end.
            _ => self.moved.get(next).map_or(self.text.len(), |(_, shown)| *shown),
        };
        shown.min(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_is_struck_out() {
        let mut mask = Mask::default();
        for word in ["s3cret", "s3cret-1", "s3cret-12", "s3cret-1A", "s3cret-2z", "s3creu", "tab1es"] {
            mask.word(word, Told::Sure);
        }
        for (text, masked) in [
            ("s3cret-12", "•••"),
            ("s3cret-123", "•••3"),
            ("s3cret-1B", "•••B"),
            ("s3cret-2", "•••-2"),
            ("s3cret-2zz, s3creu, s3cre", "•••z, •••, s3cre"),
            ("s3cretab1es", "•••"),
            ("ein s3cret—ein", "ein •••—ein"),
        ] {
            assert_eq!(mask.words(text), masked, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_to_compare_is_struck_out() {
        let mut mask = Mask::default();
        let long: String = (10_000..60_000).map(|n| format!("{n}-")).collect();
        mask.word(&long, Told::Sure);
        assert_eq!(mask.words(&format!("{long}, but x")), "•••, but x");
        mask.word(&"abcdefgh".repeat(50_000), Told::Sure);
        let text = |count| "abcdefgh".repeat(count) + ", but x";
        // It agrees with the secret wherever that repeats itself, and ends before it does.
        let shown = mask.words(&text(49_000));
        assert!(shown.ends_with("h•••") && shown.len() < 1000, "{} bytes", shown.len());
        assert_eq!(mask.words(&text(49)), text(49));
    }

    #[test]
    fn an_excerpt_shows_no_part_of_a_secret() {
        let mut mask = Mask::default();
        mask.word("hunter2-correct", Told::Sure);
        let line = "a: hunter2-correct b: hunter2-correct";
        let shown = |part| mask.excerpt(FileId(0), 7, line, part, 0..0).text;
        assert_eq!(shown(0..line.len()), "a: ••• b: •••");
        assert_eq!(shown(0..line.len() - 1), "a: ••• b: •••");
        assert_eq!(shown(10..25), "••• b: •••");
        assert_eq!(shown(18..22), " b: ");
    }

    #[test]
    fn keys_are_told_from_values() {
        for (line, shown) in [
            ("level: info", "level: "),
            ("    - level: \"info\"", "    - level: \""),
            ("level:", "level:"),
            ("level:\n", "level:\n"),
            ("export LEVEL=info", "export LEVEL="),
            ("--level=info", "--level="),
            ("\"--level=info\"", "\"--level="),
            ("c2VjcmV0Cg==", ""),
            ("c2VjcmV0Cgo=\n", ""),
            ("http://host:80/a", ""),
            ("psql -c 'a: b'", ""),
            ("\"-c\"", "\""),
            ("|-\n", "|-\n"),
            ("", ""),
        ] {
            assert_eq!(&line[..keys(line)], shown, "{line}");
        }
    }

    #[test]
    fn an_ordinary_word_is_struck_out_where_it_is_quoted() {
        let mut mask = Mask::default();
        mask.word("sunshine", Told::Form);
        mask.word("abc", Told::Form);
        mask.word("header", Told::Name);
        for (text, masked) in [
            ("`sunshine` is no number", "`•••` is no number"),
            ("not `abc`", "not `•••`"),
            ("sunshine, `sunshine-1` and abc", "sunshine, `sunshine-1` and abc"),
            ("`a`sunshine", "`a`sunshine"),
            ("no ConfigMap `header`", "no ConfigMap `header`"),
        ] {
            assert_eq!(mask.words(text), masked, "{text}");
        }
    }
}
