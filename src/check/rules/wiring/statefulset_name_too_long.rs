//! Rule `statefulset-name-too-long`.

use crate::check::{Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::StatefulsetNameTooLong,
    doc: Doc {
        checks: "\
Checks the length of a StatefulSet's name. Each of its pods has the label
`controller-revision-hash`, whose value is the name of the StatefulSet, a dash and a hash of up to
ten digits; the value of a label has at most 63 characters. A name of up to 52 characters always
fits. From 53 to 61 characters it depends on the hash, which changes with the pod template: the
finding is a warning. From 62 characters on no hash fits: the finding is an error. Names of more
than 63 characters are left to `name-invalid`.",
        why: "\
The API server rejects the pods, since the value of the label is too long, and the StatefulSet
reports the event `FailedCreate`. With a name of 53 to 61 characters one revision may work and the
next one fail.",
        fix: "Shorten `metadata.name` to at most 52 characters.",
        source: "\
`ControllerRevisionName` and `HashControllerRevision` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/history/controller_history.go,
and the issue https://github.com/kubernetes/kubernetes/issues/64023.",
    },
    bad: "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: elasticsearch-master-of-the-observability-platform-production}
spec:
  serviceName: elasticsearch
  selector: {matchLabels: {app: elasticsearch}}
  template:
    metadata: {labels: {app: elasticsearch}}
    spec: {containers: [{name: elasticsearch, image: 'docker.io/library/elasticsearch:9.2.0'}]}
",
    good: "\
-metadata: {name: elasticsearch-master-of-the-observability-platform-production}
+metadata: {name: elasticsearch-master}
",
    check: Check::Object(check),
};

/// The maximum length of a label value.
const LABEL: usize = 63;
/// The maximum number of digits of a 32-bit hash.
const HASH: usize = 10;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if (object.group(), object.kind()) != ("apps", "StatefulSet") {
        return;
    }
    let length = object.name().len();
    // The API server rejects longer names.
    if length + 1 + HASH <= LABEL || length > LABEL {
        return;
    }
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let (severity, message) = if length + 1 < LABEL {
        (
            Severity::Warning,
            format!("the name has {length} characters: the label of some revisions will exceed {LABEL}"),
        )
    } else {
        (
            Severity::Error,
            format!("the name has {length} characters: no pod can be created, as its label exceeds {LABEL}"),
        )
    };
    faults
        .add(&metadata.get("name"), message)
        .severity(severity)
        .label("becomes the label controller-revision-hash, with a hash")
        .help(format!("use at most {} characters", LABEL - 1 - HASH));
}
