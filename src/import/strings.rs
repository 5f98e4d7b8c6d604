//! Splits strings that differ into the parts that differ and those that do not, so that a namespace in a URL is
//! recognized as the namespace.

use std::collections::BTreeMap;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::align;
use super::matching::{OwnWords, word_at};
use crate::secret;

/// A string in each copy that has it.
pub(super) type Strings = Vec<Option<EcoString>>;

/// A part of a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StringPart {
    /// Equal in all copies.
    Plain(EcoString),
    /// Differs. The flag is set for a secret.
    Value(Strings, Hint, bool),
}

/// What is known about a part of a string besides its location.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hint {
    /// Nothing.
    None,
    /// The tag of an image.
    Tag,
    /// The repository of an image.
    Repository,
    /// The digest of an image.
    Digest,
    /// A value with a name before it: the flag of an argument, the key of a line.
    Named(EcoString),
    /// A word that several strings share.
    Word,
    /// The namespace of the copy.
    Namespace,
}

/// Splits strings by what is known about all strings of an import.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Strings that are whole values elsewhere and are searched for in other strings, the best first.
    anchors: Vec<Strings>,
    /// The number of different strings that contain each differing word.
    words: HashMap<Strings, usize>,
}

/// Shorter strings are not searched for in others.
const SHORTEST_ANCHOR: usize = 3;

/// Further anchors are ignored.
const MAX_ANCHORS: usize = 40;

impl Splitter {
    /// `anchors` are the strings that may be part of others, the best first; `all` are all strings that differ.
    pub(super) fn new(anchors: Vec<Strings>, all: &BTreeMap<Strings, usize>) -> Self {
        let is_long = |texts: &Strings| texts.iter().flatten().all(|text| text.len() >= SHORTEST_ANCHOR);
        let mut splitter = Self { anchors, words: HashMap::new() };
        splitter.anchors.retain(is_long);
        splitter.anchors.truncate(MAX_ANCHORS);
        for texts in all.keys().filter(|texts| !texts.iter().flatten().any(|text| text.contains('\n'))) {
            let mut parts: Vec<Strings> = Vec::new();
            for draft in by_tokens(texts).unwrap_or_default() {
                if let StringPart::Value(part, ..) = draft
                    && !parts.contains(&part)
                {
                    parts.push(part);
                }
            }
            parts.into_iter().for_each(|part| *splitter.words.entry(part).or_default() += 1);
        }
        splitter
    }

    /// Splits strings into parts; `key` is the last key of their path.
    pub(super) fn split(&self, texts: &Strings, key: &str, words: &[OwnWords]) -> Vec<StringPart> {
        if texts.iter().flatten().any(|text| text.contains('\n')) {
            return self.lines(texts, words);
        }
        if key == "namespace" {
            return vec![StringPart::Value(texts.clone(), Hint::None, false)];
        }
        if key == "image"
            && let Some(parts) = image(texts)
        {
            return parts.into_iter().flat_map(|part| self.split_part(part)).collect();
        }
        if let Some((name, rest)) = assigned(texts) {
            let hint = Hint::Named(name.trim_start_matches('-').into());
            let mut parts = vec![StringPart::Plain(format!("{name}=").into())];
            parts.extend(self.line(&rest, &hint));
            return parts;
        }
        self.line(texts, &Hint::None)
    }

    fn split_part(&self, part: StringPart) -> Vec<StringPart> {
        match part {
            StringPart::Value(texts, hint, _) => self.line(&texts, &hint),
            plain => vec![plain],
        }
    }

    /// Splits single-line strings.
    fn line(&self, texts: &Strings, hint: &Hint) -> Vec<StringPart> {
        if let Some(same) = same(texts) {
            return if same.is_empty() { Vec::new() } else { vec![StringPart::Plain(same)] };
        }
        if self.anchors.iter().any(|anchor| is_within(texts, anchor)) {
            return vec![StringPart::Value(texts.clone(), hint.clone(), false)];
        }
        for anchor in &self.anchors {
            if let Some(segments) = split_by(texts, anchor) {
                let mut parts = Vec::new();
                for (at, segment) in segments.iter().enumerate() {
                    if at > 0 {
                        let found = texts.iter().zip(anchor).map(|(text, word)| text.as_ref().and(word.clone()));
                        parts.push(StringPart::Value(found.collect(), Hint::None, false));
                    }
                    let (before, middle, after) = without_signs(segment, at > 0, at + 1 < segments.len());
                    parts.push(StringPart::Plain(before));
                    parts.extend(self.line(&middle, hint));
                    parts.push(StringPart::Plain(after));
                }
                return joined(parts);
            }
        }
        let shared = |draft: &StringPart| match draft {
            StringPart::Plain(_) => true,
            StringPart::Value(part, ..) => {
                self.words.get(part).is_some_and(|count| *count > 1)
                    || self.anchors.iter().any(|anchor| is_within(part, anchor))
            }
        };
        match by_tokens(texts) {
            Some(parts) if parts.iter().all(shared) => parts,
            _ => vec![StringPart::Value(texts.clone(), hint.clone(), false)],
        }
    }

    /// Splits multi-line strings: lines are aligned, and those that differ are split in turn.
    fn lines(&self, texts: &Strings, words: &[OwnWords]) -> Vec<StringPart> {
        let whole = || vec![StringPart::Value(texts.clone(), Hint::None, has_secret(texts))];
        let lines: Vec<Option<Vec<&str>>> =
            texts.iter().map(|text| text.as_ref().map(|text| text.split_inclusive('\n').collect())).collect();
        let columns = align::line_columns(&lines, words);
        let present: Vec<bool> = texts.iter().map(Option::is_some).collect();
        let line = |copy: usize, at: Option<usize>| lines[copy].as_ref().and_then(|lines| lines.get(at?)).copied();
        let mut parts = Vec::new();
        let mut kept = 0;
        let mut at = 0;
        while at < columns.len() {
            let is_whole =
                |column: &align::AlignedItem| column.iter().zip(&present).all(|(at, here)| at.is_some() == *here);
            let run = columns[at..].iter().take_while(|column| !is_whole(column)).count();
            let count = run.max(1);
            let mut found: Strings = vec![None; texts.len()];
            for column in &columns[at..at + count] {
                for (copy, index) in column.iter().enumerate().filter(|(copy, _)| present[*copy]) {
                    found[copy].get_or_insert_default().push_str(line(copy, *index).unwrap_or_default());
                }
            }
            at += count;
            if let Some(same) = same(&found) {
                kept += 1;
                parts.push(StringPart::Plain(same));
                continue;
            }
            let secret = has_secret(&found);
            let name = found.iter().flatten().find_map(|text| line_key(text)).map_or(Hint::None, Hint::Named);
            if run > 0 {
                parts.push(StringPart::Value(found, name, secret));
                continue;
            }
            kept += 1;
            let (before, middle, after) = trimmed(&found);
            parts.push(StringPart::Plain(before));
            for part in self.line(&middle, &name) {
                parts.push(match part {
                    StringPart::Value(texts, hint, _) => StringPart::Value(texts, hint, secret),
                    plain => plain,
                });
            }
            parts.push(StringPart::Plain(after));
        }
        let values = parts.iter().filter(|part| matches!(part, StringPart::Value(..))).count();
        // If little is common, the whole string is the value.
        if kept * 2 < columns.len() || values > 40 { whole() } else { joined(parts) }
    }
}

/// Whether the strings themselves contain a secret.
fn has_secret(texts: &Strings) -> bool {
    texts.iter().flatten().any(|text| !secret::in_text(text).is_empty())
}

/// Joins adjacent plain parts.
pub(super) fn joined(parts: Vec<StringPart>) -> Vec<StringPart> {
    let mut made: Vec<StringPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (made.last_mut(), part) {
            (_, StringPart::Plain(text)) if text.is_empty() => {}
            (Some(StringPart::Plain(before)), StringPart::Plain(text)) => before.push_str(&text),
            (_, part) => made.push(part),
        }
    }
    made
}

/// The string, if all copies have the same one.
pub(super) fn same(texts: &Strings) -> Option<EcoString> {
    let mut present = texts.iter().flatten();
    let first = present.next()?;
    present.all(|text| text == first).then(|| first.clone())
}

/// Whether the strings equal the anchor's in all copies that have them.
pub(super) fn is_within(texts: &Strings, anchor: &Strings) -> bool {
    texts.iter().zip(anchor).all(|(text, anchor)| text.is_none() || text == anchor)
}

/// Splits strings at the occurrences of an anchor, of which each string must have the same number.
fn split_by(texts: &Strings, anchor: &Strings) -> Option<Vec<Strings>> {
    let mut segments: Vec<Strings> = Vec::new();
    let mut count = None;
    for (copy, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let word = anchor[copy].as_ref()?;
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = word_at(text, word, from) {
            found.push(&text[from..at]);
            from = at + word.len();
        }
        found.push(&text[from..]);
        if found.len() < 2 || *count.get_or_insert(found.len()) != found.len() {
            return None;
        }
        segments.resize(found.len(), vec![None; texts.len()]);
        found.into_iter().zip(&mut segments).for_each(|(part, segment)| segment[copy] = Some(part.into()));
    }
    Some(segments)
}

/// Splits off one punctuation character that all strings begin or end with next to an anchor, such as the dot before a
/// namespace.
fn without_signs(texts: &Strings, at_start: bool, at_end: bool) -> (EcoString, Strings, EcoString) {
    let sign = |of: fn(&EcoString) -> Option<char>| {
        let mut signs = texts.iter().flatten().map(of);
        let first = signs.next().flatten().filter(|sign| !sign.is_alphanumeric())?;
        signs.all(|sign| sign == Some(first)).then_some(first)
    };
    let before = sign(|text| text.chars().next()).filter(|_| at_start);
    // A string of one character has it at its start.
    let is_longer = before.is_none() || texts.iter().flatten().all(|text| text.chars().nth(1).is_some());
    let after = sign(|text| text.chars().next_back()).filter(|_| at_end && is_longer);
    let cut = |text: &EcoString| {
        let text = before.map_or(text.as_str(), |sign| &text[sign.len_utf8()..]);
        EcoString::from(after.map_or(text, |sign| &text[..text.len() - sign.len_utf8()]))
    };
    let middle = texts.iter().map(|text| text.as_ref().map(cut)).collect();
    (before.into_iter().collect(), middle, after.into_iter().collect())
}

/// Splits an assignment whose name is the same in all strings: `--level=info`, `LEVEL=info`.
fn assigned(texts: &Strings) -> Option<(EcoString, Strings)> {
    let mut name = None;
    let mut rest: Strings = vec![None; texts.len()];
    for (copy, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let (before, after) = text.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if before.is_empty() || !before.chars().all(is_name) || *name.get_or_insert(before) != before {
            return None;
        }
        rest[copy] = Some(after.into());
    }
    Some((name?.into(), rest))
}

/// Splits images into repository, tag and digest, if all have the same of these.
pub(super) fn image(texts: &Strings) -> Option<Vec<StringPart>> {
    let mut parts: Vec<Strings> = vec![vec![None; texts.len()]; 3];
    let mut form = None;
    for (copy, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let (name, digest) = text.split_once('@').map_or((text.as_str(), None), |(name, digest)| (name, Some(digest)));
        let colon = name.rfind(':').filter(|at| !name[*at..].contains('/'));
        let (repository, tag) = colon.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
        let found = (tag.is_some(), digest.is_some());
        if *form.get_or_insert(found) != found {
            return None;
        }
        for (part, text) in parts.iter_mut().zip([Some(repository), tag, digest]) {
            part[copy] = text.map(EcoString::from);
        }
    }
    let (tagged, digested) = form?;
    if !tagged && !digested {
        return None;
    }
    let [repository, tag, digest]: [Strings; 3] = parts.try_into().ok()?;
    let mut made = vec![StringPart::Value(repository, Hint::Repository, false)];
    for (wanted, sign, part, hint) in [(tagged, ":", tag, Hint::Tag), (digested, "@", digest, Hint::Digest)] {
        if wanted {
            made.push(StringPart::Plain(sign.into()));
            made.push(StringPart::Value(part, hint, false));
        }
    }
    Some(made)
}

/// Splits a string into words and the characters between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let is_word = |c: char| c.is_alphanumeric();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = !is_word(c) || chars.peek().is_none_or(|(_, next)| !is_word(*next));
        if ends {
            let end = at + c.len_utf8();
            tokens.push(&text[start..end]);
            start = end;
        }
    }
    tokens
}

/// Splits strings of the same form word by word. `None` if their forms differ or they have no word in common.
fn by_tokens(texts: &Strings) -> Option<Vec<StringPart>> {
    let all: Vec<Option<Vec<&str>>> = texts.iter().map(|text| text.as_ref().map(|text| tokens(text))).collect();
    let length = all.iter().flatten().next()?.len();
    if !(2..=200).contains(&length) || all.iter().flatten().any(|tokens| tokens.len() != length) {
        return None;
    }
    let mut parts = Vec::new();
    let mut common = false;
    for at in 0..length {
        let here: Strings = all.iter().map(|tokens| tokens.as_ref().map(|tokens| tokens[at].into())).collect();
        if let Some(same) = same(&here) {
            common |= same.chars().any(char::is_alphabetic);
            parts.push(StringPart::Plain(same));
        } else {
            let is_word = |text: &EcoString| text.len() > 1 && text.chars().any(char::is_alphabetic);
            if !here.iter().flatten().all(is_word) {
                return None;
            }
            parts.push(StringPart::Value(here, Hint::Word, false));
        }
    }
    common.then(|| joined(parts))
}

/// Splits off the common prefix and suffix, up to whole names such as hosts.
fn trimmed(texts: &Strings) -> (EcoString, Strings, EcoString) {
    let all: Vec<Vec<&str>> = texts.iter().flatten().map(|text| tokens(text)).collect();
    let shortest = all.iter().map(Vec::len).min().unwrap_or_default();
    let first = all.first().cloned().unwrap_or_default();
    let before = (0..shortest).take_while(|at| all.iter().all(|tokens| tokens[*at] == first[*at])).count();
    let is_in_name = |token: &str| token.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let before = before - first[..before].iter().rev().take_while(|token| is_in_name(token)).count();
    let from_end = |tokens: &[&str], at: usize| tokens[tokens.len() - 1 - at].to_owned();
    let after = (0..shortest - before)
        .take_while(|at| all.iter().all(|tokens| from_end(tokens, *at) == from_end(&first, *at)))
        .count();
    let after = after - first[first.len() - after..].iter().take_while(|token| is_in_name(token)).count();
    let length = |tokens: &[&str]| tokens.iter().map(|token| token.len()).sum::<usize>();
    let start = length(&first[..before]);
    let end = length(&first[first.len() - after..]);
    let middle = texts.iter().map(|text| text.as_ref().map(|text| text[start..text.len() - end].into())).collect();
    let whole: String = first.concat();
    (whole[..start].into(), middle, whole[whole.len() - end..].into())
}

/// The key of a config file's line: `level: debug`, `level=debug`.
pub(super) fn line_key(line: &str) -> Option<EcoString> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '-' || c == '"');
    let end = line.find([':', '=', '"'])?;
    let key = line[..end].trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!key.is_empty() && key.len() < 60 && key.chars().all(is_name)).then(|| key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Strings {
        texts.iter().map(|text| Some((*text).into())).collect()
    }

    fn shown(parts: &[StringPart]) -> String {
        let show = |part: &StringPart| match part {
            StringPart::Plain(text) => text.to_string(),
            StringPart::Value(texts, ..) => {
                format!("<{}>", texts.iter().flatten().cloned().collect::<Vec<_>>().join("|"))
            }
        };
        parts.iter().map(show).collect()
    }

    #[test]
    fn a_known_string_is_found_in_others() {
        let namespace = texts(&["shop-dev", "web"]);
        let splitter = Splitter::new(vec![namespace], &BTreeMap::new());
        let words = vec![OwnWords::default(); 2];
        let split = |one: &str, other: &str, key: &str| shown(&splitter.split(&texts(&[one, other]), key, &words));
        assert_eq!(
            split("http://db.shop-dev.svc:5432", "http://db.web.svc:5432", "value"),
            "http://db.<shop-dev|web>.svc:5432"
        );
        assert_eq!(
            split("http://db.shop-dev.svc", "http://webdb.web.svc", "value"),
            "<http://db|http://webdb>.<shop-dev|web>.svc"
        );
        assert_eq!(split("a/b:1.0", "a/b:1.1", "image"), "a/b:<1.0|1.1>");
        assert_eq!(split("a:5000/b", "b:5000/b", "image"), "<a:5000/b|b:5000/b>");
        assert_eq!(split("--level=info", "--level=debug", "args"), "--level=<info|debug>");
        assert_eq!(split("one", "two", "x"), "<one|two>");
    }

    #[test]
    fn strings_are_compared_line_by_line() {
        let splitter = Splitter::new(vec![], &BTreeMap::new());
        let words = vec![OwnWords::default(); 2];
        let split = |one: &str, other: &str| shown(&splitter.split(&texts(&[one, other]), "x", &words));
        assert_eq!(split("a: 1\nb: x y\nc: 2\n", "a: 1\nb: x z\nc: 2\n"), "a: 1\nb: x <y|z>\nc: 2\n");
        assert_eq!(split("a: 1\nc: 2\n", "a: 1\nb: 1\nc: 2\n"), "a: 1\n<|b: 1\n>c: 2\n");
        assert_eq!(
            split("a: 1\nhost: redis:6379\n", "a: 1\nhost: redis.dev.svc:6379\n"),
            "a: 1\nhost: <redis|redis.dev.svc>:6379\n"
        );
        assert_eq!(split("a\nb\n", "c\nd\n"), "<a\nb\n|c\nd\n>");
    }
}
