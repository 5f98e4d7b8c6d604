//! Fields whose value must be one of a few strings.

use crate::finding::Remedy;
use crate::suggest;
use crate::validation::{At, Faults};

/// Reports a value that is not supported.
pub fn choice(at: &At<'_, '_>, words: &[&str], faults: &mut Faults<'_, '_>) {
    let text = at.text();
    if words.contains(&text) {
        return;
    }
    let listed = suggest::list(words, "or");
    let message = match text {
        "" => format!("must be {listed}"),
        text => format!("unsupported value `{text}`: must be {listed}"),
    };
    faults.add(at, message).remedy(Some(Remedy::one_of(words)));
}

/// Reports a value that is not supported; an empty string counts as not set.
pub fn choice_or_empty(at: &At<'_, '_>, words: &[&str], faults: &mut Faults<'_, '_>) {
    if !at.text().is_empty() {
        choice(at, words, faults);
    }
}
