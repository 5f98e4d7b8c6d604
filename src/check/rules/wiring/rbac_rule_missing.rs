//! Rule `rbac-rule-missing`.

use foldhash::{HashSet, HashSetExt};

use crate::check::rules::wiring::_rbac::{Bindings, Request, account, allows};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::ServiceContainer;
use crate::service::Permission;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacRuleMissing,
    doc: Doc {
        checks: "\
Checks that the roles to which the ServiceAccount of a known service is bound allow what its
description says that the service does: it watches its resources, writes their status, elects a
leader. The finding is a warning, and an error if the manifests are complete (`--complete`,
`--profile`, `render`). Nothing is reported if one of the roles is not among the manifests, for an
account without a role, for `default`, and for permissions that only some versions of the service or
some settings need, unless version and setting are known.",
        why: "\
The API server rejects the requests with 403. The caches of the service never sync, and it does not
become ready.",
        fix: "Add the rule that the help names to the role.",
        source: "\
The `sources` of the service's description, which are the markers, charts and code of its
repository, and https://kubernetes.io/docs/reference/access-authn-authz/rbac/.",
    },
    bad: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: notification-controller}
rules:
- {apiGroups: [kubernaut.ai], resources: [notificationrequests, notificationrequests/status], verbs: [get, list, watch, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: notification-controller}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: notification-controller}
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
    good: r#" - {apiGroups: [kubernaut.ai], resources: [notificationrequests, notificationrequests/status], verbs: [get, list, watch, update, patch]}
+- {apiGroups: [""], resources: [events], verbs: [create, patch]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut views = graph.known().filter(|view| !view.service.permissions.is_empty()).peekable();
    if views.peek().is_none() {
        return;
    }
    let bindings = Bindings::of(graph);
    let mut reported = HashSet::new();
    for view in views {
        let grants = bindings.grants(graph, view.pod);
        // `default` may be bound because of other programs.
        let (Some(first), true, true) =
            (grants.roles.first(), grants.absent.is_empty(), account(view.pod) != "default")
        else {
            continue;
        };
        for permission in view.service.permissions.iter().filter(|permission| is_needed(&view, permission)) {
            for resource in &permission.resources {
                let is_allowed = |verb: &str| {
                    let request = Request { group: &permission.api_group, resource, name: None, verb };
                    grants.roles.iter().any(|role| allows(role, request))
                };
                let missing: Vec<&str> =
                    permission.verbs.iter().map(String::as_str).filter(|verb| !is_allowed(verb)).collect();
                if missing.is_empty() || !reported.insert((std::ptr::from_ref(*first), &permission.api_group, resource))
                {
                    continue;
                }
                let verbs = suggest::list(&missing, "and");
                let group = &permission.api_group;
                let full = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
                let role = first.name();
                let message =
                    format!("{} needs the verbs {verbs} on {full}, which `{role}` does not allow", view.service.name);
                report
                    .at(first, &first.node["rules"], message)
                    .severity(bundle.absent())
                    .related(view.name_node().origin.span, format!("for {}", permission.purpose))
                    .help(format!(
                        "add a rule: `{{apiGroups: [\"{group}\"], resources: [{resource}], verbs: [{}]}}`",
                        permission.verbs.join(", ")
                    ));
            }
        }
    }
}

/// Whether the running version certainly needs a permission. If the version is not known, the first version of the config's
/// dialect is assumed.
fn is_needed(view: &ServiceContainer<'_, '_>, permission: &Permission) -> bool {
    let version = view.version().or(view.dialect.and_then(|dialect| dialect.since.as_ref()));
    let in_range = match version {
        Some(version) => version.is_within(permission.since.as_ref(), permission.until.as_ref()),
        None => permission.since.is_none(),
    };
    in_range && permission.when.as_ref().is_none_or(|key| view.value(key).as_bool() == Some(true))
}
