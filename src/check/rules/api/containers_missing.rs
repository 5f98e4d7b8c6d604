//! Rule `containers-missing`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainersMissing,
    doc: Doc {
        checks: "A pod needs at least one entry in `containers`; init containers do not count.",
        why: "",
        fix: "",
        source: "`ValidatePodSpec`, `validateContainers`.",
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
        faults.add(&pod.at().on("containers", pod.spec.containers), "a pod needs at least one container");
    }
}
