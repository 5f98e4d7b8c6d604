//! Rule `grace-period-negative`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::GracePeriodNegative,
    doc: Doc {
        checks: "A negative `terminationGracePeriodSeconds` counts as 1. The server warns.",
        why: "",
        fix: "",
        source: "`GetWarningsForPod`.",
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
        faults.add(&at, "a negative grace period counts as 1 second");
    }
}
