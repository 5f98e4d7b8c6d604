//! Regular expressions of bounded size that remember what they said.

use std::sync::{PoisonError, RwLock};

use ecow::EcoString;
use foldhash::HashMap;
use regex_lite::{Regex, RegexBuilder};

/// How many texts a pattern remembers.
const MAX_TEXTS: usize = 256;

/// Longer texts are not remembered.
const MAX_BYTES: usize = 256;

/// The sizes in bytes that a compiled pattern is taken for, the last being the largest it may have. Matching takes time by
/// the length of the text times this: `{1000}` is a few bytes long and makes a thousand states.
const SIZES: [usize; 4] = [1 << 11, 1 << 13, 1 << 15, MAX_SIZE];

/// The largest size of a compiled pattern in bytes.
pub(crate) const MAX_SIZE: usize = 1 << 17;

/// The regular expression of a text, and the size it is taken for.
///
/// # Errors
/// Where it is none, one with look-around or back-references, or one of more than 128 KiB.
fn regex(pattern: &str) -> Result<(Regex, usize), regex_lite::Error> {
    let build = |size| Ok((RegexBuilder::new(pattern).size_limit(size).build()?, size));
    let [smallest, larger @ ..] = SIZES;
    larger.into_iter().fold(build(smallest), |made, size| made.or_else(|_| build(size)))
}

/// Whether a pattern is none for its size only.
pub(crate) fn is_too_large(error: &regex_lite::Error) -> bool {
    error.to_string().contains("size limit")
}

/// A pattern. The profiles of a fleet share most values with their base, and looking one up is far cheaper than
/// matching it again.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    size: usize,
    known: RwLock<HashMap<EcoString, bool>>,
}

impl Pattern {
    /// # Errors
    /// Where it is no regular expression, one with look-around or back-references, or one of more than 128 KiB.
    pub(crate) fn new(pattern: &str) -> Result<Self, regex_lite::Error> {
        let (regex, size) = regex(pattern)?;
        Ok(Self { regex, size, known: RwLock::default() })
    }

    /// The size in bytes it is taken for.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// What it costs to match a text, in bytes of text times bytes of pattern. What is remembered costs the same, so that
    /// nothing depends on what was asked before.
    pub(super) fn cost(&self, text: &str) -> u64 {
        (text.len() as u64 + 1).saturating_mul(self.size as u64)
    }

    /// The first parts of a text that match.
    pub(crate) fn find_all(&self, text: &str, most: usize) -> Vec<String> {
        self.regex.find_iter(text).take(most).map(|found| found.as_str().to_owned()).collect()
    }

    pub(super) fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        if text.len() > MAX_BYTES {
            return self.regex.is_match(text);
        }
        if let Some(matches) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return *matches;
        }
        let matches = self.regex.is_match(text);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_TEXTS {
            known.insert(text.into(), matches);
        }
        matches
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_second_answer_is_the_first() {
        let pattern = Pattern::new("^[0-9]+$").unwrap();
        for number in 0..2 * MAX_TEXTS {
            let (good, bad) = (number.to_string(), format!("{number}x"));
            for _ in 0..2 {
                assert!(pattern.is_match(&good) && !pattern.is_match(&bad), "{number}");
            }
        }
        let long = "1".repeat(2 * MAX_BYTES);
        assert!(pattern.is_match(&long) && pattern.is_match(&long));
        assert!(Pattern::new("(").is_err());
    }

    #[test]
    fn a_pattern_costs_by_its_size() {
        let size = |pattern: &str| Pattern::new(pattern).map(|pattern| pattern.size()).ok();
        assert_eq!(size("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), Some(SIZES[0]));
        assert_eq!(size("^[a-z]{1,63}$"), Some(SIZES[1]));
        assert_eq!(size("^([a-z]{1,63}[.]){4}$"), Some(SIZES[2]));
        assert_eq!(size("(a{1000}){1000}"), None);
        let refused = |pattern: &str| regex(pattern).is_err_and(|error| is_too_large(&error));
        assert!(refused("(a{1000}){1000}") && !refused("(") && !refused("(?=a)"));
        assert_eq!(Pattern::new("a").unwrap().cost("aaa"), 4 * SIZES[0] as u64);
    }
}
