//! Rule `rbac-client-verb`.

use foldhash::{HashSet, HashSetExt};

use crate::check::rules::wiring::_rbac::{Bindings, allows, authorized_clients};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Graph, kind_of};
use crate::object::Object;
use crate::service::Authorization;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacClientVerb,
    doc: Doc {
        checks: "\
Checks that a role for the clients of a known service has all the verbs that the service checks in a
SubjectAccessReview: DataStorage checks `create`, as every client writes audit events. It checks the
roles with the name of the role for clients, and those to which clients are bound. The finding is a
warning, and an error if the manifests are complete (`--complete`, `--profile`, `render`).",
        why: "The service rejects its callers with 403 although they are bound to the role.",
        fix: "Add the verb to the rule with the `resourceNames`.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources.",
    },
    bad: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: data-storage-client}
rules:
- {apiGroups: [""], resources: [services], resourceNames: [data-storage-service], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: notification-data-storage-client, namespace: kubernaut-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: data-storage-client}
subjects: [{kind: ServiceAccount, name: notification-controller, namespace: kubernaut-system}]
---
apiVersion: v1
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
    good: r#"-- {apiGroups: [""], resources: [services], resourceNames: [data-storage-service], verbs: [get]}
+- {apiGroups: [""], resources: [services], resourceNames: [data-storage-service], verbs: [create, get]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let is_role = |object: &&Object| matches!(kind_of(object), Some("Role" | "ClusterRole"));
    if !graph.objects.iter().any(|object| is_role(&object)) {
        return;
    }
    let mut reported = HashSet::new();
    // The roles with the name in the description, and those that are bound to clients.
    for description in graph.descriptions().iter().filter(|known| known.authorizes()) {
        let Some(authorization) = &description.service().authorization else { continue };
        let named = |role: &&Object| is_role(role) && role.name() == authorization.cluster_role;
        for role in graph.objects.iter().filter(named) {
            check_role(bundle, report, role, authorization, description.name(), &mut reported);
        }
    }
    let bindings = Bindings::of(graph);
    for client in authorized_clients(bundle) {
        let grants = bindings.grants(graph, client.view.pod);
        let (authorization, roles) = (client.authorization, &grants.roles);
        let may = |verb: &str| roles.iter().any(|role| allows(role, authorization.request(verb)));
        if !grants.absent.is_empty() || authorization.verbs.iter().all(|verb| may(verb)) {
            continue;
        }
        for role in roles {
            check_role(bundle, report, role, authorization, client.server, &mut reported);
        }
    }
}

/// Reports a role that allows some of the verbs that a service requires, but not all.
fn check_role(
    bundle: &Bundle<'_>,
    report: &mut Report<'_>,
    role: &Object,
    authorization: &Authorization,
    server: &str,
    reported: &mut HashSet<usize>,
) {
    let Authorization { resource, resource_name, verbs, .. } = authorization;
    let rule = role.node["rules"].items().iter().find(|rule| {
        let has = |field: &str, value: &str| rule[field].items().iter().any(|entry| entry.text() == value);
        has("resources", resource) && (has("resourceNames", resource_name) || rule["resourceNames"].items().is_empty())
    });
    let Some(rule) = rule else { return };
    // A rule without `resourceNames` has another purpose, unless the role has the name of the role for clients.
    if rule["resourceNames"].items().is_empty() && role.name() != authorization.cluster_role {
        return;
    }
    let missing = verbs.iter().map(String::as_str).filter(|verb| !allows(role, authorization.request(verb)));
    let missing: Vec<&str> = missing.collect();
    let number = Graph::index_of(bundle.graph(), role).unwrap_or_default();
    if missing.is_empty() || !reported.insert(number) {
        return;
    }
    let listed = suggest::list(&missing, "and");
    let message =
        format!("missing verb of {resource} `{resource_name}`, which {server} requires of its clients: {listed}");
    report.at(role, &rule["verbs"], message).severity(bundle.absent()).help(format!("add {listed} to `verbs`"));
}
