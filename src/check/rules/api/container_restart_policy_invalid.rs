//! Rule `container-restart-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod, enums, pod::List};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainerRestartPolicyInvalid,
    doc: Doc {
        checks: "\
`restartPolicy` of a container must be `Always`, `OnFailure` or `Never`. `restartPolicyRules`
requires a `restartPolicy` and may have at most 20 rules, each with an `action` and `exitCodes` of
at most 255 values. Ephemeral containers are not checked.",
        why: "The API server rejects the object.",
        fix: "Set one of the allowed policies; to run an init container as a sidecar, `restartPolicy: Always`.",
        source: "`validateContainerRestartPolicy` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  initContainers: [{name: side, image: "side:1", restartPolicy: Sometimes}]
"#,
    good: r#"-  initContainers: [{name: side, image: "side:1", restartPolicy: Sometimes}]
+  initContainers: [{name: side, image: "side:1", restartPolicy: Always}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in pod.containers.iter().filter(|container| container.list != List::Ephemeral) {
        let parent = container.at();
        let policy = parent.on("restartPolicy", container.fields.restart_policy);
        let rules = parent.on("restartPolicyRules", container.fields.restart_policy_rules);
        if policy.is_set() {
            enums::choice(&policy, &["Always", "OnFailure", "Never"], faults);
        } else if !rules.node.items().is_empty() {
            faults.add(&policy, "`restartPolicy` is required with `restartPolicyRules`");
        }
        if rules.node.items().len() > 20 {
            faults.add(&rules, "at most 20 rules are allowed");
        }
        for rule in rules.items() {
            check_rule(&rule, faults);
        }
    }
}

fn check_rule(rule: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    enums::choice(&rule.get("action"), &["Restart", "RestartAllContainers"], faults);
    let codes = rule.get("exitCodes");
    if !codes.is_set() {
        faults.add(&codes, "`exitCodes` is required");
        return;
    }
    enums::choice(&codes.get("operator"), &["In", "NotIn"], faults);
    let values = codes.get("values");
    if values.node.items().len() > 255 {
        faults.add(&values, "at most 255 exit codes are allowed");
    }
}
