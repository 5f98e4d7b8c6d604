//! Rule `role-ref-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RoleRefInvalid,
    doc: Doc {
        checks: "\
`roleRef` must name a `Role` or `ClusterRole` of the group `rbac.authorization.k8s.io`, in a
ClusterRoleBinding only a `ClusterRole`. A subject must be a `User` or `Group` of that group, or a
`ServiceAccount` without a group; in a ClusterRoleBinding a `ServiceAccount` must have a namespace.",
        why: "The API server rejects the object, for instance with \"Unsupported value\" at `roleRef.kind`.",
        fix: "Correct the kind, and set the namespace of the ServiceAccount.",
        source: "\
`ValidateRoleBinding`, `ValidateClusterRoleBinding` and `ValidateRoleBindingSubject` in
`pkg/apis/rbac/validation`.",
    },
    bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: web}]
",
    good: "\
-subjects: [{kind: ServiceAccount, name: web}]
+subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
    check: Check::Object(check),
};

const GROUP: &str = "rbac.authorization.k8s.io";

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != GROUP || !matches!(object.kind(), "RoleBinding" | "ClusterRoleBinding") {
        return;
    }
    let namespaced = object.kind() == "RoleBinding";
    let root = At::root("", &object.node);
    let role = root.get("roleRef");
    let (group, kind, name) = (role.get("apiGroup"), role.get("kind"), role.get("name"));
    if !group.text().is_empty() {
        faults.one_of(&group, &[GROUP]);
    }
    faults.one_of(&kind, if namespaced { &["ClusterRole", "Role"] } else { &["ClusterRole"] });
    if name.text().is_empty() {
        faults.required(&name);
    } else {
        faults.check(&name, names::path_segment(name.text()));
    }
    let subjects = root.get("subjects");
    for subject in subjects.items() {
        check_subject(faults, &subject, namespaced);
    }
}

fn check_subject(faults: &mut Faults<'_, '_>, subject: &At<'_, '_>, namespaced: bool) {
    let (kind, name, group) = (subject.get("kind"), subject.get("name"), subject.get("apiGroup"));
    let space = subject.get("namespace");
    if name.text().is_empty() {
        faults.required(&name);
    }
    match kind.text() {
        "ServiceAccount" => {
            if !name.text().is_empty() {
                faults.check(&name, names::dns1123_subdomain(name.text()));
            }
            if !group.text().is_empty() {
                faults.invalid(&group, "must be empty for a ServiceAccount");
            }
            if !namespaced && space.text().is_empty() {
                faults.required(&space).help("set the namespace of the ServiceAccount");
            }
        }
        "User" | "Group" => {
            if !group.text().is_empty() {
                faults.one_of(&group, &[GROUP]);
            }
        }
        _ => faults.one_of(&kind, &["Group", "ServiceAccount", "User"]),
    }
}
