//! What the API server refuses when an object that exists is applied again with changes.
//!
//! Measured on `kubectl apply --server-side` by the manager that applied the old object: a field that the new object lacks is
//! removed, one that nobody sets holds its default, and a null leaves an empty struct behind. Restates the update
//! validations of `pkg/apis/*/validation` and the strategies of `pkg/registry`.

mod custom;
mod kinds;
mod lists;

use std::fmt;

use crate::cel::KindRules;
use crate::finding::Finding;
use crate::kube::crd::CustomKinds;
use crate::kube::{KubernetesVersion, Shape, applied, owned, stored};
use crate::node::Node;
use crate::object::Object;
use crate::source::Span;
use crate::validation::At;

/// What applying a changed manifest does to the object in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: it stays as it is stored.
    None,
    /// The object changes, its pods do not.
    Object,
    /// Its pod template changes, so that its controller replaces the pods.
    Pods,
    /// The API server rejects the change.
    Rejected,
}

impl Effect {
    /// `none`, `object`, `pods` or `rejected`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Object => "object",
            Self::Pods => "pods",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Tells what the API server rejects of an object by itself.
pub type Errors = fn(Object) -> Vec<Finding>;

/// What becomes of an object when a changed manifest is applied over it.
#[derive(Debug)]
pub struct Update {
    /// The object as it is stored now.
    pub before: Node,
    /// The object as it would be stored.
    pub after: Node,
    /// Why the API server rejects the change; empty where it does not.
    pub refusals: Vec<Refusal>,
    /// What it comes to.
    pub effect: Effect,
}

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

/// What updates are judged by: the kinds that there are, and the rules for each object by itself.
#[derive(Debug)]
pub struct Judge<'k> {
    version: KubernetesVersion,
    custom: &'k CustomKinds<'k>,
    rules: KindRules<'k>,
    errors: Errors,
}

impl<'k> Judge<'k> {
    /// One for a version of Kubernetes and some custom kinds. `errors` tells what the API server rejects of an object by itself.
    #[must_use]
    pub fn new(version: KubernetesVersion, custom: &'k CustomKinds<'k>, errors: Errors) -> Self {
        Self { version, custom, rules: KindRules::new(), errors }
    }

    /// What happens when `new` is applied over `old`, an object of the same identity that the server accepted. `old` may be the
    /// manifest that was applied or what `kubectl get -o yaml` shows.
    ///
    /// Faults that `new` has by itself are not among the refusals: they are refused without an old object as well.
    #[must_use]
    pub fn update(&mut self, old: &Object, new: &Object) -> Update {
        let shape = Shape::of_object(&new.node, self.version, self.custom);
        let before = stored(&old.node, shape);
        let manifest = owned(&old.node);
        let mut merged = applied(&before, manifest.as_ref().unwrap_or(&old.node), &new.node, shape);
        crate::kube::allocate(&before, &mut merged, &new.node);
        let after = stored(&merged, shape);
        let refusals = self.refused(new, &before, &after, shape);
        let effect = match () {
            () if !refusals.is_empty() => Effect::Rejected,
            () if before == after => Effect::None,
            () if pods_change(new, &before, &after) => Effect::Pods,
            () => Effect::Object,
        };
        Update { before, after, refusals, effect }
    }

    fn refused(&mut self, new: &Object, before: &Node, after: &Node, shape: Shape<'_>) -> Vec<Refusal> {
        let mut found = Vec::new();
        if before != after {
            let change = Change { old: At::root("", before), new: At::root("", after) };
            kinds::refuse(new, &change, &mut |refusal| found.push(refusal));
        }
        lists::refuse(new, shape, &mut |refusal| found.push(refusal));
        if found.is_empty() && before != after {
            let alone = stored(&new.node, shape);
            if matches!(shape, Shape::Resource(..)) {
                self.custom(before, after, &alone, &mut |refusal| found.push(refusal));
            } else if alone != *after {
                found.extend(faults_of_what_stays(alone, after.clone(), self.errors));
            }
        }
        let top = new.span();
        for refusal in &mut found {
            if refusal.span.is_none() {
                refusal.span = top;
            }
        }
        found
    }
}

/// Whether the pods differ: the template of a workload, or the spec of a Pod.
fn pods_change(object: &Object, before: &Node, after: &Node) -> bool {
    match object.pod_place().map(|place| place.keys) {
        Some([]) => before["spec"] != after["spec"],
        Some(path) => object.kind() != "PodTemplate" && before.at(path) != after.at(path),
        None if object.is_custom() => {
            let (before, after) = (Object::new(before.clone()), Object::new(after.clone()));
            let complete = |object: &'_ Object| object.pod_templates().iter().any(|template| !template.partial);
            (complete(&before) || complete(&after)) && before.pod_templates() != after.pod_templates()
        }
        None => false,
    }
}

/// What is refused when `new` is applied over `old`, an object of a built-in kind.
#[must_use]
pub fn refusals(old: &Object, new: &Object, errors: Errors) -> Vec<Refusal> {
    Judge::new(KubernetesVersion::default(), &CustomKinds::default(), errors).update(old, new).refusals
}

/// The faults that the object has with what the server keeps of the old one, and has not without.
fn faults_of_what_stays(alone: Node, after: Node, errors: Errors) -> Vec<Refusal> {
    let own = errors(Object::new(alone));
    let is_new =
        |finding: &Finding| !own.iter().any(|other| other.rule == finding.rule && other.field == finding.field);
    errors(Object::new(after))
        .into_iter()
        .filter(is_new)
        .map(|finding| Refusal {
            field: finding.field,
            message: finding.message,
            help: "the server keeps what the applied manifest did not set, and an empty struct where a field becomes null: \
                   leave the field out, use `kubectl replace`, or delete and re-create the object"
                .to_owned(),
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
