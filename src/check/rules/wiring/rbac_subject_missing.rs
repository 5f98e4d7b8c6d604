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
A binding to an account that does not exist is accepted and grants nothing: the account's name or
namespace is wrong, or it is applied elsewhere. It is an error where the manifests are whole
(`--complete`, `--profile`, `render`), and a note where nothing of the account's namespace is among
them and no account has its name.",
        why: "",
        fix: "",
        source: "",
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
        let bound = |account: &str| {
            graph.references.iter().any(|other| {
                other.relation == Relation::Subject
                    && other.found.is_some()
                    && other.name == account
                    && other.from.node["roleRef"] == reference.from.node["roleRef"]
            })
        };
        let near = graph.near("ServiceAccount", namespace, name).filter(|near| !bound(near));
        let elsewhere = graph.elsewhere("ServiceAccount", name).find(|object| !object.namespace().is_empty());
        let foreign = !namespace.is_empty() && !graph.namespaces.contains(namespace);
        // The subject itself may be all that names this namespace: pods and accounts tell more.
        let severity = if foreign && elsewhere.is_none() && near.is_none() { Severity::Note } else { bundle.absent() };
        let place = if namespace.is_empty() { String::new() } else { format!(" in `{namespace}`") };
        let draft = report
            .at(
                reference.from,
                reference.node,
                format!("no ServiceAccount `{name}` here{place}; the binding grants it nothing"),
            )
            .severity(severity);
        match (near, elsewhere) {
            (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
            (None, Some(object)) => draft
                .related(object.span(), format!("one of this name is in `{}`", object.namespace()))
                .help(format!("is `namespace: {}` meant?", object.namespace())),
            (None, None) => draft.help("add the account, or make sure that it is there"),
        };
    }
}
