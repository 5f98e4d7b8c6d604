//! Rule `pod-gate-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report, names};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodGateInvalid,
    doc: "\
The condition of a readiness gate and the name of a scheduling gate are qualified names; a scheduling gate stands
once.

Source: `validateReadinessGates`, `validateSchedulingGates`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  schedulingGates: [{name: "not ready"}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  schedulingGates: [{name: example.com/ready}]
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    let spec = pod.at();
    for gate in spec.on("readinessGates", pod.spec.readiness_gates).items() {
        let condition = gate.get("conditionType");
        if let Err(form) = names::qualified_name(condition.text()) {
            pod.say(report, &condition, format!("the condition `{}` {form}", condition.text()));
        }
    }
    let gates = spec.on("schedulingGates", pod.spec.scheduling_gates);
    let repeated = gates.repeats("name");
    for (index, gate) in gates.items().enumerate() {
        let name = gate.node["name"].text();
        if let Err(form) = names::qualified_name(name) {
            pod.say(report, &gate, format!("the name `{name}` {form}"));
        }
        if repeated[index] {
            pod.say(report, &gate, format!("the gate `{name}` is listed twice"));
        }
    }
}
