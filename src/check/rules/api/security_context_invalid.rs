//! Rule `security-context-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{At, Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecurityContextInvalid,
    doc: Doc {
        checks: "\
User and group IDs must be between 0 and 2147483647. `allowPrivilegeEscalation: false` must not be
combined with `privileged: true` or the capability `CAP_SYS_ADMIN`. A seccomp or AppArmor profile
must have a type; `localhostProfile` is required for the type `Localhost` and not allowed for
others. `procMount: Unmasked` requires `hostUsers: false`.",
        why: "\
The API server rejects the object, for instance with \"must be between 0 and 2147483647, inclusive\"
or \"cannot set `allowPrivilegeEscalation` to false and `privileged` to true\".",
        fix: "Remove one of the two settings, or set the missing field.",
        source: "`ValidateSecurityContext` and `validatePodSpecSecurityContext` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", securityContext: {privileged: true, allowPrivilegeEscalation: false}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", securityContext: {privileged: true, allowPrivilegeEscalation: false}}]
+  containers: [{name: web, image: "web:1", securityContext: {privileged: false, allowPrivilegeEscalation: false}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    if pod.spec.security_context.is_set() {
        pod_context(&spec.on("securityContext", pod.spec.security_context), faults);
    }
    for container in &pod.containers {
        if container.fields.security_context.is_set() {
            let parent = container.at();
            container_context(pod, &parent.on("securityContext", container.fields.security_context), faults);
        }
    }
}

fn pod_context(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    for entry in at.node.entries() {
        if entry.value.is_null() {
            continue;
        }
        match entry.key.as_str() {
            "fsGroup" => id(&at.on("fsGroup", &entry.value), faults),
            "runAsUser" => id(&at.on("runAsUser", &entry.value), faults),
            "runAsGroup" => id(&at.on("runAsGroup", &entry.value), faults),
            "supplementalGroups" => {
                at.on("supplementalGroups", &entry.value).items().for_each(|group| id(&group, faults));
            }
            "fsGroupChangePolicy" => {
                enums::choice(&at.on("fsGroupChangePolicy", &entry.value), &["OnRootMismatch", "Always"], faults);
            }
            "supplementalGroupsPolicy" => {
                enums::choice(&at.on("supplementalGroupsPolicy", &entry.value), &["Merge", "Strict"], faults);
            }
            "seLinuxChangePolicy" => {
                enums::choice(&at.on("seLinuxChangePolicy", &entry.value), &["MountOption", "Recursive"], faults);
            }
            "seccompProfile" => seccomp(&at.on("seccompProfile", &entry.value), faults),
            "appArmorProfile" => app_armor(&at.on("appArmorProfile", &entry.value), faults),
            _ => {}
        }
    }
}

fn container_context<'n>(pod: &Pod<'n>, at: &At<'n, '_>, faults: &mut Faults<'_, '_>) {
    for entry in at.node.entries() {
        if entry.value.is_null() {
            continue;
        }
        match entry.key.as_str() {
            "runAsUser" => id(&at.on("runAsUser", &entry.value), faults),
            "runAsGroup" => id(&at.on("runAsGroup", &entry.value), faults),
            "procMount" => {
                let field = at.on("procMount", &entry.value);
                enums::choice(&field, &["Default", "Unmasked"], faults);
                if field.text() == "Unmasked" && pod.spec.host_users.as_bool() != Some(false) {
                    faults.add(&field, "`Unmasked` requires `hostUsers: false`");
                }
            }
            "seccompProfile" => seccomp(&at.on("seccompProfile", &entry.value), faults),
            "appArmorProfile" => app_armor(&at.on("appArmorProfile", &entry.value), faults),
            "allowPrivilegeEscalation" if entry.value.as_bool() == Some(false) => {
                if at.node["privileged"].as_bool() == Some(true) {
                    faults.breaks(at, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
                }
                let added = at.node.at(&["capabilities", "add"]).items();
                if added.iter().any(|capability| capability.text() == "CAP_SYS_ADMIN") {
                    faults.breaks(
                        at,
                        "cannot set `allowPrivilegeEscalation` to false and add the capability `CAP_SYS_ADMIN`",
                    );
                }
            }
            _ => {}
        }
    }
}

fn id(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    if let Some(number) = at.number()
        && let Err(form) = names::id_number(number)
    {
        faults.add(at, format!("the ID {number} {form}"));
    }
}

const PROFILES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];

fn seccomp(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (kind, profile) = (at.get("type"), at.get("localhostProfile"));
    enums::choice(&kind, PROFILES, faults);
    match (kind.text() == "Localhost", profile.is_set()) {
        (true, false) => _ = faults.add(&profile, "`localhostProfile` is required for the type `Localhost`"),
        (false, true) => _ = faults.add(&profile, "`localhostProfile` is only allowed for the type `Localhost`"),
        (true, true) => {
            faults.check(&profile, names::descending_path(profile.text()));
        }
        (false, false) => {}
    }
}

fn app_armor(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (kind, profile) = (at.get("type"), at.get("localhostProfile"));
    enums::choice(&kind, PROFILES, faults);
    match (kind.text(), profile.is_set()) {
        ("Localhost", false) => _ = faults.add(&profile, "`localhostProfile` is required for the type `Localhost`"),
        ("Localhost", true) => {
            let text = profile.text();
            if text.trim() != text {
                faults.breaks(&profile, "must not be padded with whitespace");
            } else if text.is_empty() {
                faults.add(&profile, "`localhostProfile` is required for the type `Localhost`");
            }
            if text.len() > 4095 {
                faults.breaks(&profile, "must be no more than 4095 characters");
            }
        }
        ("RuntimeDefault" | "Unconfined", true) => {
            _ = faults.add(&profile, "`localhostProfile` is only allowed for the type `Localhost`")
        }
        _ => {}
    }
}
