//! Secret values, kept out of excerpts and words.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use foldhash::HashSet;

use crate::node::{Entry, Node, Value};
use crate::object::Object;
use crate::secret::{self, DOTS, Told, unread};
use crate::source::{FileId, Sources, Span};
use crate::yaml::is_bidi;

/// Shorter values are words like `on` and `db`; to strike them out of messages would only garble these.
const SHORTEST: usize = 5;

/// Shorter ones are not even struck out where a message quotes them.
const SHORTEST_QUOTED: usize = 3;

/// How many bytes are compared to find secrets in one text, beside [`COMPARED_A_BYTE`] for each of its bytes: one that repeats
/// itself agrees with itself nearly everywhere. What is beyond is struck out.
const MOST_COMPARED: usize = 1 << 20;

const COMPARED_A_BYTE: usize = 64;

/// The secrets of a run: where they stand, and what they are.
#[derive(Debug, Default)]
pub struct Mask {
    places: BTreeMap<FileId, Vec<(u32, u32)>>,
    /// Those of Secrets, and what is marked.
    sure: Words,
    /// Those that a name or a form tells.
    told: Words,
    /// Those of these that are ordinary words: struck out where a message quotes them, not in what it says itself.
    ordinary: BTreeSet<Box<str>>,
}

/// Words to be struck out.
#[derive(Debug, Default)]
struct Words {
    all: BTreeSet<Box<[u8]>>,
    /// How each begins, so that a text is searched for all of them at once.
    heads: HashSet<[u8; SHORTEST]>,
}

impl Words {
    fn add(&mut self, word: &str) {
        self.heads.extend(word.as_bytes().first_chunk::<SHORTEST>());
        self.all.insert(word.as_bytes().into());
    }

    /// Where any of them stands in a text.
    fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if self.all.is_empty() {
            return;
        }
        let mut left = MOST_COMPARED + COMPARED_A_BYTE * text.len();
        for (at, head) in text.as_bytes().windows(SHORTEST).enumerate() {
            if head.first_chunk::<SHORTEST>().is_some_and(|head| self.heads.contains(head)) {
                found.extend(self.longest(&text.as_bytes()[at..], &mut left).map(|length| at..at + length));
                if left == 0 {
                    found.push(at..text.len());
                    return;
                }
            }
        }
    }

    /// The length of the longest that a text begins with. `left` is how many bytes may still be compared.
    fn longest(&self, text: &[u8], left: &mut usize) -> Option<usize> {
        let common = |word: &[u8], begin: &[u8]| word.iter().zip(begin).take_while(|(a, b)| a == b).count();
        // The search itself compares as much as its neighbours there have in common with the text.
        let behind = self.all.range::<[u8], _>((Bound::Excluded(text), Bound::Unbounded)).next();
        *left = left.saturating_sub(behind.map_or(0, |word| common(word, text)));
        let mut begin = text;
        loop {
            // All words between one that the text begins with and the text itself begin with that one as well.
            let word = self.all.range::<[u8], _>((Bound::Unbounded, Bound::Included(begin))).next_back()?;
            let common = common(word, begin);
            *left = left.saturating_sub(common);
            if common == word.len() {
                return Some(common);
            }
            begin = &begin[..common];
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
    pub fn of<'a>(sources: &Sources, objects: impl IntoIterator<Item = &'a Object> + Clone) -> Self {
        let mut mask = Self::default();
        for (span, value) in sources.secrets() {
            mask.place(span);
            mask.word(&value, Told::Sure);
        }
        for object in objects.clone() {
            mask.learn(sources, &object.node);
        }
        for span in sources.unread() {
            mask.unread(sources, span);
        }
        if !mask.told.all.is_empty() || !mask.ordinary.is_empty() {
            mask.ordinary.remove("default");
            objects.into_iter().for_each(|object| mask.spare(&object.node));
        }
        for places in mask.places.values_mut() {
            places.sort_unstable();
            // Without overlaps the ends are in order too, and those near a line are found by searching.
            places.dedup_by(|next, last| {
                let overlap = next.0 < last.1 || next == last;
                last.1 = if overlap { last.1.max(next.1) } else { last.1 };
                overlap
            });
        }
        mask
    }

    /// What objects, ports and containers are called is none of the words that a name or a form tells, and what fields are
    /// called is no ordinary one.
    fn spare(&mut self, node: &Node) {
        node.items().iter().for_each(|item| self.spare(item));
        for entry in node.entries() {
            self.ordinary.remove(&*entry.key);
            match &entry.value.value {
                Value::String(name) => {
                    let names =
                        matches!(&*entry.key, "name" | "namespace" | "kind" | "key") || entry.key.ends_with("Name");
                    if names {
                        self.told.all.remove(name.as_bytes());
                        self.ordinary.remove(&**name);
                    }
                }
                _ => self.spare(&entry.value),
            }
        }
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
            Value::String(text) => _ = self.text(sources, node, text),
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
                        "env" => entry.value.items().iter().for_each(|env| self.variable(env)),
                        "command" => command = entry.value.items(),
                        "args" => args = entry.value.items(),
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
                node.origin.beat().iter().for_each(|beaten| self.all(beaten, told));
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
                node.origin.beat().iter().for_each(|beaten| self.places_of(beaten));
            }
        }
    }

    fn word(&mut self, text: &str, told: Told) {
        // A number is a port or a size sooner than the one that is secret.
        let is_word = |line: &str| line.len() >= SHORTEST && !line.bytes().all(|byte| byte.is_ascii_digit());
        for line in text.lines().map(str::trim) {
            if told == Told::Sure && is_word(line) {
                self.sure.add(line);
            } else if told != Told::Sure && is_word(line) && told.strikes(line) {
                self.told.add(line);
            } else if told == Told::Form && line.len() >= SHORTEST_QUOTED {
                self.ordinary.insert(line.into());
            }
        }
    }

    fn place(&mut self, span: Span) {
        if span.is_none() {
            return;
        }
        self.places.entry(span.file).or_default().push((span.start, span.end));
    }

    /// Whether a secret stands at the place, or all around it.
    pub(crate) fn covers(&self, span: Span) -> bool {
        let places = self.places.get(&span.file).map_or(&[][..], Vec::as_slice);
        let next = places.partition_point(|(from, _)| *from <= span.start);
        next.checked_sub(1).is_some_and(|at| places[at].1 >= span.end)
    }

    /// The secret ranges of bytes that touch `start..end` of a file.
    pub(super) fn within(&self, file: FileId, start: u32, end: u32) -> impl Iterator<Item = (u32, u32)> {
        let places = self.places.get(&file).map_or(&[][..], Vec::as_slice);
        let first = places.partition_point(|(_, to)| *to <= start);
        places[first..].iter().copied().take_while(move |(from, _)| *from < end).filter(move |(_, to)| *to > start)
    }

    /// A text with the secrets in it struck out.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        let mut found = self.repeated(text);
        self.quoted(text, &mut found);
        found.sort_unstable_by_key(|range| range.start);
        secret::strike(text, &found)
    }

    /// Where a text repeats a secret, or has one of its own that its form tells.
    fn repeated(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = secret::in_words(text);
        self.sure.find(text, &mut found);
        self.told.find(text, &mut found);
        found
    }

    /// Where a message quotes a secret that is an ordinary word.
    fn quoted(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if self.ordinary.is_empty() {
            return;
        }
        let mut start = 0;
        for part in text.split('`') {
            let end = start + part.len();
            if start > 0 && end < text.len() && self.ordinary.contains(part) {
                found.push(start..end);
            }
            start = end + 1;
        }
    }

    /// What an object is called, by which others know it: without the values of Secrets and what is marked only.
    #[must_use]
    pub(crate) fn name(&self, name: &str) -> String {
        let mut found = Vec::new();
        self.sure.find(name, &mut found);
        secret::strike(name, &found)
    }

    /// A part of a line, which starts at `start` of a file, with the secrets struck out, and how offsets in it map.
    pub(super) fn excerpt(&self, file: FileId, start: u32, line: &str, part: Range<usize>) -> Excerpt {
        /// How far around the part is looked for what reaches into it.
        const AROUND: usize = 4096;
        let mut excerpt = Excerpt { text: String::new(), moved: Vec::new() };
        let from = line.floor_char_boundary(part.start.saturating_sub(AROUND));
        let around = &line[from..line.floor_char_boundary(part.end + AROUND)];
        let told = self.repeated(around).into_iter().map(|range| {
            let from = start + from as u32;
            (from + range.start as u32, from + range.end as u32)
        });
        let (start, end) = (start + part.start as u32, start + part.end as u32);
        let text = &line[part];
        let mut secrets: Vec<(u32, u32)> = self.within(file, start, end).chain(told).collect();
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
                    c if c.is_control() || is_bidi(c) => excerpt.text.push('\u{fffd}'),
                    c => excerpt.text.push(c),
                }
                let shown = excerpt.text.len();
                excerpt.moved.push((at + c.len_utf8(), shown));
            }
        }
        excerpt
    }
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

/// Words of a message made safe for a terminal: control characters are shown, not obeyed.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    if !text.chars().any(is_obeyed) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_obeyed(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// JSON in which no character is left that a terminal would obey: each stands as its escape.
#[must_use]
pub(crate) fn plain_json(text: &str) -> String {
    use std::fmt::Write as _;
    let escaped = |c: char| !matches!(c, '\n' | '\t') && is_obeyed(c);
    if !text.chars().any(escaped) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        // Line breaks and tabs stand between values only; all others that are obeyed stand in strings.
        if escaped(c) {
            _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}

/// Whether a terminal obeys a character rather than showing it.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control() || is_bidi(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_is_struck_out() {
        let mut mask = Mask::default();
        for word in ["secret", "secret-1", "secret-12", "secret-1A", "secret-2z", "secreu", "tables"] {
            mask.word(word, Told::Sure);
        }
        for (text, masked) in [
            ("secret-12", "•••"),
            ("secret-123", "•••3"),
            ("secret-1B", "•••B"),
            ("secret-2", "•••-2"),
            ("secret-2zz, secreu, secre", "•••z, •••, secre"),
            ("secretables", "•••"),
            ("ein secret—ein", "ein •••—ein"),
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
        let shown = |part| mask.excerpt(FileId(0), 7, line, part).text;
        assert_eq!(shown(0..line.len()), "a: ••• b: •••");
        assert_eq!(shown(0..line.len() - 1), "a: ••• b: •••");
        assert_eq!(shown(10..25), "••• b: •••");
        assert_eq!(shown(18..22), " b: ");
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
