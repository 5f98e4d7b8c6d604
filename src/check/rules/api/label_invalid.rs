//! Rule `label-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::LabelInvalid,
    doc: Doc {
        checks: "\
The key of a label must be a name of at most 63 letters, digits, `-`, `_` and `.`, optionally after
a DNS subdomain and `/`. Its value must be empty or of the same form, and so must not contain
whitespace, `+` or `/`. The pod template of a Job must not set `job-name` or `controller-uid` (with
or without `batch.kubernetes.io/`) to a value of its own, unless the Job has `manualSelector: true`.",
        why: "\
The API server rejects the object, with \"a valid label must be an empty string or consist of
alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character\".
The Job controller generates its own labels; a Job with other values is rejected.",
        fix: "\
Replace the characters that are not allowed (`1.2.3+build` becomes `1.2.3_build`), or move the value
into an annotation. Remove the labels that a Job generates.",
        source: "\
`ValidateLabels` in `k8s.io/apimachinery/pkg/apis/meta/v1/validation` and
`ValidateGeneratedSelector` in `pkg/apis/batch/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.2.3+build}}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.2.3-build}}\n",
    check: Check::Object(check),
};

/// The labels that the Job controller sets on pods.
const JOB_NAME: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];
const JOB_UID: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    faults.labels(&metadata.get("labels"));
    if object.kind() == "Job" && object.group() == "batch" {
        job(faults, &root);
    }
}

/// The labels that the Job controller sets must not have other values.
fn job(faults: &mut Faults<'_, '_>, root: &At<'_, '_>) {
    let spec = root.get("spec");
    if spec.get("manualSelector").is_true() {
        return;
    }
    let (template, name) = (spec.get("template"), root.node["metadata"]["name"].text());
    let metadata = template.get("metadata");
    let labels = metadata.get("labels");
    for (key, uid) in JOB_NAME.map(|key| (key, false)).into_iter().chain(JOB_UID.map(|key| (key, true))) {
        let label = labels.key(key);
        if labels.node.get(key).is_some() && (uid || label.text() != name) {
            faults
                .add(&label, format!("the label `{key}` is set by the Job controller"))
                .help("remove the label, or set `manualSelector: true` and a selector");
        }
    }
}
