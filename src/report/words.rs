//! Where the secrets of a run stand, and what they are: looked for in time that the length of a text bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use foldhash::HashSet;

use crate::source::{FileId, Span};

/// Shorter values are words like `on` and `db`; to strike them out of messages would only garble these.
pub(super) const SHORTEST: usize = 5;

/// How many bytes are compared to find secrets in one text, beside [`COMPARED_A_BYTE`] for each of its bytes: one that repeats
/// itself agrees with itself nearly everywhere. What is beyond is struck out.
const MOST_COMPARED: usize = 1 << 20;

const COMPARED_A_BYTE: usize = 64;

/// Places in files, in order once all are known.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<FileId, Vec<(u32, u32)>>);

impl Places {
    pub(super) fn add(&mut self, span: Span) {
        if !span.is_none() {
            self.0.entry(span.file).or_default().push((span.start, span.end));
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for (file, places) in other.0 {
            self.0.entry(file).or_default().extend(places);
        }
    }

    /// Without overlaps the ends are in order too, and those near a line are found by searching.
    pub(super) fn sort(&mut self) {
        for places in self.0.values_mut() {
            places.sort_unstable();
            places.dedup_by(|next, last| {
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
        let places = self.of(file);
        let first = places.partition_point(|(_, to)| *to <= start);
        places[first..].iter().copied().take_while(move |(from, _)| *from < end).filter(move |(_, to)| *to > start)
    }
}

/// Words to be struck out.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) all: BTreeSet<Box<[u8]>>,
    /// How each begins, so that a text is searched for all of them at once.
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

    /// Where any of them stands in a text.
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
