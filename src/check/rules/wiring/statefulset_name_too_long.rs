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
than 63 characters are reported by `name-invalid`.",
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
const MAX_LABEL_LENGTH: usize = 63;
/// The maximum number of digits of a 32-bit hash.
const MAX_HASH_LENGTH: usize = 10;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if (object.group(), object.kind()) != ("apps", "StatefulSet") {
        return;
    }
    let length = object.name().len();
    // `name-invalid` reports longer names.
    if length + 1 + MAX_HASH_LENGTH <= MAX_LABEL_LENGTH || length > MAX_LABEL_LENGTH {
        return;
    }
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let (severity, message) = if length + 1 < MAX_LABEL_LENGTH {
        (
            Severity::Warning,
            format!("the name has {length} characters: a label of the pods of some revisions will be too long"),
        )
    } else {
        (
            Severity::Error,
            format!("the name has {length} characters: no pod can be created, as a label of the pods is too long"),
        )
    };
    faults
        .add(&metadata.get("name"), message)
        .severity(severity)
        .label("part of the label `controller-revision-hash`")
        .help(format!("shorten the name to at most {} characters", MAX_LABEL_LENGTH - 1 - MAX_HASH_LENGTH));
}
