//! Regular expressions of bounded size, with their latest results.

use std::sync::{OnceLock, PoisonError, RwLock};

use ecow::EcoString;
use foldhash::HashMap;
use regex_lite::{Regex, RegexBuilder};

use super::Schema;
use crate::source::Span;

/// How many strings a pattern caches.
const MAX_TEXTS: usize = 256;

/// The length of the longest string that is cached, in bytes.
const MAX_BYTES: usize = 256;

/// The sizes in bytes that the size of a compiled pattern is rounded up to; the last is the limit. Matching takes time
/// proportional to the length of the string times the size: `{1000}` is short and makes a thousand states.
const SIZES: [usize; 4] = [1 << 11, 1 << 13, 1 << 15, MAX_SIZE];

/// The largest size of a compiled pattern in bytes.
const MAX_SIZE: usize = 1 << 17;

/// Compiles a regular expression; returns its rounded size, too.
///
/// # Errors
/// If it is not a regular expression, has look-around or back-references, or is larger than 128 KiB.
fn regex(pattern: &str) -> Result<(Regex, usize), regex_lite::Error> {
    let build = |size| Ok((RegexBuilder::new(pattern).size_limit(size).build()?, size));
    let [smallest, larger @ ..] = SIZES;
    larger.into_iter().fold(build(smallest), |made, size| made.or_else(|_| build(size)))
}

/// Whether a pattern is rejected only for its size.
fn is_too_large(error: &regex_lite::Error) -> bool {
    error.to_string().contains("size limit")
}

/// A compiled pattern. The profiles of a fleet share most values with their base, and looking up a result is far cheaper
/// than matching again.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    size: usize,
    known: RwLock<HashMap<EcoString, bool>>,
}

impl Pattern {
    /// # Errors
    /// If it is not a regular expression, has look-around or back-references, or is larger than 128 KiB.
    pub(crate) fn new(pattern: &str) -> Result<Self, regex_lite::Error> {
        let (regex, size) = regex(pattern)?;
        Ok(Self { regex, size, known: RwLock::default() })
    }

    /// The rounded size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The cost of matching a string, in bytes of string times bytes of pattern. A cached result costs the same, so that
    /// the order of calls does not matter.
    pub(super) fn cost(&self, text: &str) -> u64 {
        (text.len() as u64 + 1).saturating_mul(self.size as u64)
    }

    /// The first `most` matches in a string.
    pub(crate) fn find_all(&self, text: &str, most: usize) -> Vec<String> {
        self.regex.find_iter(text).take(most).map(|found| found.as_str().to_owned()).collect()
    }

    fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it matches anywhere in the string.
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

/// A pattern of a schema, compiled when the first string is matched.
#[derive(Debug)]
pub(super) struct LazyPattern {
    pub(super) text: EcoString,
    span: Span,
    compiled: OnceLock<Result<Pattern, Unevaluated>>,
}

/// Why a pattern is not evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unevaluated {
    /// It is not a regular expression, or one with syntax that only Go has.
    Syntax,
    /// It is larger than [`MAX_SIZE`].
    Size,
    /// The patterns before it use up the size that all patterns of the schema may have.
    TotalSize,
}

/// Syntax of Go's regular expressions that ours do not have.
const GO_SYNTAX: &[&str] = &["\\p", "\\P", "\\Q", "\\C", "(?U"];

impl LazyPattern {
    pub(super) fn new(text: &str, span: Span) -> Self {
        Self { text: text.into(), span, compiled: OnceLock::new() }
    }

    pub(super) fn of(pattern: Pattern, span: Span) -> Self {
        Self { text: pattern.as_str().into(), span, compiled: OnceLock::from(Ok(pattern)) }
    }

    /// `None` if it is not evaluated.
    pub(super) fn compiled(&self) -> Option<&Pattern> {
        let why = |error| if is_too_large(&error) { Unevaluated::Size } else { Unevaluated::Syntax };
        self.compiled.get_or_init(|| Pattern::new(&self.text).map_err(why)).as_ref().ok()
    }

    fn has_go_syntax(&self) -> bool {
        GO_SYNTAX.iter().any(|syntax| self.text.contains(syntax))
    }
}

/// The patterns of a schema that are not evaluated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UnevaluatedPatterns {
    /// Those with syntax that our regular expressions do not have.
    pub(crate) syntax: Vec<String>,
    /// Those that are too large, if a string was to be matched.
    pub(crate) too_large: Vec<Span>,
    /// The first one of those that are too large in total.
    pub(crate) too_many: Option<Span>,
}

impl Schema {
    /// The patterns, in the order of the file.
    fn patterns(&self) -> Vec<&LazyPattern> {
        let patterns = self.subs.iter().filter_map(|sub| sub.text.as_ref()?.pattern.as_ref());
        let mut patterns: Vec<&LazyPattern> = patterns.collect();
        patterns.sort_by_key(|pattern| pattern.span.start);
        patterns
    }

    /// Limits the total size of the compiled patterns, in bytes.
    pub(crate) fn limit_patterns(&self, mut bytes: usize) {
        let patterns = self.patterns();
        // Most patterns are never used, and this few cannot be too large.
        if patterns.len() <= bytes / MAX_SIZE {
            return;
        }
        for pattern in patterns {
            match bytes {
                0 => _ = pattern.compiled.set(Err(Unevaluated::TotalSize)),
                // Compiling a pattern that is too large takes as long as compiling the largest.
                _ => bytes = bytes.saturating_sub(pattern.compiled().map_or(MAX_SIZE, Pattern::size)),
            }
        }
    }

    /// The patterns that were or would not be evaluated.
    pub(crate) fn unevaluated_patterns(&self) -> UnevaluatedPatterns {
        let mut found = UnevaluatedPatterns::default();
        for pattern in self.patterns() {
            match pattern.compiled.get() {
                _ if pattern.has_go_syntax() => found.syntax.push(pattern.text.to_string()),
                Some(Err(Unevaluated::Size)) => found.too_large.push(pattern.span),
                Some(Err(Unevaluated::TotalSize)) => found.too_many = found.too_many.or(Some(pattern.span)),
                _ => {}
            }
        }
        found
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
