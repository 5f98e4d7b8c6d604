//! Reports the errors of one object, with messages for the kinds of errors that the API server distinguishes.

use std::fmt;

use crate::finding::Remedy;
use crate::formats::Checked;
use crate::kube::KubernetesVersion;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::secret::is_of_secret;
use crate::source::Span;
use crate::validation::{At, Draft, Report, selector};

/// Reports the errors of one object.
#[derive(Debug)]
pub struct Faults<'a, 'r> {
    /// The object.
    pub object: &'a Object,
    report: &'a mut Report<'r>,
}

impl<'a, 'r> Faults<'a, 'r> {
    /// Reports errors of an object to a report.
    pub const fn new(object: &'a Object, report: &'a mut Report<'r>) -> Self {
        Self { object, report }
    }

    /// The number of findings of this rule so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.report.count()
    }

    /// The version of Kubernetes to check against.
    #[must_use]
    pub const fn version(&self) -> KubernetesVersion {
        self.report.version()
    }

    /// Reports a fault in a node below `at`, whose field path is given.
    pub fn below(&mut self, at: &At<'_, '_>, part: &Node, field: String, message: impl Into<String>) -> Draft<'_> {
        let span = if part.origin.span.is_none() { nearest(at).0.origin.span } else { part.origin.span };
        let span = if span.is_none() { self.object.span() } else { span };
        self.report.known(self.object, part, span, field, message.into())
    }

    /// Reports a fault at a byte of a string.
    pub fn within(&mut self, at: &At<'_, '_>, byte: usize, message: impl Into<String>) -> Draft<'_> {
        let text = at.node.text();
        let start = (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text[start..].chars().next().map_or(start, |letter| start + letter.len_utf8());
        self.report.text(self.object, at.node, start..end, message).field(at.to_string())
    }

    /// Reports a fault of a field.
    pub fn add(&mut self, at: &At<'_, '_>, message: impl Into<String>) -> Draft<'_> {
        let (node, exact) = nearest(at);
        let place = if exact { node.origin.span } else { first_key(node).unwrap_or(node.origin.span) };
        let top = std::ptr::eq(node, &raw const self.object.node);
        let place = if top || place.is_none() { self.object.span() } else { place };
        self.report.known(self.object, node, place, at.to_string(), message.into())
    }

    /// Reports a fault of a key of a map, pointing at the key.
    pub fn key(&mut self, mapping: &At<'_, '_>, key: &str, message: impl Into<String>) -> Draft<'_> {
        let entry = mapping.node.entries().iter().find(|entry| entry.key == key);
        let place = entry.map_or(Span::NONE, |entry| entry.key_span);
        let place = if place.is_none() { self.object.span() } else { place };
        let node = entry.map_or(mapping.node, |entry| &entry.value);
        self.report.known(self.object, node, place, format!("{mapping}[{key}]"), message.into())
    }

    /// Reports a field that breaks a rule; `rule` is a phrase that follows the field, such as "must not be empty".
    pub fn breaks(&mut self, at: &At<'_, '_>, rule: impl fmt::Display) -> Draft<'_> {
        let message = format!("`{at}` {rule}");
        self.add(at, message)
    }

    /// Reports a required field that is not set.
    pub fn required(&mut self, at: &At<'_, '_>) -> Draft<'_> {
        let message = format!("`{at}` is required");
        self.add(at, message)
    }

    /// Reports a field that must not be set; `why` is a phrase that follows "is not allowed".
    pub fn forbidden(&mut self, at: &At<'_, '_>, why: &str) -> Draft<'_> {
        let message = format!("`{at}` is not allowed {why}");
        self.add(at, message)
    }

    /// Reports an invalid value; `rule` is a phrase that follows the value, such as "must be greater than 0".
    pub fn invalid(&mut self, at: &At<'_, '_>, rule: &str) -> Draft<'_> {
        let message = format!("{} {rule}", self.shown(at));
        self.add(at, message)
    }

    /// Reports the error of a check of the value, if there is one.
    pub fn check(&mut self, at: &At<'_, '_>, checked: Checked) {
        if let Err(rule) = checked {
            self.invalid(at, rule);
        }
    }

    /// Reports a value that is equal to one of a preceding item.
    pub fn duplicate(&mut self, at: &At<'_, '_>) -> Draft<'_> {
        let shown = self.shown(at);
        let message =
            if shown.starts_with('`') { format!("duplicate value {shown}") } else { "duplicate value".to_owned() };
        self.add(at, message)
    }

    /// Reports a value that is not one of those allowed.
    pub fn one_of(&mut self, at: &At<'_, '_>, allowed: &[&str]) {
        if !allowed.contains(&at.text()) {
            self.not_supported(at, allowed);
        }
    }

    /// Reports an unsupported value.
    pub fn not_supported(&mut self, at: &At<'_, '_>, allowed: &[&str]) -> Draft<'_> {
        let near = crate::suggest::nearest(at.text(), allowed.iter().copied());
        let message = format!("{} must be {}", self.shown(at), crate::suggest::list(allowed, "or"));
        let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        self.add(at, message).help(help).remedy(Some(Remedy::one_of(allowed)))
    }

    /// Reports a negative number.
    pub fn not_negative(&mut self, at: &At<'_, '_>) {
        if at.number().is_some_and(|number| number < 0) {
            self.invalid(at, "must be greater than or equal to 0");
        }
    }

    /// Validates labels.
    pub fn labels(&mut self, at: &At<'_, '_>) {
        selector::labels(at, self);
    }

    /// Validates a label selector, which need not be set.
    pub fn selector(&mut self, at: &At<'_, '_>) {
        selector::label_selector(at, self);
    }

    /// The value as it is written in messages: shortened, and redacted if it is a secret.
    #[must_use]
    pub fn shown(&self, at: &At<'_, '_>) -> String {
        let text = match &at.node.value {
            _ if at.node.origin.is_secret() || !is_public(at) && is_of_secret(&self.object.node) => {
                return "the value".to_owned();
            }
            Value::String(text) if text.is_empty() => return "the empty string".to_owned(),
            Value::String(text) => text.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Null => return format!("`{at}`"),
            Value::Sequence(_) => return "the list".to_owned(),
            Value::Mapping(_) => return "the mapping".to_owned(),
        };
        match text.char_indices().nth(60) {
            Some((cut, _)) => format!("`{}…`", &text[..cut]),
            None => format!("`{text}`"),
        }
    }
}

/// The node, or its nearest ancestor that is written in a file, and whether it is the node itself.
fn nearest<'n>(at: &At<'n, '_>) -> (&'n Node, bool) {
    let (mut at, mut exact) = (at, true);
    while at.node.origin.span.is_none() {
        exact = false;
        match at.parent() {
            Some(up) => at = up,
            None => break,
        }
    }
    (at.node, exact)
}

/// Whether a field of a Secret is not confidential.
fn is_public(at: &At<'_, '_>) -> bool {
    let path = at.to_string();
    path == "type" || path.starts_with("metadata")
}

fn first_key(node: &Node) -> Option<Span> {
    node.entries().first().map(|entry| entry.key_span).filter(|span| !span.is_none())
}
