//! Rule `pod-gate-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodGateInvalid,
    doc: Doc {
        checks: "\
The `conditionType` of a readiness gate and the name of a scheduling gate must be qualified names. A
scheduling gate must be unique.",
        why: "The API server rejects the object.",
        fix: "Correct the name, or remove the duplicate.",
        source: "`validateReadinessGates` and `validateSchedulingGates` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  schedulingGates: [{name: "not ready"}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"-  schedulingGates: [{name: "not ready"}]
+  schedulingGates: [{name: example.com/ready}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    for gate in spec.on("readinessGates", pod.spec.readiness_gates).items() {
        let condition = gate.get("conditionType");
        faults.check(&condition, names::qualified_name(condition.text()));
    }
    let gates = spec.on("schedulingGates", pod.spec.scheduling_gates);
    let repeated = gates.repeats("name");
    for (index, gate) in gates.items().enumerate() {
        let name = gate.node["name"].text();
        faults.check(&gate, names::qualified_name(name));
        if repeated[index] {
            faults.add(&gate, format!("duplicate scheduling gate `{name}`"));
        }
    }
}
