//! A cache of results computed from strings.
//!
//! The bundles of a fleet contain the same strings (scripts, SQL), so each is analysed once per thread instead of once per
//! bundle. Comparing two strings of the same length is much cheaper than analysing one.

use std::cell::RefCell;

use ecow::EcoString;

/// How many strings are cached.
const MAX_STRINGS: usize = 64;

/// How many bytes of strings are cached.
const MAX_BYTES: usize = 1 << 20;

/// Shorter strings are analysed faster than they are looked up.
const MIN_BYTES: usize = 64;

/// A cache for one function; meant for a `thread_local!`.
#[derive(Debug, Default)]
pub struct Memo<T> {
    results: RefCell<Vec<(EcoString, T)>>,
}

impl<T: Clone> Memo<T> {
    /// An empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { results: RefCell::new(Vec::new()) }
    }

    /// The cached result for a string; `compute` is called if there is none.
    pub fn get(&self, text: &str, compute: impl FnOnce() -> T) -> T {
        self.get_if(text, || (compute(), true))
    }

    /// Like [`Memo::get`]; `compute` also returns whether to cache its result.
    pub fn get_if(&self, text: &str, compute: impl FnOnce() -> (T, bool)) -> T {
        if text.len() < MIN_BYTES {
            return compute().0;
        }
        if let Some((_, result)) = self.results.borrow().iter().find(|(known, _)| known == text) {
            return result.clone();
        }
        let (result, keep) = compute();
        let mut results = self.results.borrow_mut();
        let bytes: usize = results.iter().map(|(text, _)| text.len()).sum();
        if keep && results.len() < MAX_STRINGS && bytes + text.len() <= MAX_BYTES {
            results.push((text.into(), result.clone()));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_computed_once() {
        let (memo, long) = (Memo::new(), "x".repeat(MIN_BYTES));
        assert_eq!(memo.get(&long, || 1), 1);
        assert_eq!(memo.get(&long.clone(), || 2), 1);
        assert_eq!(memo.get(&long.replacen('x', "y", 1), || 3), 3);
        assert_eq!(memo.get("short", || 4), 4);
        assert_eq!(memo.get("short", || 5), 5);
    }

    #[test]
    fn a_result_that_is_not_cached_is_computed_again() {
        let (memo, long) = (Memo::new(), "y".repeat(MIN_BYTES));
        assert_eq!(memo.get_if(&long, || (1, false)), 1);
        assert_eq!(memo.get_if(&long, || (2, true)), 2);
        assert_eq!(memo.get_if(&long, || (3, true)), 2);
    }

    #[test]
    fn the_cache_stays_small() {
        let (memo, large) = (Memo::new(), "z".repeat(MAX_BYTES + 1));
        assert_eq!(memo.get(&large, || 1), 1);
        assert_eq!(memo.get(&large, || 2), 2);
        (0..2 * MAX_STRINGS).for_each(|at| _ = memo.get(&format!("{at:>MIN_BYTES$}"), || at));
        assert_eq!(memo.results.borrow().len(), MAX_STRINGS);
    }
}
