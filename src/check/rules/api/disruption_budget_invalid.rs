//! Rule `disruption-budget-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults, percent};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DisruptionBudgetInvalid,
    doc: Doc {
        checks: "\
A PodDisruptionBudget must not have both `minAvailable` and `maxUnavailable`. Each must be an
integer that is not negative, or a percentage of at most 100%. `unhealthyPodEvictionPolicy` must be
`IfHealthyBudget` or `AlwaysAllow`.",
        why: "\
The API server rejects the object, for instance with \"minAvailable and maxUnavailable cannot be both
set\".",
        fix: "Keep one of the two fields, with an integer or a percentage.",
        source: "`ValidatePodDisruptionBudgetSpec` in `pkg/apis/policy/validation`.",
    },
    bad: "\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, maxUnavailable: 1, selector: {matchLabels: {app: web}}}
",
    good: "\
-spec: {minAvailable: 1, maxUnavailable: 1, selector: {matchLabels: {app: web}}}
+spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "PodDisruptionBudget" || object.group() != "policy" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (least, most) = (spec.get("minAvailable"), spec.get("maxUnavailable"));
    if least.is_set() && most.is_set() {
        faults.add(&most, "`minAvailable` and `maxUnavailable` cannot both be set").field("spec");
    }
    for at in [&least, &most] {
        percent::not_negative(faults, at);
        percent::at_most_100(faults, at);
    }
    let policy = spec.get("unhealthyPodEvictionPolicy");
    if policy.is_set() {
        faults.one_of(&policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}
