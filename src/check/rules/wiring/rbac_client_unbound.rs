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
Checks that a role among the manifests allows the ServiceAccount of a client the access that a known
service requires of its callers. The finding is a warning, and an error if the manifests are
complete (`--complete`, `--profile`, `render`). It is reported if the manifests contain the role for
clients, or the config of the client has the form of releases whose services authorize. Nothing is
reported for an account that is not among the manifests, if they contain no roles or bindings and
are not complete. The account `default` is checked by `serviceaccount-default-for-client`.",
        why: "\
The service asks the API server whether the ServiceAccount of a caller may do something
(SubjectAccessReview), and rejects the caller with 403 if it may not.",
        fix: "Bind the ServiceAccount with a RoleBinding to the ClusterRole for clients that the help names.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/reference/access-authn-authz/rbac/.",
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
        let exists = graph.find("ServiceAccount", pod.namespace(), name).is_some();
        let manages_roles = graph.objects.iter().any(|object| {
            matches!(kind_of(object), Some("Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"))
        });
        // `serviceaccount-default-for-client` checks `default`. An account that is applied from elsewhere may be bound there as
        // well.
        if name == "default" || !(exists || manages_roles || bundle.options.complete) {
            continue;
        }
        let grants = bindings.grants(graph, pod);
        let is_allowed = grants
            .roles
            .iter()
            .any(|role| authorization.verbs.iter().any(|verb| allows(role, authorization.request(verb))));
        // A role that is not among the manifests may allow the access.
        if is_allowed || grants.absent.contains(&authorization.cluster_role.as_str()) {
            continue;
        }
        let node = &pod.spec["serviceAccountName"];
        let message = format!(
            "ServiceAccount `{name}` of {} is not bound to a role that {} requires of its clients",
            client.view.service.name, client.server
        );
        report.at(pod.object, node, message).severity(bundle.absent()).help(format!(
            "add a RoleBinding to the ClusterRole `{}`, which allows {} on {} `{}`",
            authorization.cluster_role,
            authorization.verbs.join(", "),
            authorization.resource,
            authorization.resource_name,
        ));
    }
}
