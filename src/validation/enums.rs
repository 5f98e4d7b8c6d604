//! Fields that take one of a few words.

use crate::finding::Remedy;
use crate::suggest;
use crate::validation::{At, Faults};

/// The text must be one of the words.
pub fn choice(at: &At<'_, '_>, words: &[&str], faults: &mut Faults<'_, '_>) {
    let text = at.text();
    if words.contains(&text) {
        return;
    }
    let listed = suggest::list(words, "or");
    let message = match text {
        "" => format!("must be {listed}"),
        text => format!("unsupported value `{text}`: use {listed}"),
    };
    faults.add(at, message).remedy(Some(Remedy::one_of(words)));
}

/// The same; an empty text counts as absent.
pub fn choice_or_empty(at: &At<'_, '_>, words: &[&str], faults: &mut Faults<'_, '_>) {
    if !at.text().is_empty() {
        choice(at, words, faults);
    }
}
