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
A label's key is a name of at most 63 letters, digits, `-`, `_` and `.`, with an optional DNS name
and `/` before it. Its value is empty or of the same form: no blanks, no `+`, no `/`. A Job writes
`job-name` and `controller-uid` into its template itself.",
        why: "",
        fix: "",
        source: "`ValidateLabels` and `ValidateGeneratedSelector`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.2.3+build}}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.2.3-build}}\n",
    check: Check::Object(check),
};

/// The labels a Job puts on its pods.
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

/// The labels a Job writes itself must not be given other values.
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
                .add(&label, format!("the label `{key}` is written by the Job itself"))
                .help("leave it out, or set `manualSelector: true` and a selector of your own");
        }
    }
}
