//! Rule `containers-missing`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainersMissing,
    doc: "\
A pod needs at least one entry in `containers`; init containers do not count.

Source: `ValidatePodSpec`, `validateContainers`.",
    bad: "apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: []
",
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.spec.containers.items().is_empty() {
        pod.say(report, &pod.at().on("containers", pod.spec.containers), "a pod needs at least one container");
    }
}
