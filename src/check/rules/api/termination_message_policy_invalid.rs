//! Rule `termination-message-policy-invalid`.

use crate::check::primitives::enums;
use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "termination-message-policy-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a termination message policy does not exist",
    doc: "\
`terminationMessagePolicy` is File (the default) or FallbackToLogsOnError.

Source: `validateContainerCommon`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", terminationMessagePolicy: Logs}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", terminationMessagePolicy: FallbackToLogsOnError}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in &pod.containers {
        let parent = container.at();
        let at = parent.on("terminationMessagePolicy", container.fields.termination_message_policy);
        enums::choice_or_empty(&at, &["File", "FallbackToLogsOnError"], &mut pod.sayer(report));
    }
}
