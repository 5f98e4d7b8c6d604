//! Rule `container-restart-policy-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Pod, Report, enums, pod::List, selector::Say};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainerRestartPolicyInvalid,
    doc: "\
A container may have a `restartPolicy` of its own (Always, OnFailure or Never) and with it up to 20
`restartPolicyRules`, each with an action and exit codes.

Source: `validateContainerRestartPolicy`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  initContainers: [{name: side, image: "side:1", restartPolicy: Sometimes}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  initContainers: [{name: side, image: "side:1", restartPolicy: Always}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in pod.containers.iter().filter(|container| container.list != List::Ephemeral) {
        let parent = container.at();
        let policy = parent.on("restartPolicy", container.fields.restart_policy);
        let rules = parent.on("restartPolicyRules", container.fields.restart_policy_rules);
        let say = &mut pod.sayer(report);
        if policy.is_set() {
            enums::choice(&policy, &["Always", "OnFailure", "Never"], say);
        } else if !rules.node.items().is_empty() {
            say(&policy, "`restartPolicyRules` need a `restartPolicy`".to_owned());
        }
        if rules.node.items().len() > 20 {
            say(&rules, "at most 20 rules are allowed".to_owned());
        }
        for rule in rules.items() {
            check_rule(&rule, say);
        }
    }
}

fn check_rule<'n>(rule: &At<'n, '_>, say: Say<'_, 'n>) {
    enums::choice(&rule.get("action"), &["Restart", "RestartAllContainers"], say);
    let codes = rule.get("exitCodes");
    if !codes.is_set() {
        say(&codes, "the rule has no exit codes".to_owned());
        return;
    }
    enums::choice(&codes.get("operator"), &["In", "NotIn"], say);
    let values = codes.get("values");
    if values.node.items().len() > 255 {
        say(&values, "at most 255 exit codes are allowed".to_owned());
    }
}
