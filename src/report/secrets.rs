//! Keeps secrets out of excerpts and messages.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashSet;

use crate::report::plain::is_control_character;
use crate::report::words::{Positions, SHORTEST, Words};
use crate::secret::{self, Evidence, REDACTED};
use crate::source::{FileId, Span};
use crate::text::assign;

/// Shorter strings are not redacted even if a message quotes them.
const SHORTEST_QUOTED: usize = 3;

/// The secrets of a run: their values and where they are.
#[derive(Debug, Default)]
pub struct Secrets {
    pub(super) positions: Positions,
    /// The data of ConfigMaps, the values of variables and arguments. Which parts of them are secret is not guessed: an
    /// excerpt shows their keys and what is underlined.
    pub(super) private: Positions,
    /// Values that are certain to be secrets.
    pub(super) certain: Words,
    /// Values that a name or a form suggests.
    pub(super) likely: Words,
    /// Ordinary words among the likely ones: redacted only where a message quotes them.
    pub(super) ordinary: BTreeSet<Box<str>>,
    /// Ordinary words among the certain ones.
    ordinary_certain: BTreeSet<Box<str>>,
    /// The names of objects, fields and keys, which are shown even if a Secret contains the same word.
    pub(super) names: HashSet<Box<str>>,
}

impl Secrets {
    /// Adds the secrets of another one.
    pub(super) fn append(&mut self, other: Self) {
        self.positions.append(other.positions);
        self.private.append(other.private);
        self.certain.append(other.certain);
        self.likely.append(other.likely);
        self.ordinary.extend(other.ordinary);
        self.ordinary_certain.extend(other.ordinary_certain);
    }

    /// Whether any words are redacted.
    pub(super) fn has_words(&self) -> bool {
        let words = [&self.ordinary, &self.ordinary_certain];
        !self.certain.is_empty() || !self.likely.is_empty() || words.iter().any(|words| !words.is_empty())
    }

    /// Adds the lines of a secret.
    pub(super) fn add_word(&mut self, text: &str, evidence: Evidence) {
        // A number is more often a port or a size than a secret.
        let is_word = |line: &str| line.len() >= SHORTEST && !line.bytes().all(|byte| byte.is_ascii_digit());
        for line in text.lines().map(str::trim) {
            match (evidence, is_word(line)) {
                (Evidence::Certain, true) if evidence.redacts(line) => self.certain.add(line),
                (Evidence::Certain, true) => _ = self.ordinary_certain.insert(line.into()),
                (Evidence::Certain, false) => {}
                (_, true) if evidence.redacts(line) => self.likely.add(line),
                (Evidence::Form, _) if line.len() >= SHORTEST_QUOTED => _ = self.ordinary.insert(line.into()),
                _ => {}
            }
        }
    }

    /// Whether a secret is at the position or includes it.
    pub(crate) fn covers(&self, span: Span) -> bool {
        let positions = self.positions.of(span.file);
        let next = positions.partition_point(|(from, _)| *from <= span.start);
        next.checked_sub(1).is_some_and(|at| positions[at].1 >= span.end)
    }

    /// Whether there is a secret within a range of a file.
    pub(super) fn has_secret_within(&self, span: Span) -> bool {
        self.positions.within(span.file, span.start, span.end).next().is_some()
    }

    /// A message with its secrets redacted; ordinary words only where it quotes them.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        let mut found = self.repeated(text);
        if !self.ordinary.is_empty() || !self.ordinary_certain.is_empty() {
            let mut start = 0;
            for (at, part) in text.split('`').enumerate() {
                let quoted = at % 2 == 1 && start + part.len() < text.len();
                let is_secret = |word: &str| self.ordinary.contains(word) || self.is_ordinary_certain(word);
                let words = tokens(part).filter(|token| quoted && is_secret(&part[token.clone()]));
                found.extend(words.map(|token| start + token.start..start + token.end));
                start += part.len() + 1;
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        secret::redact(text, &found)
    }

    /// A string of the manifests with its secrets redacted.
    #[must_use]
    pub(crate) fn content(&self, text: &str) -> String {
        let mut found = self.repeated(text);
        self.whole_words(text, &mut found);
        found.sort_unstable_by_key(|range| range.start);
        secret::redact(text, &found)
    }

    /// Where a string repeats a secret, or has a part with the form of one. Names are excluded.
    fn repeated(&self, text: &str) -> Vec<Range<usize>> {
        let mut repeated = Vec::new();
        self.certain.find(text, &mut repeated);
        self.likely.find(text, &mut repeated);
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

    /// Where a string has an ordinary word that a Secret contains.
    fn whole_words(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if !self.ordinary_certain.is_empty() {
            found.extend(tokens(text).filter(|token| self.is_ordinary_certain(&text[token.clone()])));
        }
    }

    fn is_ordinary_certain(&self, word: &str) -> bool {
        self.ordinary_certain.contains(word) && !self.names.contains(word)
    }

    /// Whether a word is a name: `web`, `Deployment/web`, `spec.containers[0].name`.
    fn is_name(&self, token: &str) -> bool {
        let is_known =
            |part: &str| part.is_empty() || part.bytes().all(|byte| byte.is_ascii_digit()) || self.names.contains(part);
        is_known(token) || token.split(['/', '[', ']']).all(|part| is_known(part) || part.split('.').all(&is_known))
    }

    /// A part of a line, which starts at the offset `start` of a file, with its secrets redacted, and how offsets in it map.
    /// `mark` is what is underlined in it.
    pub(super) fn excerpt(
        &self,
        file: FileId,
        start: u32,
        line: &str,
        part: Range<usize>,
        mark: Range<usize>,
    ) -> Excerpt {
        /// How many bytes around the part are searched for secrets that reach into it.
        const AROUND: usize = 4096;
        let mut excerpt = Excerpt { text: String::new(), moved: Vec::new() };
        let from = line.floor_char_boundary(part.start.saturating_sub(AROUND));
        let around = &line[from..line.floor_char_boundary(part.end + AROUND)];
        let mut repeated = self.repeated(around);
        self.whole_words(around, &mut repeated);
        let repeated = repeated.into_iter().map(|range| {
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
        let mut secrets: Vec<(u32, u32)> =
            self.positions.within(file, start, end).chain(repeated).chain(private).collect();
        secrets.sort_unstable();
        let mut in_secret = false;
        // They are sorted by their starts. Of those that have started, the end of the longest counts.
        let (mut next, mut reach) = (0, 0);
        for (at, c) in text.char_indices() {
            let offset = start + at as u32;
            while let Some((_, to)) = secrets.get(next).filter(|(from, _)| *from <= offset) {
                reach = reach.max(*to);
                next += 1;
            }
            let secret = c != '\n' && c != '\r' && offset < reach;
            // The indentation of a secret block reveals nothing and keeps its shape.
            let leading =
                matches!(c, ' ' | '\t') && (excerpt.text.is_empty() || excerpt.text.ends_with(['\n', ' ', '\t']));
            if secret && (in_secret || !leading) {
                if !in_secret {
                    excerpt.moved.push((at, excerpt.text.len()));
                    excerpt.text.push_str(REDACTED);
                }
                in_secret = true;
            } else {
                if in_secret || excerpt.moved.is_empty() {
                    excerpt.moved.push((at, excerpt.text.len()));
                }
                in_secret = false;
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

/// The length of the keys at the start of a line of a private string: `--level=`, `level: `, `export LEVEL=`, a quote, a
/// bullet.
fn keys(line: &str) -> usize {
    if line.starts_with(['|', '>']) && line.trim_end().len() <= "|-1".len() {
        return line.len();
    }
    let begin = line.len() - line.trim_start_matches([' ', '\t', '-', '{', '"', '\'']).len();
    // A URL has a colon as well, and a Base64 value may end in `=`.
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

/// The words of a string that may be names.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
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
    /// Pairs of an offset in the file's lines and the shown offset.
    moved: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The shown offset of one in the file's lines.
    pub(super) fn offset(&self, at: usize) -> usize {
        let next = self.moved.partition_point(|(from, _)| *from <= at);
        let shown = match self.moved.get(next.wrapping_sub(1)) {
            Some((from, shown)) if *from == at => *shown,
            // Inside a redacted part: its end.
            _ => self.moved.get(next).map_or(self.text.len(), |(_, shown)| *shown),
        };
        shown.min(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_is_redacted() {
        let mut secrets = Secrets::default();
        for word in ["s3cret", "s3cret-1", "s3cret-12", "s3cret-1A", "s3cret-2z", "s3creu", "tab1es"] {
            secrets.add_word(word, Evidence::Certain);
        }
        for (text, expected) in [
            ("s3cret-12", "•••"),
            ("s3cret-123", "•••3"),
            ("s3cret-1B", "•••B"),
            ("s3cret-2", "•••-2"),
            ("s3cret-2zz, s3creu, s3cre", "•••z, •••, s3cre"),
            ("s3cretab1es", "•••"),
            ("ein s3cret—ein", "ein •••—ein"),
        ] {
            assert_eq!(secrets.words(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_to_compare_is_redacted() {
        let mut secrets = Secrets::default();
        let long: String = (10_000..60_000).map(|n| format!("{n}-")).collect();
        secrets.add_word(&long, Evidence::Certain);
        assert_eq!(secrets.words(&format!("{long}, but x")), "•••, but x");
        secrets.add_word(&"abcdefgh".repeat(50_000), Evidence::Certain);
        let text = |count| "abcdefgh".repeat(count) + ", but x";
        // It agrees with the secret wherever that repeats itself, and ends before it does.
        let shown = secrets.words(&text(49_000));
        assert!(shown.ends_with("h•••") && shown.len() < 1000, "{} bytes", shown.len());
        assert_eq!(secrets.words(&text(49)), text(49));
    }

    #[test]
    fn an_excerpt_shows_no_part_of_a_secret() {
        let mut secrets = Secrets::default();
        secrets.add_word("hunter2-correct", Evidence::Certain);
        let line = "a: hunter2-correct b: hunter2-correct";
        let shown = |part| secrets.excerpt(FileId(0), 7, line, part, 0..0).text;
        assert_eq!(shown(0..line.len()), "a: ••• b: •••");
        assert_eq!(shown(0..line.len() - 1), "a: ••• b: •••");
        assert_eq!(shown(10..25), "••• b: •••");
        assert_eq!(shown(18..22), " b: ");
    }

    #[test]
    fn keys_are_distinguished_from_values() {
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
    fn an_ordinary_word_is_redacted_where_it_is_quoted() {
        let mut secrets = Secrets::default();
        secrets.add_word("sunshine", Evidence::Form);
        secrets.add_word("abc", Evidence::Form);
        secrets.add_word("header", Evidence::Name);
        for (text, expected) in [
            ("`sunshine` is not a number", "`•••` is not a number"),
            ("not `abc`", "not `•••`"),
            ("sunshine, `sunshine-1` and abc", "sunshine, `sunshine-1` and abc"),
            ("`a`sunshine", "`a`sunshine"),
            ("no ConfigMap `header`", "no ConfigMap `header`"),
        ] {
            assert_eq!(secrets.words(text), expected, "{text}");
        }
    }
}
