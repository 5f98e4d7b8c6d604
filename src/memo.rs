//! What was found out about texts, remembered by their place in memory.
//!
//! The bundles of a fleet share the texts of their templates (scripts, SQL), so that each needs to be looked through
//! once a thread and not once a bundle. What is kept holds on to its text: the same place is the same text.

use std::cell::RefCell;

use ecow::EcoString;

/// How many texts are remembered.
const MAX_TEXTS: usize = 64;

/// Shorter texts are looked through faster than they are looked up; very short ones have no place of their own.
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
    pub fn get(&self, text: &EcoString, find: impl FnOnce() -> T) -> T {
        self.get_if(text, || (find(), true))
    }

    /// As [`Memo::get`]; `find` also says whether its answer is to be remembered.
    pub fn get_if(&self, text: &EcoString, find: impl FnOnce() -> (T, bool)) -> T {
        if text.len() < MIN_BYTES {
            return find().0;
        }
        let same = |known: &EcoString| known.as_ptr() == text.as_ptr() && known.len() == text.len();
        if let Some((_, answer)) = self.known.borrow().iter().find(|(known, _)| same(known)) {
            return answer.clone();
        }
        let (answer, keep) = find();
        let mut known = self.known.borrow_mut();
        if keep && known.len() < MAX_TEXTS {
            known.push((text.clone(), answer.clone()));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_asked_once() {
        let (memo, long) = (Memo::new(), EcoString::from("x".repeat(MIN_BYTES)));
        let shared = long.clone();
        assert_eq!(memo.get(&long, || 1), 1);
        assert_eq!(memo.get(&shared, || 2), 1);
        // Another text of the same bytes may be gone tomorrow, and its place another's.
        assert_eq!(memo.get(&EcoString::from("x".repeat(MIN_BYTES)), || 3), 3);
        assert_eq!(memo.get(&"short".into(), || 4), 4);
        assert_eq!(memo.get(&"short".into(), || 5), 5);
    }

    #[test]
    fn what_is_not_to_be_kept_is_asked_again() {
        let (memo, long) = (Memo::new(), EcoString::from("y".repeat(MIN_BYTES)));
        assert_eq!(memo.get_if(&long, || (1, false)), 1);
        assert_eq!(memo.get_if(&long, || (2, true)), 2);
        assert_eq!(memo.get_if(&long, || (3, true)), 2);
    }
}
