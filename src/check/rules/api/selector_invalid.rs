//! Rule `selector-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SelectorInvalid,
    doc: Doc {
        checks: "\
The selector of a Deployment, ReplicaSet, StatefulSet or DaemonSet is required and must not be
empty. Keys, operators and values must be valid: `In` and `NotIn` require values, `Exists` and
`DoesNotExist` must not have any. A Job must not set `selector`, which is generated, without
`manualSelector: true`; in a CronJob neither is allowed. The keys and values of the selectors of
PersistentVolumeClaims, PodDisruptionBudgets, ReplicationControllers and Services follow the same
rules. A DaemonSet without a selector is reported by `selector-mismatch`.",
        why: "\
The API server rejects the object, for instance with \"empty selector is invalid for deployment\",
\"must be specified when `operator` is 'In' or 'NotIn'\" or \"not a valid selector operator\".",
        fix: "Set `selector.matchLabels` to the labels of the pod template. Remove the selector of a Job.",
        source: "\
`ValidateLabelSelector` in `k8s.io/apimachinery/pkg/apis/meta/v1/validation`, the functions for the
specs in `pkg/apis/apps/validation`, and `ValidateGeneratedSelector` in `pkg/apis/batch/validation`.",
    },
    bad: "\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 1
  selector: {matchExpressions: [{key: app, operator: In}]}
",
    good: "\
-  selector: {matchExpressions: [{key: app, operator: In}]}
+  selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let at = spec.get("selector");
    match (object.group(), object.kind()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet") => workload(faults, &at, true),
        // `selector-mismatch` reports a DaemonSet without a selector.
        ("apps", "DaemonSet") => workload(faults, &at, false),
        ("", "ReplicationController") => {
            faults.labels(&at);
            // The selector defaults to the labels of the template.
            if at.node.entries().is_empty() && spec.node["template"]["metadata"]["labels"].entries().is_empty() {
                faults.required(&at).help("select the labels of the pod template");
            }
        }
        ("", "Service") => faults.labels(&at),
        ("", "PersistentVolumeClaim") | ("policy", "PodDisruptionBudget") => faults.selector(&at),
        ("batch", "Job") => job(faults, &spec, &at),
        ("batch", "CronJob") => {
            let template = spec.get("jobTemplate");
            let job = template.get("spec");
            let (at, manual) = (job.get("selector"), job.get("manualSelector"));
            if at.is_set() {
                faults.forbidden(&at, "in a CronJob, whose Jobs generate their selectors");
            }
            if manual.is_true() {
                faults.forbidden(&manual, "in a CronJob, whose Jobs generate their selectors");
            }
        }
        _ => {}
    }
}

fn workload(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, strict: bool) {
    if !at.is_set() {
        if strict {
            faults.required(at).help("select the labels of the pod template");
        }
        return;
    }
    faults.selector(at);
    if selector::is_empty(at.node) {
        faults.invalid(at, "must not be empty");
    }
}

/// Validates the selector of a Job, which may only be set with `manualSelector: true`, and is generated otherwise.
fn job(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, at: &At<'_, '_>) {
    faults.selector(at);
    if spec.get("manualSelector").is_true() {
        if !at.is_set() {
            faults.required(at).help("set the selector, or remove `manualSelector: true`");
        }
    } else if at.is_set() && selector::is_valid(at.node) && !selector::is_empty(at.node) {
        faults
            .invalid(at, "must not be set: the selector of a Job is generated")
            .help("remove `selector`, or set `manualSelector: true`");
    }
}
