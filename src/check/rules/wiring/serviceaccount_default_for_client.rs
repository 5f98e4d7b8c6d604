//! Rule `serviceaccount-default-for-client`.

use crate::check::rules::wiring::_rbac::{Bindings, account, allows, authorized_clients};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceaccountDefaultForClient,
    doc: Doc {
        checks: "\
Checks the ServiceAccount of clients of a known service that authenticates and authorizes its
callers. It reports a client that runs as `default`, if no role among the manifests allows `default`
the access that the service requires, and a client with `automountServiceAccountToken: false` and no
projected `serviceAccountToken` volume. The finding is a warning, and an error if the manifests are
complete (`--complete`, `--profile`, `render`). The first is not reported if `default` is bound to a
role that is not among the manifests.",
        why: "\
The service authenticates a caller by the token of its ServiceAccount and asks the API server
whether it may call (SubjectAccessReview). A client without a token gets 401, one whose account is
not bound to the role gets 403.",
        fix: "\
Set `serviceAccountName` to a ServiceAccount that is bound to the role for clients. Remove
`automountServiceAccountToken: false`, or mount a projected `serviceAccountToken`.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/.",
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
      containers:
      - name: notification
        image: quay.io/acme/kubernaut-notification:v1
        args: ["--config=/etc/notification/config.yaml"]
        volumeMounts: [{name: config, mountPath: /etc/notification}]
      volumes: [{name: config, configMap: {name: notification-config}}]
"#,
    good: r#"     spec:
+      serviceAccountName: notification-controller
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
        let service = &client.view.service.name;
        if pod.spec["automountServiceAccountToken"].as_bool() == Some(false) && !mounts_token(pod.spec) {
            let message = format!("{service} has no token, which {} requires of its clients", client.server);
            report
                .at(pod.object, &pod.spec["automountServiceAccountToken"], message)
                .severity(bundle.absent())
                .help("remove `automountServiceAccountToken`, or mount a projected `serviceAccountToken`");
        }
        if account(pod) != "default" {
            continue;
        }
        let grants = bindings.grants(graph, pod);
        let is_allowed = |verb: &String| grants.roles.iter().any(|role| allows(role, authorization.request(verb)));
        if authorization.verbs.iter().any(is_allowed) || !grants.absent.is_empty() {
            continue;
        }
        let message = format!(
            "{service} runs as ServiceAccount `default`, which is not bound to a role that {} requires of its clients",
            client.server
        );
        report.at(pod.object, client.view.name_node(), message).severity(bundle.absent()).help(format!(
            "set `serviceAccountName` to an account that is bound to the ClusterRole `{}`",
            authorization.cluster_role
        ));
    }
}

/// Whether a volume of a pod contains a token.
fn mounts_token(spec: &crate::node::Node) -> bool {
    let sources = spec["volumes"].items().iter().flat_map(|volume| volume["projected"]["sources"].items());
    sources.into_iter().any(|source| source["serviceAccountToken"].is_set())
}
