//! The positions and values of a run's secrets, searched for in time linear in the length of a string.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use foldhash::HashSet;

use crate::source::{FileId, Span};

/// Shorter values are words like `on` and `db`: to redact them would make messages unreadable.
pub(super) const SHORTEST: usize = 5;

/// How many bytes are compared to find secrets in one string, plus [`COMPARED_A_BYTE`] for each of its bytes: a secret that
/// repeats itself matches itself nearly everywhere. What is left then is redacted.
const MOST_COMPARED: usize = 1 << 20;

const COMPARED_A_BYTE: usize = 64;

/// Positions in files, in order once all are known.
#[derive(Debug, Default)]
pub(super) struct Positions(BTreeMap<FileId, Vec<(u32, u32)>>);

impl Positions {
    pub(super) fn add(&mut self, span: Span) {
        if !span.is_none() {
            self.0.entry(span.file).or_default().push((span.start, span.end));
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for (file, positions) in other.0 {
            self.0.entry(file).or_default().extend(positions);
        }
    }

    /// Without overlaps the ends are in order too, and those near a line are found by searching.
    pub(super) fn sort(&mut self) {
        for positions in self.0.values_mut() {
            positions.sort_unstable();
            positions.dedup_by(|next, last| {
                let overlap = next.0 < last.1 || next == last;
                last.1 = if overlap { last.1.max(next.1) } else { last.1 };
                overlap
            });
        }
    }

    pub(super) fn of(&self, file: FileId) -> &[(u32, u32)] {
        self.0.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The ranges of bytes that touch `start..end` of a file.
    pub(super) fn within(&self, file: FileId, start: u32, end: u32) -> impl Iterator<Item = (u32, u32)> {
        let positions = self.of(file);
        let first = positions.partition_point(|(_, to)| *to <= start);
        positions[first..].iter().copied().take_while(move |(from, _)| *from < end).filter(move |(_, to)| *to > start)
    }
}

/// Words to redact.
#[derive(Debug, Default)]
pub(super) struct Words {
    all: BTreeSet<Box<[u8]>>,
    /// Their first bytes, so that a string is searched for all of them at once.
    heads: HashSet<[u8; SHORTEST]>,
}

impl Words {
    pub(super) fn add(&mut self, word: &str) {
        self.heads.extend(word.as_bytes().first_chunk::<SHORTEST>());
        self.all.insert(word.as_bytes().into());
    }

    pub(super) fn append(&mut self, other: Self) {
        self.heads.extend(other.heads);
        self.all.extend(other.all);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn contains(&self, word: &str) -> bool {
        self.all.contains(word.as_bytes())
    }

    pub(super) fn remove(&mut self, word: &str) {
        self.all.remove(word.as_bytes());
    }

    /// Finds them in a string.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
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

    /// The length of the longest word that a string begins with. `left` is how many more bytes may be compared.
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
