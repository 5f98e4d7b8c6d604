//! Rule `workload-field-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::WorkloadFieldInvalid,
    doc: Doc {
        checks: "\
`replicas`, `minReadySeconds` and `revisionHistoryLimit` must not be negative.
`progressDeadlineSeconds` of a Deployment (600 by default) must be greater than its
`minReadySeconds`. In a StatefulSet, `podManagementPolicy` must be `OrderedReady` or `Parallel`,
`persistentVolumeClaimRetentionPolicy` must have the values `Retain` or `Delete`, `ordinals.start`
must not be negative and `serviceName` must be a DNS-1123 label. A ReplicationController must have a
`template`, and a ControllerRevision `data` and a `revision` that is not negative.",
        why: "\
The API server rejects the object, for instance with \"must be greater than or equal to 0\" or \"must
be greater than minReadySeconds\".",
        fix: "Set a number in range, or one of the allowed values.",
        source: "\
The functions for the specs in `pkg/apis/apps/validation`, and `ValidateReplicationControllerSpec`
in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  minReadySeconds: 60
  progressDeadlineSeconds: 60
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web:1}]}}
",
    good: "-  progressDeadlineSeconds: 60\n+  progressDeadlineSeconds: 120\n",
    check: Check::Object(check),
};

/// The default of `progressDeadlineSeconds`.
const PROGRESS_DEADLINE: i64 = 600;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if !matches!((object.group(), object.kind()), ("apps", _) | ("", "ReplicationController")) {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "ControllerRevision" => {
            if !root.get("data").is_set() {
                faults.required(&root.get("data"));
            }
            faults.not_negative(&root.get("revision"));
            return;
        }
        "ReplicationController" if !spec.get("template").is_set() => {
            faults.required(&spec.get("template"));
        }
        _ => {}
    }
    for name in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        faults.not_negative(&spec.get(name));
    }
    match object.kind() {
        "Deployment" => progress(faults, &spec),
        "StatefulSet" => stateful_set(faults, &spec),
        _ => {}
    }
}

fn progress(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let deadline = spec.get("progressDeadlineSeconds");
    faults.not_negative(&deadline);
    let (seconds, ready) =
        (deadline.number().unwrap_or(PROGRESS_DEADLINE), spec.get("minReadySeconds").number().unwrap_or(0));
    if seconds <= ready {
        let message = format!("`progressDeadlineSeconds` ({seconds}) must be greater than `minReadySeconds` ({ready})");
        faults.add(&deadline, message);
    }
}

fn stateful_set(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let policy = spec.get("podManagementPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["OrderedReady", "Parallel"]);
    }
    let service = spec.get("serviceName");
    if !service.text().is_empty() {
        faults.check(&service, names::dns1123_label(service.text()));
    }
    let ordinals = spec.get("ordinals");
    faults.not_negative(&ordinals.get("start"));
    let retention = spec.get("persistentVolumeClaimRetentionPolicy");
    for name in ["whenDeleted", "whenScaled"] {
        let at = retention.get(name);
        if !at.text().is_empty() {
            faults.one_of(&at, &["Delete", "Retain"]);
        }
    }
}
