//! Rule `serviceaccount-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::is_declared_object;
use crate::references::Relation;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceaccountMissing,
    doc: Doc {
        checks: "\
Checks that the ServiceAccount of a pod is among the manifests, in the namespace of the pod. The
finding is a warning, since the account may be applied from elsewhere, and an error if the manifests
are complete (`--complete`, `--profile`, `render`). `default`, accounts that the controller of a
custom resource creates, and declared externals are not reported.",
        why: "\
The workload is accepted, but its pods are not created until the ServiceAccount exists. Only the
event `FailedCreate` of the ReplicaSet, StatefulSet or Job shows the cause:
`error looking up service account …: serviceaccount \"…\" not found`.",
        fix: "\
Add the ServiceAccount, or correct its name. A pod can use only a ServiceAccount of its own
namespace.",
        source: "\
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller.",
    },
    bad: r#"apiVersion: v1
kind: ServiceAccount
metadata: {name: data-storage-sa}
---
apiVersion: v1
kind: Pod
metadata: {name: datastorage}
spec:
  serviceAccountName: datastorage-sa
  containers: [{name: app, image: "ghcr.io/acme/app:v1"}]
"#,
    good: "-  serviceAccountName: datastorage-sa\n+  serviceAccountName: data-storage-sa\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for reference in
        graph.references.iter().filter(|reference| reference.relation == Relation::Account && reference.found.is_none())
    {
        let name = reference.name;
        if name == "default"
            || graph.created.has("ServiceAccount", reference.namespace, name)
            || graph.created.may_have("ServiceAccount", reference.namespace, name)
            || is_declared_object(&bundle.options.externals, "ServiceAccount", name)
        {
            continue;
        }
        let near = graph.nearest_name("ServiceAccount", reference.namespace, name).filter(|near| {
            graph.find("ServiceAccount", reference.namespace, near).is_some_and(|object| {
                !graph.references.iter().any(|other| {
                    other.relation == Relation::Account && other.found.is_some_and(|found| std::ptr::eq(found, object))
                })
            })
        });
        let elsewhere = graph.in_any_namespace("ServiceAccount", name).next();
        let draft = report
            .at(
                reference.from,
                reference.node,
                format!("ServiceAccount `{name}` not found: the pods will not be created"),
            )
            .severity(bundle.absent());
        match (near, elsewhere) {
            (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
            (None, Some(object)) => draft
                .related(object.span(), "the ServiceAccount with this name in another namespace")
                .help("use a ServiceAccount in the namespace of the pod"),
            (None, None) => draft.help("add the ServiceAccount, or make sure that it exists in the cluster"),
        };
    }
}
