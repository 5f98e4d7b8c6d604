//! Rule `selector-mismatch`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SelectorMismatch,
    doc: Doc {
        checks: "\
The selector of a Deployment, ReplicaSet, StatefulSet, DaemonSet or ReplicationController, and the
manual selector of a Job, must match the labels of the pod template. Nothing is reported for an
invalid or empty selector, which is reported by `selector-invalid`.",
        why: "\
The API server rejects the object with \"`selector` does not match template `labels`\", since a
controller that does not find its pods would create new ones without end.",
        fix: "Add every label of the selector to `template.metadata.labels`.",
        source: "\
The functions for the specs in `pkg/apis/apps/validation`, `pkg/apis/batch/validation` and
`pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: website}}
    spec: {containers: [{name: web, image: web:1}]}
",
    good: "\
-    metadata: {labels: {app: website}}
+    metadata: {labels: {app: web, tier: front}}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let at = spec.node;
    let (select, labels) = (&at["selector"], &at["template"]["metadata"]["labels"]);
    let is_match = match (object.group(), object.kind()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            let selects_all = select.is_set() && selector::is_empty(select);
            !selector::is_valid(select) || selects_all || selector::matches(select, labels)
        }
        // The generated labels match; labels added by hand must match too.
        ("batch", "Job") => {
            select.is_null() || !selector::is_valid(select) || selector::is_empty(select) || matches_job(select, labels)
        }
        ("", "ReplicationController") => {
            let entries = select.entries();
            entries.iter().all(|entry| labels.get(&entry.key).is_some_and(|value| value.text() == entry.value.text()))
        }
        _ => return,
    };
    if !is_match {
        let template = spec.get("template");
        let metadata = template.get("metadata");
        faults
            .add(&metadata.get("labels"), "`selector` does not match template `labels`")
            .related(select.origin.span, "this selector")
            .help("add every label of the selector to the template");
    }
}

fn matches_job(select: &Node, labels: &Node) -> bool {
    let generated = |key: &str| matches!(key, "controller-uid" | "batch.kubernetes.io/controller-uid");
    let only_generated = select["matchExpressions"].items().is_empty()
        && select["matchLabels"].entries().iter().all(|entry| generated(&entry.key));
    only_generated || selector::matches(select, labels)
}
