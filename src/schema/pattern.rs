//! Regular expressions that remember what they said.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ecow::EcoString;
use regex_lite::Regex;

/// How many texts a pattern remembers.
const MAX_TEXTS: usize = 256;

/// Longer texts are not remembered.
const MAX_BYTES: usize = 256;

/// A pattern. The profiles of a fleet share most values with their base, and looking one up is far cheaper than
/// matching it again.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    known: RwLock<HashMap<EcoString, bool>>,
}

impl Pattern {
    /// # Errors
    /// Where it is no regular expression, or one with look-around or back-references.
    pub(super) fn new(pattern: &str) -> Result<Self, regex_lite::Error> {
        Ok(Self { regex: Regex::new(pattern)?, known: RwLock::default() })
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
}
