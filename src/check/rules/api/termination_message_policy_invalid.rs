//! Rule `termination-message-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TerminationMessagePolicyInvalid,
    doc: Doc {
        checks: "`terminationMessagePolicy` of a container must be `File` (the default) or `FallbackToLogsOnError`.",
        why: "The API server rejects the object with \"Unsupported value\".",
        fix: "Set one of the two values, or remove the field.",
        source: "`validateContainerCommon` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", terminationMessagePolicy: Logs}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", terminationMessagePolicy: Logs}]
+  containers: [{name: web, image: "web:1", terminationMessagePolicy: FallbackToLogsOnError}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let at = parent.on("terminationMessagePolicy", container.fields.termination_message_policy);
        enums::choice_or_empty(&at, &["File", "FallbackToLogsOnError"], faults);
    }
}
