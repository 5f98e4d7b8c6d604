//! What is found wrong with one object, in the API server's own words for kinds of faults.

use crate::finding::Remedy;
use crate::formats::Checked;
use crate::kube::KubernetesVersion;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::secret::is_of_secret;
use crate::source::Span;
use crate::validation::{At, Draft, Report, selector};

/// What is found wrong with one object, in the API server's own words for kinds of faults.
#[derive(Debug)]
pub struct Faults<'a, 'r> {
    /// The object.
    pub object: &'a Object,
    report: &'a mut Report<'r>,
}

impl<'a, 'r> Faults<'a, 'r> {
    /// For the faults of an object.
    pub const fn new(object: &'a Object, report: &'a mut Report<'r>) -> Self {
        Self { object, report }
    }

    /// How many faults of this rule have been reported so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.report.count()
    }

    /// The version of Kubernetes that the manifests are for.
    #[must_use]
    pub const fn version(&self) -> KubernetesVersion {
        self.report.version()
    }

    /// A fault below a place: in a part of its node, with the path already written.
    pub fn below(&mut self, at: &At<'_, '_>, part: &Node, field: String, message: impl Into<String>) -> Draft<'_> {
        let span = if part.origin.span.is_none() { nearest(at).0.origin.span } else { part.origin.span };
        let span = if span.is_none() { self.object.span() } else { span };
        self.report.known(self.object, part, span, field, message.into())
    }

    /// A fault in a string: at one of its bytes.
    pub fn within(&mut self, at: &At<'_, '_>, byte: usize, message: impl Into<String>) -> Draft<'_> {
        let text = at.node.text();
        let start = (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text[start..].chars().next().map_or(start, |letter| start + letter.len_utf8());
        self.report.text(self.object, at.node, start..end, message).field(at.to_string())
    }

    /// A fault at a place.
    pub fn add(&mut self, at: &At<'_, '_>, message: impl Into<String>) -> Draft<'_> {
        let (node, exact) = nearest(at);
        let place = if exact { node.origin.span } else { first_key(node).unwrap_or(node.origin.span) };
        let top = std::ptr::eq(node, &raw const self.object.node);
        let place = if top || place.is_none() { self.object.span() } else { place };
        self.report.known(self.object, node, place, at.to_string(), message.into())
    }

    /// A fault of a key of a free mapping: the key itself is underlined.
    pub fn key(&mut self, mapping: &At<'_, '_>, key: &str, message: impl Into<String>) -> Draft<'_> {
        let entry = mapping.node.entries().iter().find(|entry| entry.key == key);
        let place = entry.map_or(Span::NONE, |entry| entry.key_span);
        let place = if place.is_none() { self.object.span() } else { place };
        let node = entry.map_or(mapping.node, |entry| &entry.value);
        self.report.known(self.object, node, place, format!("{mapping}[{key}]"), message.into())
    }

    /// A field that must be there.
    pub fn required(&mut self, at: &At<'_, '_>) -> Draft<'_> {
        let message = format!("`{at}` is required");
        self.add(at, message)
    }

    /// A field that must not be there, and why: a phrase that follows "is not allowed".
    pub fn forbidden(&mut self, at: &At<'_, '_>, why: &str) -> Draft<'_> {
        let message = format!("`{at}` is not allowed {why}");
        self.add(at, message)
    }

    /// A value that breaks a rule: a phrase that follows the value, such as "must be greater than 0".
    pub fn invalid(&mut self, at: &At<'_, '_>, rule: &str) -> Draft<'_> {
        let message = format!("{} {rule}", self.shown(at));
        self.add(at, message)
    }

    /// Reports what a check of the value here says, if it objects.
    pub fn check(&mut self, at: &At<'_, '_>, checked: Checked) {
        if let Err(rule) = checked {
            self.invalid(at, rule);
        }
    }

    /// A value that a preceding item of the list already has.
    pub fn duplicate(&mut self, at: &At<'_, '_>) -> Draft<'_> {
        let shown = self.shown(at);
        let message =
            if shown.starts_with('`') { format!("duplicate value {shown}") } else { "duplicate value".to_owned() };
        self.add(at, message)
    }

    /// A value that must be one of a few. Silent if it is.
    pub fn one_of(&mut self, at: &At<'_, '_>, allowed: &[&str]) {
        if !allowed.contains(&at.text()) {
            self.not_supported(at, allowed);
        }
    }

    /// A value that is none of those allowed.
    pub fn not_supported(&mut self, at: &At<'_, '_>, allowed: &[&str]) -> Draft<'_> {
        let near = crate::suggest::nearest(at.text(), allowed.iter().copied());
        let message = format!("{} must be {}", self.shown(at), crate::suggest::list(allowed, "or"));
        let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        self.add(at, message).help(help).remedy(Some(Remedy::one_of(allowed)))
    }

    /// A number that must not be negative; absent is fine.
    pub fn not_negative(&mut self, at: &At<'_, '_>) {
        if at.number().is_some_and(|number| number < 0) {
            self.invalid(at, "must not be negative");
        }
    }

    /// Reports what is wrong with labels.
    pub fn labels(&mut self, at: &At<'_, '_>) {
        selector::labels(at, self);
    }

    /// Reports what is wrong with a label selector; an absent one is fine.
    pub fn selector(&mut self, at: &At<'_, '_>) {
        selector::label_selector(at, self);
    }

    /// The value as messages name it: shortened, and hidden where it is a secret.
    #[must_use]
    pub fn shown(&self, at: &At<'_, '_>) -> String {
        let text = match &at.node.value {
            _ if at.node.origin.is_secret() || !is_open(at) && is_of_secret(&self.object.node) => {
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

/// Where a person looks first: the node, or the nearest one above it that stands in a file.
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

/// Whether a field of a Secret holds no secret.
fn is_open(at: &At<'_, '_>) -> bool {
    let path = at.to_string();
    path == "type" || path.starts_with("metadata")
}

fn first_key(node: &Node) -> Option<Span> {
    node.entries().first().map(|entry| entry.key_span).filter(|span| !span.is_none())
}
