//! Rule `runtime-class-invalid`.

use crate::check::primitives::names;
use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "runtime-class-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a RuntimeClass names no valid handler",
    doc: "\
`handler` is a DNS label: the name the node's container runtime knows. Labels that pods are scheduled by are valid labels.

Restates `ValidateRuntimeClass`.",
    bad: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: a}\nhandler: run_sc\n",
    good: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: a}\nhandler: runsc\n",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    if object.kind() != "RuntimeClass" || object.group() != "node.k8s.io" {
        return;
    }
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let handler = root.get("handler");
    if handler.text().is_empty() {
        faults.required(&handler);
    } else {
        faults.check(&handler, names::dns1123_label(handler.text()));
    }
    let scheduling = root.get("scheduling");
    faults.labels(&scheduling.get("nodeSelector"));
}
