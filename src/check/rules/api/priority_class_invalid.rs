//! Rule `priority-class-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PriorityClassInvalid,
    doc: Doc {
        checks: "\
The `value` of a PriorityClass must not be greater than 1000000000. A name that starts with
`system-` is reserved for the two system classes with their own values. `preemptionPolicy` must be
`Never` or `PreemptLowerPriority`.",
        why: "\
The API server rejects the object, for instance with \"maximum allowed value of a user defined
priority is 1000000000\".",
        fix: "Lower the value, or rename the class.",
        source: "`ValidatePriorityClass` in `pkg/apis/scheduling/validation`.",
    },
    bad: "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 2000000000\n",
    good: "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000000000\n",
    check: Check::Object(check),
};

/// The maximum value of a class that is not a system class.
const MAX_VALUE: i64 = 1_000_000_000;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "PriorityClass" || object.group() != "scheduling.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let value = root.get("value");
    if object.name().starts_with("system-") {
        let own = match object.name() {
            "system-node-critical" => Some(2_000_001_000),
            "system-cluster-critical" => Some(2_000_000_000),
            _ => None,
        };
        if own.is_none() || value.number() != own {
            let metadata = root.get("metadata");
            faults.forbidden(&metadata.get("name"), "to start with `system-`");
        }
    } else if value.number().is_some_and(|number| number > MAX_VALUE) {
        faults.forbidden(&value, "to be greater than 1000000000");
    }
    let policy = root.get("preemptionPolicy");
    if policy.is_set() {
        faults.one_of(&policy, &["Never", "PreemptLowerPriority"]);
    }
}
