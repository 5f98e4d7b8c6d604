//! Rule `lease-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::LeaseInvalid,
    doc: Doc {
        checks: "`leaseDurationSeconds` must be greater than 0, and `leaseTransitions` must not be negative.",
        why: "The API server rejects the object.",
        fix: "\
Set a number in range. Leases are usually written by controllers; remove the manifest if it was
copied from a cluster.",
        source: "`ValidateLeaseSpec` in `pkg/apis/coordination/validation`.",
    },
    bad: "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: a}\nspec: {leaseDurationSeconds: 0}\n",
    good: "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: a}\nspec: {leaseDurationSeconds: 15}\n",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Lease" || object.group() != "coordination.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let duration = spec.get("leaseDurationSeconds");
    if duration.number().is_some_and(|seconds| seconds <= 0) {
        faults.invalid(&duration, "must be greater than 0");
    }
    faults.not_negative(&spec.get("leaseTransitions"));
}
