//! What lists hold more than once.

use std::hash::Hash;

use foldhash::{HashSet, HashSetExt};

use crate::node::FEW;

/// For each of a list's things, whether an equal one stands before it.
pub fn repeats<T: Eq + Hash>(things: impl ExactSizeIterator<Item = T>) -> Vec<bool> {
    if things.len() > FEW {
        let mut seen = HashSet::with_capacity(things.len());
        return things.map(|thing| !seen.insert(thing)).collect();
    }
    if things.len() < 2 {
        return vec![false; things.len()];
    }
    let things: Vec<T> = things.collect();
    things.iter().enumerate().map(|(at, thing)| things[..at].contains(thing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_repeats() {
        assert_eq!(repeats(["a", "b", "a", "a"].iter()), [false, false, true, true]);
        assert_eq!(repeats([0; 0].iter()), [false; 0]);
        let many = repeats((0..4 * FEW).map(|number| number % (2 * FEW)));
        assert!(many.iter().enumerate().all(|(at, repeats)| *repeats == (at >= 2 * FEW)));
    }
}
