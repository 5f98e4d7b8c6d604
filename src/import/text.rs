//! Strings that differ: which part of them differs, so that a namespace inside a URL is the namespace.

use std::collections::BTreeMap;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::align;
use super::matching::{OwnWords, word_at};
use crate::secret;

/// A string in each copy that has it.
pub(super) type Texts = Vec<Option<EcoString>>;

/// A part of a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Draft {
    /// The same in all copies.
    Plain(EcoString),
    /// It differs.
    Value(Texts, Hint, bool),
}

/// What a part of a string is, beyond its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hint {
    /// Nothing is known.
    None,
    /// The part of an image behind the colon.
    Tag,
    /// The part of an image before it.
    Repository,
    /// The part of an image behind the `@`.
    Digest,
    /// What stands before it: the flag of an argument, the key of a line.
    Named(EcoString),
    /// A word that several strings share.
    Word,
    /// The namespace of the copy.
    Namespace,
}

/// What is known of all strings of an import.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Strings that stand alone somewhere, and are looked for in others: the best first.
    anchors: Vec<Texts>,
    /// How many different strings a differing word is a part of.
    words: HashMap<Texts, usize>,
}

/// Shorter strings are not looked for in others.
const SHORTEST_ANCHOR: usize = 3;

/// More anchors are not tried.
const MOST_ANCHORS: usize = 40;

impl Splitter {
    /// Gets to know the strings. `anchors` are those that may be parts of others, the best first; `all` are all that differ.
    pub(super) fn new(anchors: Vec<Texts>, all: &BTreeMap<Texts, usize>) -> Self {
        let is_long = |texts: &Texts| texts.iter().flatten().all(|text| text.len() >= SHORTEST_ANCHOR);
        let mut splitter = Self { anchors, words: HashMap::new() };
        splitter.anchors.retain(is_long);
        splitter.anchors.truncate(MOST_ANCHORS);
        for texts in all.keys().filter(|texts| !texts.iter().flatten().any(|text| text.contains('\n'))) {
            let mut parts: Vec<Texts> = Vec::new();
            for draft in by_tokens(texts).unwrap_or_default() {
                if let Draft::Value(part, ..) = draft
                    && !parts.contains(&part)
                {
                    parts.push(part);
                }
            }
            parts.into_iter().for_each(|part| *splitter.words.entry(part).or_default() += 1);
        }
        splitter
    }

    /// The parts of strings; `key` is the last key of their place.
    pub(super) fn split(&self, texts: &Texts, key: &str, words: &[OwnWords]) -> Vec<Draft> {
        if texts.iter().flatten().any(|text| text.contains('\n')) {
            return self.lines(texts, words);
        }
        if key == "namespace" {
            return vec![Draft::Value(texts.clone(), Hint::None, false)];
        }
        if key == "image"
            && let Some(parts) = image(texts)
        {
            return parts.into_iter().flat_map(|part| self.again(part)).collect();
        }
        if let Some((name, rest)) = assigned(texts) {
            let hint = Hint::Named(name.trim_start_matches('-').into());
            let mut parts = vec![Draft::Plain(format!("{name}=").into())];
            parts.extend(self.line(&rest, &hint));
            return parts;
        }
        self.line(texts, &Hint::None)
    }

    fn again(&self, part: Draft) -> Vec<Draft> {
        match part {
            Draft::Value(texts, hint, _) => self.line(&texts, &hint),
            plain => vec![plain],
        }
    }

    /// The parts of strings of one line.
    fn line(&self, texts: &Texts, hint: &Hint) -> Vec<Draft> {
        if let Some(same) = same(texts) {
            return if same.is_empty() { Vec::new() } else { vec![Draft::Plain(same)] };
        }
        if self.anchors.iter().any(|anchor| is_within(texts, anchor)) {
            return vec![Draft::Value(texts.clone(), hint.clone(), false)];
        }
        for anchor in &self.anchors {
            if let Some(segments) = split_by(texts, anchor) {
                let mut parts = Vec::new();
                for (at, segment) in segments.iter().enumerate() {
                    if at > 0 {
                        let found = texts.iter().zip(anchor).map(|(text, word)| text.as_ref().and(word.clone()));
                        parts.push(Draft::Value(found.collect(), Hint::None, false));
                    }
                    let (before, middle, after) = without_signs(segment, at > 0, at + 1 < segments.len());
                    parts.push(Draft::Plain(before));
                    parts.extend(self.line(&middle, hint));
                    parts.push(Draft::Plain(after));
                }
                return joined(parts);
            }
        }
        let shared = |draft: &Draft| match draft {
            Draft::Plain(_) => true,
            Draft::Value(part, ..) => {
                self.words.get(part).is_some_and(|count| *count > 1)
                    || self.anchors.iter().any(|anchor| is_within(part, anchor))
            }
        };
        match by_tokens(texts) {
            Some(parts) if parts.iter().all(shared) => parts,
            _ => vec![Draft::Value(texts.clone(), hint.clone(), false)],
        }
    }

    /// The parts of texts of several lines: lines side by side, and in those that differ what does.
    fn lines(&self, texts: &Texts, words: &[OwnWords]) -> Vec<Draft> {
        let whole = || vec![Draft::Value(texts.clone(), Hint::None, has_secret(texts))];
        let lines: Vec<Option<Vec<&str>>> =
            texts.iter().map(|text| text.as_ref().map(|text| text.split_inclusive('\n').collect())).collect();
        let columns = align::line_columns(&lines, words);
        let present: Vec<bool> = texts.iter().map(Option::is_some).collect();
        let line = |copy: usize, at: Option<usize>| lines[copy].as_ref().and_then(|lines| lines.get(at?)).copied();
        let mut parts = Vec::new();
        let mut kept = 0;
        let mut at = 0;
        while at < columns.len() {
            let is_whole = |column: &align::Column| column.iter().zip(&present).all(|(at, here)| at.is_some() == *here);
            let run = columns[at..].iter().take_while(|column| !is_whole(column)).count();
            let count = run.max(1);
            let mut found: Texts = vec![None; texts.len()];
            for column in &columns[at..at + count] {
                for (copy, place) in column.iter().enumerate().filter(|(copy, _)| present[*copy]) {
                    found[copy].get_or_insert_default().push_str(line(copy, *place).unwrap_or_default());
                }
            }
            at += count;
            if let Some(same) = same(&found) {
                kept += 1;
                parts.push(Draft::Plain(same));
                continue;
            }
            let secret = has_secret(&found);
            let name = found.iter().flatten().find_map(|text| line_key(text)).map_or(Hint::None, Hint::Named);
            if run > 0 {
                parts.push(Draft::Value(found, name, secret));
                continue;
            }
            kept += 1;
            let (before, middle, after) = trimmed(&found);
            parts.push(Draft::Plain(before));
            for part in self.line(&middle, &name) {
                parts.push(match part {
                    Draft::Value(texts, hint, _) => Draft::Value(texts, hint, secret),
                    plain => plain,
                });
            }
            parts.push(Draft::Plain(after));
        }
        let values = parts.iter().filter(|part| matches!(part, Draft::Value(..))).count();
        // Where little is common the whole text is the value.
        if kept * 2 < columns.len() || values > 40 { whole() } else { joined(parts) }
    }
}

/// Whether a secret is told by the texts themselves.
fn has_secret(texts: &Texts) -> bool {
    texts.iter().flatten().any(|text| !secret::in_text(text).is_empty())
}

/// Neighbours that are plain become one.
pub(super) fn joined(parts: Vec<Draft>) -> Vec<Draft> {
    let mut made: Vec<Draft> = Vec::with_capacity(parts.len());
    for part in parts {
        match (made.last_mut(), part) {
            (_, Draft::Plain(text)) if text.is_empty() => {}
            (Some(Draft::Plain(before)), Draft::Plain(text)) => before.push_str(&text),
            (_, part) => made.push(part),
        }
    }
    made
}

/// The one text, where all are equal.
pub(super) fn same(texts: &Texts) -> Option<EcoString> {
    let mut present = texts.iter().flatten();
    let first = present.next()?;
    present.all(|text| text == first).then(|| first.clone())
}

/// Whether strings are those of an anchor wherever they are there.
pub(super) fn is_within(texts: &Texts, anchor: &Texts) -> bool {
    texts.iter().zip(anchor).all(|(text, anchor)| text.is_none() || text == anchor)
}

/// The segments of strings between the words of an anchor, which stand in each as often.
fn split_by(texts: &Texts, anchor: &Texts) -> Option<Vec<Texts>> {
    let mut segments: Vec<Texts> = Vec::new();
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

/// Strings without the one sign that all of them begin or end with beside an anchor, such as the dot before a namespace.
fn without_signs(texts: &Texts, at_start: bool, at_end: bool) -> (EcoString, Texts, EcoString) {
    let sign = |of: fn(&EcoString) -> Option<char>| {
        let mut signs = texts.iter().flatten().map(of);
        let first = signs.next().flatten().filter(|sign| !sign.is_alphanumeric())?;
        signs.all(|sign| sign == Some(first)).then_some(first)
    };
    let before = sign(|text| text.chars().next()).filter(|_| at_start);
    // A string of one sign has it at its start.
    let is_longer = before.is_none() || texts.iter().flatten().all(|text| text.chars().nth(1).is_some());
    let after = sign(|text| text.chars().next_back()).filter(|_| at_end && is_longer);
    let cut = |text: &EcoString| {
        let text = before.map_or(text.as_str(), |sign| &text[sign.len_utf8()..]);
        EcoString::from(after.map_or(text, |sign| &text[..text.len() - sign.len_utf8()]))
    };
    let middle = texts.iter().map(|text| text.as_ref().map(cut)).collect();
    (before.into_iter().collect(), middle, after.into_iter().collect())
}

/// A name and what is assigned to it, where the name is the same in all: `--level=info`, `LEVEL=info`.
fn assigned(texts: &Texts) -> Option<(EcoString, Texts)> {
    let mut name = None;
    let mut rest: Texts = vec![None; texts.len()];
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

/// Repository, tag and digest of images, where all have the same of them.
pub(super) fn image(texts: &Texts) -> Option<Vec<Draft>> {
    let mut parts: Vec<Texts> = vec![vec![None; texts.len()]; 3];
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
    let [repository, tag, digest]: [Texts; 3] = parts.try_into().ok()?;
    let mut made = vec![Draft::Value(repository, Hint::Repository, false)];
    for (wanted, sign, part, hint) in [(tagged, ":", tag, Hint::Tag), (digested, "@", digest, Hint::Digest)] {
        if wanted {
            made.push(Draft::Plain(sign.into()));
            made.push(Draft::Value(part, hint, false));
        }
    }
    Some(made)
}

/// Words and the signs between them.
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

/// The parts of strings of the same form, word by word. `None` where they are of different forms, or have no word in common.
fn by_tokens(texts: &Texts) -> Option<Vec<Draft>> {
    let all: Vec<Option<Vec<&str>>> = texts.iter().map(|text| text.as_ref().map(|text| tokens(text))).collect();
    let length = all.iter().flatten().next()?.len();
    if !(2..=200).contains(&length) || all.iter().flatten().any(|tokens| tokens.len() != length) {
        return None;
    }
    let mut parts = Vec::new();
    let mut common = false;
    for at in 0..length {
        let here: Texts = all.iter().map(|tokens| tokens.as_ref().map(|tokens| tokens[at].into())).collect();
        if let Some(same) = same(&here) {
            common |= same.chars().any(char::is_alphabetic);
            parts.push(Draft::Plain(same));
        } else {
            let is_word = |text: &EcoString| text.len() > 1 && text.chars().any(char::is_alphabetic);
            if !here.iter().flatten().all(is_word) {
                return None;
            }
            parts.push(Draft::Value(here, Hint::Word, false));
        }
    }
    common.then(|| joined(parts))
}

/// What is common before and behind, up to whole names such as hosts, and the middle that differs.
fn trimmed(texts: &Texts) -> (EcoString, Texts, EcoString) {
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

/// The key of a line of a config file: `level: debug`, `level=debug`.
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

    fn texts(texts: &[&str]) -> Texts {
        texts.iter().map(|text| Some((*text).into())).collect()
    }

    fn shown(parts: &[Draft]) -> String {
        let show = |part: &Draft| match part {
            Draft::Plain(text) => text.to_string(),
            Draft::Value(texts, ..) => format!("<{}>", texts.iter().flatten().cloned().collect::<Vec<_>>().join("|")),
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
    fn texts_are_compared_line_by_line() {
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
