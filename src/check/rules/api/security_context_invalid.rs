//! Rule `security-context-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Pod, Report, enums, names, selector::Say};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecurityContextInvalid,
    doc: "\
User and group ids are between 0 and 2147483647. `allowPrivilegeEscalation: false` excludes `privileged: true` and
the capability CAP_SYS_ADMIN. A seccomp or AppArmor profile has a type; only Localhost has, and needs, a
`localhostProfile`. `procMount: Unmasked` needs `hostUsers: false`.

Source: `ValidateSecurityContext`, `validatePodSpecSecurityContext`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", securityContext: {privileged: true, allowPrivilegeEscalation: false}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", securityContext: {privileged: false, allowPrivilegeEscalation: false}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    let spec = pod.at();
    let say = &mut pod.sayer(report);
    if pod.spec.security_context.is_set() {
        pod_context(&spec.on("securityContext", pod.spec.security_context), say);
    }
    for container in &pod.containers {
        if container.fields.security_context.is_set() {
            let parent = container.at();
            container_context(pod, &parent.on("securityContext", container.fields.security_context), say);
        }
    }
}

fn pod_context<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    for entry in at.node.entries() {
        if entry.value.is_null() {
            continue;
        }
        match entry.key.as_str() {
            "fsGroup" => id(&at.on("fsGroup", &entry.value), say),
            "runAsUser" => id(&at.on("runAsUser", &entry.value), say),
            "runAsGroup" => id(&at.on("runAsGroup", &entry.value), say),
            "supplementalGroups" => {
                at.on("supplementalGroups", &entry.value).items().for_each(|group| id(&group, say));
            }
            "fsGroupChangePolicy" => {
                enums::choice(&at.on("fsGroupChangePolicy", &entry.value), &["OnRootMismatch", "Always"], say);
            }
            "supplementalGroupsPolicy" => {
                enums::choice(&at.on("supplementalGroupsPolicy", &entry.value), &["Merge", "Strict"], say);
            }
            "seLinuxChangePolicy" => {
                enums::choice(&at.on("seLinuxChangePolicy", &entry.value), &["MountOption", "Recursive"], say);
            }
            "seccompProfile" => seccomp(&at.on("seccompProfile", &entry.value), say),
            "appArmorProfile" => app_armor(&at.on("appArmorProfile", &entry.value), say),
            _ => {}
        }
    }
}

fn container_context<'n>(pod: &Pod<'n>, at: &At<'n, '_>, say: Say<'_, 'n>) {
    for entry in at.node.entries() {
        if entry.value.is_null() {
            continue;
        }
        match entry.key.as_str() {
            "runAsUser" => id(&at.on("runAsUser", &entry.value), say),
            "runAsGroup" => id(&at.on("runAsGroup", &entry.value), say),
            "procMount" => {
                let place = at.on("procMount", &entry.value);
                enums::choice(&place, &["Default", "Unmasked"], say);
                if place.text() == "Unmasked" && pod.spec.host_users.as_bool() != Some(false) {
                    say(&place, "`Unmasked` needs the pod's `hostUsers: false`".to_owned());
                }
            }
            "seccompProfile" => seccomp(&at.on("seccompProfile", &entry.value), say),
            "appArmorProfile" => app_armor(&at.on("appArmorProfile", &entry.value), say),
            "allowPrivilegeEscalation" if entry.value.as_bool() == Some(false) => {
                if at.node["privileged"].as_bool() == Some(true) {
                    say(at, "a privileged container cannot have `allowPrivilegeEscalation: false`".to_owned());
                }
                let added = at.node.at(&["capabilities", "add"]).items();
                if added.iter().any(|capability| capability.text() == "CAP_SYS_ADMIN") {
                    say(at, "CAP_SYS_ADMIN cannot stand beside `allowPrivilegeEscalation: false`".to_owned());
                }
            }
            _ => {}
        }
    }
}

fn id<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    if let Some(number) = at.number()
        && let Err(form) = names::id_number(number)
    {
        say(at, format!("the id {number} {form}"));
    }
}

const PROFILES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];

fn seccomp<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (kind, profile) = (at.get("type"), at.get("localhostProfile"));
    enums::choice(&kind, PROFILES, say);
    match (kind.text() == "Localhost", profile.is_set()) {
        (true, false) => say(&profile, "the type Localhost needs a profile".to_owned()),
        (false, true) => say(&profile, "only the type Localhost has a profile".to_owned()),
        (true, true) => {
            if let Err(form) = names::descending_path(profile.text()) {
                say(&profile, format!("the path {form}"));
            }
        }
        (false, false) => {}
    }
}

fn app_armor<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (kind, profile) = (at.get("type"), at.get("localhostProfile"));
    enums::choice(&kind, PROFILES, say);
    match (kind.text(), profile.is_set()) {
        ("Localhost", false) => say(&profile, "the type Localhost needs a profile".to_owned()),
        ("Localhost", true) => {
            let text = profile.text();
            if text.trim() != text {
                say(&profile, "must not begin or end with a blank".to_owned());
            } else if text.is_empty() {
                say(&profile, "the type Localhost needs a profile".to_owned());
            }
            if text.len() > 4095 {
                say(&profile, "must be no more than 4095 bytes".to_owned());
            }
        }
        ("RuntimeDefault" | "Unconfined", true) => say(&profile, "only the type Localhost has a profile".to_owned()),
        _ => {}
    }
}
