//! Rule `rbac-client-unbound`.

use crate::check::rules::wiring::_rbac::{Bindings, account, allows, authorized_clients};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::kind_of;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacClientUnbound,
    doc: Doc {
        checks: "\
A known service asks the API server whether the ServiceAccount of a caller may do something (a
SubjectAccessReview), and rejects the caller with 403 if not. The rule reports a client whose
ServiceAccount no role among the manifests allows that. Bind the account to the ClusterRole for
clients. It is reported where the manifests hold that ClusterRole, or the ServiceAccount and its
config in a form of releases that authorize. Sources: the service's description (docs/services.md),
https://kubernetes.io/docs/reference/access-authn-authz/rbac/.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: notification-config, namespace: kubernaut-system}
data:
  config.yaml: |
    controller: {metricsAddr: ":9090", healthProbeAddr: ":8081"}
    delivery: {console: {enabled: true}}
    datastorage: {url: "http://data-storage-service:8080"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: notification-controller, namespace: kubernaut-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notification-controller, namespace: kubernaut-system}
spec:
  selector: {matchLabels: {app: notification}}
  template:
    metadata: {labels: {app: notification}}
    spec:
      serviceAccountName: notification-controller
      containers:
      - name: notification
        image: quay.io/acme/kubernaut-notification:v1
        args: ["--config=/etc/notification/config.yaml"]
        volumeMounts: [{name: config, mountPath: /etc/notification}]
      volumes: [{name: config, configMap: {name: notification-config}}]
"#,
    good: r#" kind: ServiceAccount
 metadata: {name: notification-controller, namespace: kubernaut-system}
 ---
+apiVersion: rbac.authorization.k8s.io/v1
+kind: RoleBinding
+metadata: {name: notification-data-storage-client, namespace: kubernaut-system}
+roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: data-storage-client}
+subjects: [{kind: ServiceAccount, name: notification-controller, namespace: kubernaut-system}]
+---
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let clients = authorized_clients(bundle);
    if clients.is_empty() {
        return;
    }
    let graph = bundle.graph();
    let bindings = Bindings::of(graph);
    for client in &clients {
        let (pod, authorization) = (client.view.pod, client.authorization);
        let name = account(pod);
        let is_here = graph.find("ServiceAccount", pod.namespace(), name).is_some();
        let manages_roles = graph.objects.iter().any(|object| {
            matches!(kind_of(object), Some("Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"))
        });
        // The default account is another rule's. Of an account that is made elsewhere, the bindings are there too.
        if name == "default" || !(is_here || manages_roles || bundle.options.whole) {
            continue;
        }
        let grants = bindings.grants(graph, pod);
        let may = grants
            .roles
            .iter()
            .any(|role| authorization.verbs.iter().any(|verb| allows(role, authorization.request(verb))));
        // A role that is not here may be the one.
        if may || grants.absent.contains(&authorization.cluster_role.as_str()) {
            continue;
        }
        let node = &pod.spec["serviceAccountName"];
        let message = format!(
            "ServiceAccount `{name}` of {} is bound to no role here that {} asks its clients for",
            client.view.service.name, client.server
        );
        report.at(pod.object, node, message).severity(bundle.absent()).help(format!(
            "add a RoleBinding of it to the ClusterRole `{}`, which allows {} on {} `{}`",
            authorization.cluster_role,
            authorization.verbs.join(", "),
            authorization.resource,
            authorization.resource_name,
        ));
    }
}
