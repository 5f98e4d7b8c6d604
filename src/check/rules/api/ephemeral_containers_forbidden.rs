//! Rule `ephemeral-containers-forbidden`.

use foldhash::HashSet;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::pod::{Container, List};
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EphemeralContainersForbidden,
    doc: Doc {
        checks: "A manifest must not have `ephemeralContainers`, neither in a Pod nor in a pod template.",
        why: "\
Ephemeral containers can only be added to a running pod, through its `ephemeralcontainers`
subresource. The API server rejects the object with \"cannot be set on create\" or \"ephemeral
containers not allowed in pod template\".",
        fix: "Remove them, and add one to a running pod with `kubectl debug`.",
        source: "`ValidatePodCreate` and `ValidatePodTemplateSpec` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  ephemeralContainers: [{name: debug, image: "busybox:1"}]
"#,
    good: r#"-  ephemeralContainers: [{name: debug, image: "busybox:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.ephemeral_containers.items().is_empty() {
        return;
    }
    let spec = pod.at();
    let at = spec.on("ephemeralContainers", pod.spec.ephemeral_containers);
    faults
        .add(&at, "ephemeral containers are not allowed in a manifest")
        .help("add one to a running pod with `kubectl debug`");
    let others = pod.containers.iter().filter(|container| container.list != List::Ephemeral);
    let others: HashSet<&str> = others.map(Container::name).collect();
    for container in pod.containers.iter().filter(|container| container.list == List::Ephemeral) {
        let (parent, fields) = (container.at(), &container.fields);
        for (field, node) in [
            ("lifecycle", fields.lifecycle),
            ("livenessProbe", fields.liveness_probe),
            ("readinessProbe", fields.readiness_probe),
            ("startupProbe", fields.startup_probe),
            ("ports", fields.ports),
            ("resources", fields.resources),
            ("resizePolicy", fields.resize_policy),
            ("restartPolicy", fields.restart_policy),
        ] {
            if !is_empty(node) {
                faults.add(&parent.on(field, node), format!("`{field}` cannot be set for an ephemeral container"));
            }
        }
        let target = parent.on("targetContainerName", fields.target_container_name);
        if !target.text().is_empty() && !others.contains(target.text()) {
            faults.add(&target, format!("container `{}` not found", target.text()));
        }
    }
}

/// Whether the API server treats the value as not set, as it does for an empty list or mapping.
fn is_empty(node: &Node) -> bool {
    node.is_null() || (node.as_str().is_none() && node.items().is_empty() && node.entries().is_empty())
}
