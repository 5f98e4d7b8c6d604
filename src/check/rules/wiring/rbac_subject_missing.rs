//! Rule `rbac-subject-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::references::Relation;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacSubjectMissing,
    doc: Doc {
        checks: "\
Checks that the ServiceAccounts of a RoleBinding or ClusterRoleBinding are among the manifests. The
finding is a warning, since the account may be applied from elsewhere, and an error if the manifests
are complete (`--complete`, `--profile`, `render`). It is a note if nothing among the manifests is
in the namespace of the account and no account has its name or a similar one. `default` is not
reported.",
        why: "\
The API server accepts the binding, which grants nothing. The name or the namespace of the account
is wrong, or the account is applied from elsewhere.",
        fix: "Correct the name or `namespace` of the subject, or add the ServiceAccount.",
        source: "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects.",
    },
    bad: r#"apiVersion: v1
kind: ServiceAccount
metadata: {name: gateway-sa, namespace: gateway}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gateway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: gateway, namespace: gateway}]
"#,
    good: "\
-subjects: [{kind: ServiceAccount, name: gateway, namespace: gateway}]
+subjects: [{kind: ServiceAccount, name: gateway-sa, namespace: gateway}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for reference in
        graph.references.iter().filter(|reference| reference.relation == Relation::Subject && reference.found.is_none())
    {
        let (name, namespace) = (reference.name, reference.namespace);
        if name == "default" {
            continue;
        }
        let is_bound = |account: &str| {
            graph.references.iter().any(|other| {
                other.relation == Relation::Subject
                    && other.found.is_some()
                    && other.name == account
                    && other.from.node["roleRef"] == reference.from.node["roleRef"]
            })
        };
        let near = graph.nearest_name("ServiceAccount", namespace, name).filter(|near| !is_bound(near));
        let elsewhere = graph.in_any_namespace("ServiceAccount", name).find(|object| !object.namespace().is_empty());
        let is_foreign = !namespace.is_empty() && !graph.namespaces.contains(namespace);
        // A namespace that only subjects refer to does not count.
        let severity =
            if is_foreign && elsewhere.is_none() && near.is_none() { Severity::Note } else { bundle.absent() };
        let scope = if namespace.is_empty() { String::new() } else { format!(" in namespace `{namespace}`") };
        let draft = report
            .at(
                reference.from,
                reference.node,
                format!("ServiceAccount `{name}` not found{scope}: the binding grants nothing"),
            )
            .severity(severity);
        match (near, elsewhere) {
            (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
            (None, Some(object)) => draft
                .related(
                    object.span(),
                    format!("the ServiceAccount with this name in namespace `{}`", object.namespace()),
                )
                .help(format!("did you mean `namespace: {}`?", object.namespace())),
            (None, None) => draft.help("add the ServiceAccount, or make sure that it exists in the cluster"),
        };
    }
}
