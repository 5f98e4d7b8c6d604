//! What was found out about texts, remembered.
//!
//! The bundles of a fleet carry the same texts (scripts, SQL), so that each needs to be looked through once a thread and
//! not once a bundle. Comparing two texts of the same length costs far less than looking through one.

use std::cell::RefCell;

use ecow::EcoString;

/// How many texts are remembered.
const MAX_TEXTS: usize = 64;

/// How many bytes of texts are remembered.
const MAX_BYTES: usize = 1 << 20;

/// Shorter texts are looked through faster than they are looked up.
const MIN_BYTES: usize = 64;

/// A memory for one question; to be kept in a `thread_local!`.
#[derive(Debug, Default)]
pub struct Memo<T> {
    known: RefCell<Vec<(EcoString, T)>>,
}

impl<T: Clone> Memo<T> {
    /// An empty memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: RefCell::new(Vec::new()) }
    }

    /// The answer for a text: remembered, or found out now.
    pub fn get(&self, text: &str, find: impl FnOnce() -> T) -> T {
        self.get_if(text, || (find(), true))
    }

    /// As [`Memo::get`]; `find` also says whether its answer is to be remembered.
    pub fn get_if(&self, text: &str, find: impl FnOnce() -> (T, bool)) -> T {
        if text.len() < MIN_BYTES {
            return find().0;
        }
        if let Some((_, answer)) = self.known.borrow().iter().find(|(known, _)| known == text) {
            return answer.clone();
        }
        let (answer, keep) = find();
        let mut known = self.known.borrow_mut();
        let bytes: usize = known.iter().map(|(text, _)| text.len()).sum();
        if keep && known.len() < MAX_TEXTS && bytes + text.len() <= MAX_BYTES {
            known.push((text.into(), answer.clone()));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_asked_once() {
        let (memo, long) = (Memo::new(), "x".repeat(MIN_BYTES));
        assert_eq!(memo.get(&long, || 1), 1);
        assert_eq!(memo.get(&long.clone(), || 2), 1);
        assert_eq!(memo.get(&long.replacen('x', "y", 1), || 3), 3);
        assert_eq!(memo.get("short", || 4), 4);
        assert_eq!(memo.get("short", || 5), 5);
    }

    #[test]
    fn what_is_not_to_be_kept_is_asked_again() {
        let (memo, long) = (Memo::new(), "y".repeat(MIN_BYTES));
        assert_eq!(memo.get_if(&long, || (1, false)), 1);
        assert_eq!(memo.get_if(&long, || (2, true)), 2);
        assert_eq!(memo.get_if(&long, || (3, true)), 2);
    }

    #[test]
    fn the_memory_stays_small() {
        let (memo, large) = (Memo::new(), "z".repeat(MAX_BYTES + 1));
        assert_eq!(memo.get(&large, || 1), 1);
        assert_eq!(memo.get(&large, || 2), 2);
        (0..2 * MAX_TEXTS).for_each(|at| _ = memo.get(&format!("{at:>MIN_BYTES$}"), || at));
        assert_eq!(memo.known.borrow().len(), MAX_TEXTS);
    }
}
