//! Rule `resources-fractional`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::kube::quantity::Quantity;
use crate::validation::{At, Pod, Report};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResourcesFractional,
    doc: "\
`memory: 100m` asks for a tenth of a byte: `M` or `Mi` was meant. The server takes it with a warning.

Source: `warningsForPodSpecAndMeta`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {limits: {memory: 128m}}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {limits: {memory: 128M}}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in &pod.containers {
        if container.fields.resources.is_null() {
            continue;
        }
        let parent = container.at();
        let at = parent.on("resources", container.fields.resources);
        for list in [at.get("limits"), at.get("requests")] {
            fractional(pod, &list, report);
        }
    }
    let spec = pod.at();
    fractional(pod, &spec.on("overhead", pod.spec.overhead), report);
}

fn fractional(pod: &Pod<'_>, list: &At<'_, '_>, report: &mut Report<'_>) {
    for (key, amount) in list.keys() {
        if matches!(key, "memory" | "ephemeral-storage")
            && Quantity::of(amount.node).is_some_and(|amount| !amount.is_whole())
        {
            let draft = pod.say(report, &amount, format!("`{key}` is not a whole number of bytes"));
            draft.help("`m` is thousandths; write `M` or `Mi` for megabytes");
        }
    }
}
