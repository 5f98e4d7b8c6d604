//! Rule `overhead-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::OverheadInvalid,
    doc: Doc {
        checks: "\
`overhead` of a pod must be a list of resources like the limits of a container: cpu, memory,
ephemeral-storage, `hugepages-<size>` or extended resources, with amounts that are not negative.",
        why: "The API server rejects the object, for instance with \"must be a standard resource for containers\".",
        fix: "Remove `overhead`. The admission controller sets it from the RuntimeClass.",
        source: "`validateOverhead` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  overhead: {disk: 1Gi}
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  overhead: {disk: 1Gi}\n+  overhead: {memory: 1Gi}\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.overhead.is_null() {
        return;
    }
    let spec = pod.at();
    let at = spec.on("overhead", pod.spec.overhead);
    // The API server validates it like the limits of a container.
    resources::limits(&at.on("limits", pod.spec.overhead), resources::container_name, faults);
}
