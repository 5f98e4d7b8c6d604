//! What the API server refuses when an object that exists is applied again with changes.
//!
//! Measured on `kubectl apply --server-side` by the manager that applied the old object: a field that the new object lacks is
//! removed, one that nobody sets holds its default, and a null leaves an empty struct behind. Restates the update
//! validations of `pkg/apis/*/validation` and the strategies of `pkg/registry`.

mod effective;
mod kinds;
mod lists;
mod same;

use crate::finding::Finding;
use crate::node::Node;
use crate::object::Object;
use crate::source::Span;
use crate::validation::At;

/// A change that the API server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The field, as the API server writes it; empty where the server names none (list entries of one key).
    pub field: String,
    /// Why: a lower-case phrase.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
    /// The place in the new object, or nearest to it.
    pub span: Span,
    /// The place in the old object; [`Span::NONE`] where it stands in none.
    pub old_span: Span,
}

/// What is refused when `new` is applied over `old`, an object of the same identity that the server accepted.
///
/// Faults that `new` has by itself are not among them: they are refused without an old object as well. `errors` tells what
/// the API server rejects of an object by itself.
#[must_use]
pub fn refusals(old: &Object, new: &Object, errors: fn(Object) -> Vec<Finding>) -> Vec<Refusal> {
    let mut found = Vec::new();
    let left = effective::after(&old.node, &new.node);
    let merged = left.as_ref().unwrap_or(&new.node);
    {
        let change = Change { old: At::root("", &old.node), new: At::root("", merged) };
        kinds::refuse(new, &change, &mut |refusal| found.push(refusal));
    }
    lists::refuse(new, &mut |refusal| found.push(refusal));
    if let Some(left) = left {
        found.extend(faults_of_what_is_left(new, left, errors));
    }
    let top = new.span();
    for refusal in &mut found {
        if refusal.span.is_none() {
            refusal.span = top;
        }
    }
    found
}

/// Whether two pod templates are one to the server: defaults filled in, `1Gi` as `1024Mi`. Then nothing restarts.
pub(crate) fn same_template(one: &Node, other: &Node) -> bool {
    same::same("template", one, other)
}

/// The faults that the object has with the empty structs that nulls leave behind, and had not without.
fn faults_of_what_is_left(new: &Object, left: Node, errors: fn(Object) -> Vec<Finding>) -> Vec<Refusal> {
    let own = errors(new.clone());
    let is_new =
        |finding: &Finding| !own.iter().any(|other| other.rule == finding.rule && other.field == finding.field);
    errors(Object::new(left))
        .into_iter()
        .filter(is_new)
        .map(|finding| Refusal {
            field: finding.field,
            message: finding.message,
            help: "a null removes what is in a field but not the field: leave the field out instead".to_owned(),
            span: finding.span,
            old_span: Span::NONE,
        })
        .collect()
}

/// The same place in the old object and in what the new one makes of it.
struct Change<'n, 'p> {
    old: At<'n, 'p>,
    new: At<'n, 'p>,
}

impl<'n> Change<'n, '_> {
    fn get<'q>(&'q self, field: &'static str) -> Change<'n, 'q> {
        Change { old: self.old.get(field), new: self.new.get(field) }
    }

    fn refusal(&self, message: impl Into<String>, help: &str) -> Refusal {
        Refusal {
            field: self.new.to_string(),
            message: message.into(),
            help: help.to_owned(),
            span: nearest(&self.new),
            old_span: nearest(&self.old),
        }
    }
}

/// The place of a node, or of the nearest one above it that stands in a file.
fn nearest(at: &At<'_, '_>) -> Span {
    let mut at = at;
    while at.node.origin.span.is_none() {
        match at.parent() {
            Some(up) => at = up,
            None => break,
        }
    }
    at.node.origin.span
}
