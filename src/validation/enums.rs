//! Fields that take one of a few words.

use super::selector::Say;
use crate::suggest;
use crate::validation::At;

/// The text must be one of the words.
pub fn choice<'n>(at: &At<'n, '_>, words: &[&str], say: Say<'_, 'n>) {
    let text = at.text();
    if words.contains(&text) {
        return;
    }
    let words = suggest::list(words, "or");
    say(
        at,
        if text.is_empty() { format!("must be {words}") } else { format!("`{text}` is not known here: use {words}") },
    );
}

/// The same; an empty text counts as absent.
pub fn choice_or_empty<'n>(at: &At<'n, '_>, words: &[&str], say: Say<'_, 'n>) {
    if !at.text().is_empty() {
        choice(at, words, say);
    }
}
