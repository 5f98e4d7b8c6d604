//! Simulates applying a changed manifest over an existing object: the stored result, or why the API server rejects it.
//!
//! Follows `kubectl apply --server-side` by the field manager that applied the old object: a field that the new
//! manifest does not contain is removed or set to its default, and a null leaves an empty struct. Implements the update
//! validation of `pkg/apis/*/validation` and the strategies of `pkg/registry`.

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
    /// The stored object does not change.
    None,
    /// The object changes, but not its pod template.
    Object,
    /// The pod template changes, so the controller replaces the pods.
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

/// Returns the errors for which the API server rejects an object on creation.
pub type CreateErrors = fn(Object) -> Vec<Finding>;

/// The result of applying a changed manifest over an object.
#[derive(Debug)]
pub struct Update {
    /// The stored object before.
    pub before: Node,
    /// The stored object after.
    pub after: Node,
    /// Why the API server rejects the change; empty if it does not.
    pub rejections: Vec<Rejection>,
    /// The effect.
    pub effect: Effect,
}

/// A reason for which the API server rejects a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The field in the notation of the API server; empty if its error has none (duplicate list entries).
    pub field: String,
    /// The message, in lower case.
    pub message: String,
    /// How to fix it; may be empty.
    pub help: String,
    /// The location in the new object, or of the nearest ancestor.
    pub span: Span,
    /// The location in the old object; [`Span::NONE`] if there is none.
    pub old_span: Span,
}

/// Simulates updates for a version of Kubernetes.
#[derive(Debug)]
pub struct UpdateSimulator<'k> {
    version: KubernetesVersion,
    custom: &'k CustomKinds<'k>,
    rules: KindRules<'k>,
    create_errors: CreateErrors,
}

impl<'k> UpdateSimulator<'k> {
    /// Creates a simulator for a version of Kubernetes and custom kinds.
    #[must_use]
    pub fn new(version: KubernetesVersion, custom: &'k CustomKinds<'k>, create_errors: CreateErrors) -> Self {
        Self { version, custom, rules: KindRules::new(), create_errors }
    }

    /// Applies `new` over `old`, an object with the same identity that the server accepted. `old` may be the applied
    /// manifest or the output of `kubectl get -o yaml`.
    ///
    /// Errors for which `new` would also be rejected on creation are not reported.
    #[must_use]
    pub fn update(&mut self, old: &Object, new: &Object) -> Update {
        let shape = Shape::of_object(&new.node, self.version, self.custom);
        let before = stored(&old.node, shape);
        let manifest = owned(&old.node);
        let mut merged = applied(&before, manifest.as_ref().unwrap_or(&old.node), &new.node, shape);
        crate::kube::allocate(&before, &mut merged, &new.node);
        let after = stored(&merged, shape);
        let rejections = self.rejections(new, &before, &after, shape);
        let effect = match () {
            () if !rejections.is_empty() => Effect::Rejected,
            () if before == after => Effect::None,
            () if changes_pods(new, &before, &after) => Effect::Pods,
            () => Effect::Object,
        };
        Update { before, after, rejections, effect }
    }

    fn rejections(&mut self, new: &Object, before: &Node, after: &Node, shape: Shape<'_>) -> Vec<Rejection> {
        let mut found = Vec::new();
        if before != after {
            let pair = FieldPair { old: At::root("", before), new: At::root("", after) };
            kinds::validate(new, &pair, &mut |rejection| found.push(rejection));
        }
        lists::validate(new, shape, &mut |rejection| found.push(rejection));
        if found.is_empty() && before != after {
            let alone = stored(&new.node, shape);
            if matches!(shape, Shape::Resource(..)) {
                self.validate_custom(before, after, &alone, &mut |rejection| found.push(rejection));
            } else if alone != *after {
                found.extend(errors_of_retained_fields(alone, after.clone(), self.create_errors));
            }
        }
        let top = new.span();
        for rejection in &mut found {
            if rejection.span.is_none() {
                rejection.span = top;
            }
        }
        found
    }
}

/// Whether the pod template of a workload, or the spec of a Pod, differs.
fn changes_pods(object: &Object, before: &Node, after: &Node) -> bool {
    match object.pod_template_path().map(|place| place.keys) {
        Some([]) => before["spec"] != after["spec"],
        Some(path) => object.kind() != "PodTemplate" && before.at(path) != after.at(path),
        None if object.is_custom() => {
            let (before, after) = (Object::new(before.clone()), Object::new(after.clone()));
            let has_complete_template =
                |object: &'_ Object| object.pod_templates().iter().any(|template| !template.partial);
            (has_complete_template(&before) || has_complete_template(&after))
                && before.pod_templates() != after.pod_templates()
        }
        None => false,
    }
}

/// The rejections when `new` is applied over `old`, an object of a built-in kind.
#[must_use]
pub fn rejections(old: &Object, new: &Object, create_errors: CreateErrors) -> Vec<Rejection> {
    UpdateSimulator::new(KubernetesVersion::default(), &CustomKinds::default(), create_errors)
        .update(old, new)
        .rejections
}

/// The errors of an updated object that are caused by fields which the server retains from the old object.
fn errors_of_retained_fields(alone: Node, after: Node, create_errors: CreateErrors) -> Vec<Rejection> {
    let own = create_errors(Object::new(alone));
    let is_new =
        |finding: &Finding| !own.iter().any(|other| other.rule == finding.rule && other.field == finding.field);
    create_errors(Object::new(after))
        .into_iter()
        .filter(is_new)
        .map(|finding| Rejection {
            field: finding.field,
            message: finding.message,
            help: "remove the field from the manifest, use `kubectl replace`, or delete and re-create the object: the API server \
                   retains fields that the applied manifest did not set, and an empty struct if a field becomes null"
                .to_owned(),
            span: finding.span,
            old_span: Span::NONE,
        })
        .collect()
}

/// The same field in the stored object before and after an update.
struct FieldPair<'n, 'p> {
    old: At<'n, 'p>,
    new: At<'n, 'p>,
}

impl<'n> FieldPair<'n, '_> {
    fn get<'q>(&'q self, field: &'static str) -> FieldPair<'n, 'q> {
        FieldPair { old: self.old.get(field), new: self.new.get(field) }
    }

    fn rejection(&self, message: impl Into<String>, help: &str) -> Rejection {
        Rejection {
            field: self.new.to_string(),
            message: message.into(),
            help: help.to_owned(),
            span: nearest(&self.new),
            old_span: nearest(&self.old),
        }
    }
}

/// The location of a node, or of its nearest ancestor that has one.
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
