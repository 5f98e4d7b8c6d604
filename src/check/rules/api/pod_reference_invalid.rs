//! Rule `pod-reference-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod, enums, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodReferenceInvalid,
    doc: Doc {
        checks: "\
`serviceAccountName`, `nodeName`, `priorityClassName` and `runtimeClassName` of a pod must be
DNS-1123 subdomains. `preemptionPolicy` must be `PreemptLowerPriority` or `Never`. A Pod with
`schedulingGates` must not have a `nodeName`.",
        why: "\
The API server rejects the object, for instance with \"cannot be set until all schedulingGates have
been cleared\".",
        fix: "Correct the name.",
        source: "`ValidatePodSpec` and `ValidatePodCreate` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: Web_Account
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  serviceAccountName: Web_Account\n+  serviceAccountName: web-account\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let (at, spec) = (pod.at(), &pod.spec);
    // `serviceAccount` is used if `serviceAccountName` is empty; the API server reports the latter.
    let account =
        if spec.service_account_name.text().is_empty() { spec.service_account } else { spec.service_account_name };
    for (field, node) in [
        ("serviceAccountName", account),
        ("nodeName", spec.node_name),
        ("priorityClassName", spec.priority_class_name),
        ("runtimeClassName", spec.runtime_class_name),
    ] {
        // An empty name counts as not set, except for `runtimeClassName`.
        if node.is_set()
            && (!node.text().is_empty() || field == "runtimeClassName")
            && let Err(form) = names::dns1123_subdomain(node.text())
        {
            faults.add(&at.on(field, node), format!("the name `{}` {form}", node.text()));
        }
    }
    let preemption = at.on("preemptionPolicy", spec.preemption_policy);
    if preemption.is_set() {
        enums::choice(&preemption, &["PreemptLowerPriority", "Never"], faults);
    }
    if pod.workload == Workload::Pod && !spec.node_name.text().is_empty() && !spec.scheduling_gates.items().is_empty() {
        faults.add(&at.on("nodeName", spec.node_name), "cannot be set until all `schedulingGates` have been cleared");
    }
}
