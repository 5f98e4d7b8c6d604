//! The patterns of a structural schema: compiled when the first text is held against them, within bounds.

use std::sync::OnceLock;

use ecow::EcoString;

use super::schema::Schema;
use crate::node::Node;
use crate::schema::{self, MAX_SIZE, is_too_large};
use crate::source::Span;

/// How large all patterns of all definitions may be together, once compiled: each definition in use gets an equal share.
pub(super) const MOST_PATTERN_BYTES: usize = 1 << 25;

/// A regular expression, compiled when the first text is held against it.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: EcoString,
    span: Span,
    compiled: OnceLock<Result<schema::Pattern, Beyond>>,
}

/// Why a pattern is not evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// It needs what our engine does not have, or is no pattern.
    Form,
    /// It has more than 128 KiB once compiled.
    Size,
    /// Those before it in the definition are too large together.
    Sum,
}

/// What Go's expressions have and ours have not.
const BEYOND_OUR_REGEX: &[&str] = &["\\p", "\\P", "\\Q", "\\C", "(?U"];

impl Pattern {
    pub(super) fn read(node: &Node) -> Option<Self> {
        let span = node.origin.span;
        node.as_str().map(|text| Self { text: text.into(), span, compiled: OnceLock::new() })
    }

    /// `None` where it is not evaluated.
    pub(super) fn compiled(&self) -> Option<&schema::Pattern> {
        let compile = || {
            let beyond = |error| if is_too_large(&error) { Beyond::Size } else { Beyond::Form };
            schema::Pattern::new(&self.text).map_err(beyond)
        };
        self.compiled.get_or_init(compile).as_ref().ok()
    }

    fn is_beyond(&self) -> bool {
        BEYOND_OUR_REGEX.iter().any(|form| self.text.contains(form))
    }
}

impl Schema {
    /// Lets all its patterns have so many bytes.
    pub(super) fn bound_patterns(&self, mut bytes: usize) {
        let mut patterns = Vec::new();
        self.patterns(&mut patterns);
        // Most are never asked, and fewer cannot be too large.
        if patterns.len() > bytes / MAX_SIZE {
            for pattern in patterns {
                match bytes {
                    0 => _ = pattern.compiled.set(Err(Beyond::Sum)),
                    // One that is too large took as long to find out.
                    _ => bytes = bytes.saturating_sub(pattern.compiled().map_or(MAX_SIZE, schema::Pattern::size)),
                }
            }
        }
    }

    /// All patterns, in the order of the fields.
    fn patterns<'s>(&'s self, found: &mut Vec<&'s Pattern>) {
        found.extend(&self.pattern);
        self.parts().for_each(|part| part.patterns(found));
    }

    /// Which patterns are not evaluated.
    #[must_use]
    pub fn unevaluated(&self) -> Unevaluated {
        let mut found = Unevaluated::default();
        self.collect(&mut String::new(), &mut found);
        found
    }

    fn collect(&self, path: &mut String, found: &mut Unevaluated) {
        if let Some(pattern) = &self.pattern {
            match pattern.compiled.get() {
                _ if pattern.is_beyond() => found.patterns.push(pattern.text.to_string()),
                Some(Err(Beyond::Size)) => found.too_large.push(pattern.span),
                Some(Err(Beyond::Sum)) => found.too_many = found.too_many.or(Some(pattern.span)),
                _ => {}
            }
        }
        let length = path.len();
        for (name, child) in &self.properties {
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            child.collect(path, found);
            path.truncate(length);
        }
        for (suffix, child) in [("[]", self.items.as_deref()), ("[*]", self.additional.as_deref())] {
            if let Some(child) = child {
                path.push_str(suffix);
                child.collect(path, found);
                path.truncate(length);
            }
        }
        for child in self.all_of.iter().chain(&self.any_of).chain(&self.one_of).chain(self.not.as_deref()) {
            child.collect(path, found);
        }
    }
}

/// What a schema asks for that we do not look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unevaluated {
    /// Patterns that our regular expressions cannot express.
    pub patterns: Vec<String>,
    /// Where the patterns stand that are too large, of those that a text was to be held against.
    pub too_large: Vec<Span>,
    /// Where the first of those stands that are too large together.
    pub too_many: Option<Span>,
}
