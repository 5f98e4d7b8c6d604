//! Rule `rbac-roleref-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::references::Relation;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacRolerefMissing,
    doc: Doc {
        checks: "\
Checks that the role of a RoleBinding or ClusterRoleBinding is among the manifests. The finding is a
warning, since the role may be applied from elsewhere, and an error if the manifests are complete
(`--complete`, `--profile`, `render`). The roles that every cluster has are not reported:
`cluster-admin`, `admin`, `edit`, `view`, `system:*`, and
`extension-apiserver-authentication-reader` in `kube-system`.",
        why: "\
The API server accepts the binding, which grants nothing until the role exists. `roleRef` cannot be
changed afterwards.",
        fix: "Correct `roleRef`, or add the role. A Role can be bound only in its own namespace.",
        source: "\
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding.",
    },
    bad: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: data-storage-client}
rules: [{apiGroups: [""], resources: [services], resourceNames: [data-storage-service], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gateway-data-storage}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: datastorage-client}
subjects: [{kind: ServiceAccount, name: default, namespace: gateway}]
"#,
    good: "\
-roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: datastorage-client}
+roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: data-storage-client}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for reference in
        graph.references.iter().filter(|reference| reference.relation == Relation::Role && reference.found.is_none())
    {
        let (kind, name) = (reference.kind, reference.name);
        let is_built_in = match kind {
            "ClusterRole" => matches!(name, "cluster-admin" | "admin" | "edit" | "view"),
            // Every cluster has this role for extension API servers such as metrics-server.
            _ => name == "extension-apiserver-authentication-reader" && reference.namespace == "kube-system",
        };
        if is_built_in || name.starts_with("system:") {
            continue;
        }
        let is_bound = |role: &str| {
            graph.references.iter().any(|other| {
                other.relation == Relation::Role && other.found.is_some() && other.name == role && other.kind == kind
            })
        };
        let near = graph.nearest_name(kind, reference.namespace, name).filter(|near| !is_bound(near));
        let other = if kind == "Role" { "ClusterRole" } else { "Role" };
        let other_kind = graph.find(other, reference.namespace, name);
        let draft = report
            .at(reference.from, reference.node, format!("{kind} `{name}` not found: the binding grants nothing"))
            .severity(bundle.absent());
        match (near, other_kind, graph.in_any_namespace(kind, name).next()) {
            (_, Some(object), _) => {
                draft.related(object.span(), format!("the {other} with this name")).help(format!("use `kind: {other}`"))
            }
            (Some(near), None, _) => draft.help(format!("did you mean `{near}`?")),
            (None, None, Some(object)) => draft
                .related(object.span(), "the Role with this name in another namespace")
                .help("use a Role in the namespace of the binding"),
            (None, None, None) => draft.help(format!("add the {kind}, or make sure that it exists in the cluster")),
        };
    }
}
