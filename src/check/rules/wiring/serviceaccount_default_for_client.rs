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
A known service authenticates its callers by the token of their ServiceAccount and asks whether the
account may call. A client without `serviceAccountName` runs as `default`, which is bound to
nothing, and one with `automountServiceAccountToken: false` has no token: it is rejected with 401 or
403. Give the pod a ServiceAccount of its own that is bound to the role for clients. Sources: the
service's description (docs/services.md),
https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/.",
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
            let message = format!("{service} has no token, which {} asks its clients for", client.server);
            report
                .at(pod.object, &pod.spec["automountServiceAccountToken"], message)
                .severity(bundle.absent())
                .help("leave automountServiceAccountToken out, or mount a projected serviceAccountToken");
        }
        if account(pod) != "default" {
            continue;
        }
        let grants = bindings.grants(graph, pod);
        let may = |verb: &String| grants.roles.iter().any(|role| allows(role, authorization.request(verb)));
        if authorization.verbs.iter().any(may) || !grants.absent.is_empty() {
            continue;
        }
        let message = format!(
            "{service} runs as ServiceAccount `default`, which is bound to no role that {} asks its clients for",
            client.server
        );
        report.at(pod.object, client.view.name_node(), message).severity(bundle.absent()).help(format!(
            "set serviceAccountName to an account that is bound to the ClusterRole `{}`",
            authorization.cluster_role
        ));
    }
}

/// Whether a volume of a pod holds a token.
fn mounts_token(spec: &crate::node::Node) -> bool {
    let sources = spec["volumes"].items().iter().flat_map(|volume| volume["projected"]["sources"].items());
    sources.into_iter().any(|source| source["serviceAccountToken"].is_set())
}
