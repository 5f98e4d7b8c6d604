//! Rule `resize-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums, pod::List};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResizePolicyInvalid,
    doc: Doc {
        checks: "\
An entry of `resizePolicy` must have the `resourceName` `cpu` or `memory`, each at most once, and
the `restartPolicy` `NotRequired` or `RestartContainer`. In a pod with `restartPolicy: Never` only
`NotRequired` is allowed; an init container that is not a sidecar must not have `RestartContainer`.",
        why: "\
The API server rejects the object, for instance with \"must be 'NotRequired' when `restartPolicy` is
'Never'\".",
        fix: "Use `NotRequired`, or remove the entry.",
        source: "`validateResizePolicy` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resizePolicy: [{resourceName: disk, restartPolicy: NotRequired}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", resizePolicy: [{resourceName: disk, restartPolicy: NotRequired}]}]
+  containers: [{name: web, image: "web:1", resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("resizePolicy", container.fields.resize_policy);
        let repeated = list.repeats("resourceName");
        for (index, policy) in list.items().enumerate() {
            let (resource, restart) = (policy.get("resourceName"), policy.get("restartPolicy"));
            if repeated[index] {
                faults.add(&policy, format!("duplicate resize policy for `{}`", resource.text()));
            }
            // The API server reports these at the list.
            enums::choice(&list.same(resource.node), &["cpu", "memory"], faults);
            enums::choice(&list.same(restart.node), &["NotRequired", "RestartContainer"], faults);
            if container.list == List::Init && !container.is_sidecar() && restart.text() == "RestartContainer" {
                faults.breaks(&restart, "must be `NotRequired` for an init container");
            }
            if pod.restart_policy() == "Never" && restart.text() != "NotRequired" {
                faults.breaks(&list.same(restart.node), "must be `NotRequired` if `restartPolicy` is `Never`");
            }
        }
    }
}
