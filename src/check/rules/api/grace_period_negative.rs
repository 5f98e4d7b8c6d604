//! Rule `grace-period-negative`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::GracePeriodNegative,
    doc: Doc {
        checks: "`terminationGracePeriodSeconds` of a pod should not be negative.",
        why: "\
The value is treated as 1 second. The API server accepts the object with a warning, \"must be >= 0;
negative values are invalid and will be treated as 1\".",
        fix: "Set the number of seconds that the process needs to stop; the default is 30.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: -1
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  terminationGracePeriodSeconds: -1\n+  terminationGracePeriodSeconds: 30\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.termination_grace_period_seconds.as_i64().is_some_and(|seconds| seconds < 0) {
        let spec = pod.at();
        let at = spec.on("terminationGracePeriodSeconds", pod.spec.termination_grace_period_seconds);
        faults.breaks(&at, "must not be negative: the value is treated as 1 second");
    }
}
