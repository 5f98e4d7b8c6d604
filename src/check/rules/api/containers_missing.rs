//! Rule `containers-missing`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainersMissing,
    doc: Doc {
        checks: "A pod must have at least one entry in `containers`. Init containers do not count.",
        why: "The API server rejects the object with \"Required value\" at `containers`.",
        fix: "Add a container.",
        source: "`ValidatePodSpec` and `validateContainers` in `pkg/apis/core/validation`.",
    },
    bad: "apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: []
",
    good: "-  containers: []\n+  containers: [{name: web, image: \"web:1\"}]\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.containers.items().is_empty() {
        faults.add(&pod.at().on("containers", pod.spec.containers), "a pod must have at least one container");
    }
}
