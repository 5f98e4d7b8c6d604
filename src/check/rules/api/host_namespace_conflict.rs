//! Rule `host-namespace-conflict`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostNamespaceConflict,
    doc: Doc {
        checks: "\
`shareProcessNamespace: true` must not be combined with `hostPID: true`. A pod with `hostUsers:
false` must not set `hostNetwork`, `hostPID` or `hostIPC`, and its containers must not have
`volumeDevices`.",
        why: "\
The API server rejects the object, for instance with \"ShareProcessNamespace and HostPID cannot both
be enabled\" or \"when `pod.Spec.HostUsers` is false\".",
        fix: "Remove one of the two settings.",
        source: "`validatePodSpecSecurityContext` and `validateHostUsers` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
  shareProcessNamespace: true
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  shareProcessNamespace: true\n+  shareProcessNamespace: false\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let (at, spec) = (pod.at(), &pod.spec);
    let is_true = |node: &Node| node.as_bool() == Some(true);
    if is_true(spec.share_process_namespace) && is_true(spec.host_pid) {
        // The API server reports these fields below the security context.
        let context = at.on("securityContext", spec.share_process_namespace);
        let field = context.on("shareProcessNamespace", spec.share_process_namespace);
        faults.add(&field, "`shareProcessNamespace` and `hostPID` cannot both be enabled");
    }
    if spec.host_users.as_bool() == Some(false) {
        for (field, node) in
            [("hostNetwork", spec.host_network), ("HostPID", spec.host_pid), ("HostIPC", spec.host_ipc)]
        {
            if is_true(node) {
                faults.add(&at.on(field, node), "must not be set to true when `hostUsers` is false");
            }
        }
        for container in &pod.containers {
            let parent = container.at();
            let devices = parent.on("volumeDevices", container.fields.volume_devices);
            if !devices.node.items().is_empty() {
                faults.breaks(&devices, "must not be set when `hostUsers` is false");
            }
        }
    }
}
