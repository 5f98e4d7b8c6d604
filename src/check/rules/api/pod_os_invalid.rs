//! Rule `pod-os-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodOsInvalid,
    doc: Doc {
        checks: "\
`os.name` must be `linux` or `windows`. A Linux pod must not have `windowsOptions`. A Windows pod
must not have the Linux fields of security contexts, `hostUsers`, `hostPID`, `hostIPC`,
`shareProcessNamespace` or pod-level resources. Nothing is reported for a pod without `os`.",
        why: "\
The API server rejects the object with \"windows options cannot be set for a linux pod\" or \"cannot be
set for a windows pod\".",
        fix: "Remove the field, or correct `os.name`.",
        source: "`validateOS`, `validateLinux` and `validateWindows` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  os: {name: windows}
  hostPID: true
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  hostPID: true\n",
    check: Check::Pod(check),
};

/// The fields of the pod's security context that are not allowed in a Windows pod.
const POD_FIELDS: &[&str] = &[
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
];

/// The same for the security context of a container.
const CONTAINER_FIELDS: &[&str] = &[
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.os.is_null() {
        return;
    }
    let at = pod.at();
    let os = at.on("os", pod.spec.os);
    let context = at.on("securityContext", pod.spec.security_context);
    match os.get("name").text() {
        "" => {
            faults.add(&os.get("name"), "`name` is required");
        }
        "linux" => forbid(
            pod,
            faults,
            &context,
            (&["windowsOptions"], &["windowsOptions"]),
            "`windowsOptions` cannot be set for a Linux pod",
        ),
        "windows" => {
            let spec = &pod.spec;
            for (field, node) in [
                ("hostUsers", spec.host_users),
                ("shareProcessNamespace", spec.share_process_namespace),
                ("resources", spec.resources),
            ] {
                if node.is_set() {
                    faults.add(&at.on(field, node), WINDOWS);
                }
            }
            for (field, node) in [("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)] {
                if node.as_bool() == Some(true) {
                    faults.add(&at.on(field, node), WINDOWS);
                }
            }
            forbid(pod, faults, &context, (POD_FIELDS, CONTAINER_FIELDS), WINDOWS);
        }
        _ => {
            // The API server reports this at the parent.
            faults.breaks(&os.same(os.get("name").node), "must be `linux` or `windows`");
        }
    }
}

const WINDOWS: &str = "cannot be set for a Windows pod";

/// Reports fields that must not be set in the security context of the pod and in those of its containers.
fn forbid(
    pod: &Pod<'_>,
    faults: &mut Faults<'_, '_>,
    context: &At<'_, '_>,
    fields: (&[&'static str], &[&'static str]),
    why: &str,
) {
    for field in fields.0 {
        let at = context.get(field);
        // An empty list counts as not set, except `supplementalGroups`.
        let empty = *field == "sysctls" && at.node.items().is_empty();
        if at.is_set() && !empty {
            faults.add(&at, why);
        }
    }
    for container in &pod.containers {
        let parent = container.at();
        let context = parent.on("securityContext", container.fields.security_context);
        for field in fields.1 {
            let at = context.get(field);
            if at.is_set() {
                faults.add(&at, why);
            }
        }
    }
}
