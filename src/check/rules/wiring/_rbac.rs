//! Helpers for rules on RBAC: which roles are bound to a ServiceAccount, and which requests they allow.

use foldhash::{HashMap, HashMapExt};

use crate::check::Bundle;
use crate::graph::{Graph, Pod, ServiceContainer, kind_of};
use crate::node::Node;
use crate::object::Object;
use crate::service::{Authorization, Client};

/// The role bindings among the manifests, by subject.
pub(crate) struct Bindings<'a> {
    /// The bindings of ServiceAccounts, by name.
    by_account: HashMap<&'a str, Vec<(&'a Object, &'a Node)>>,
    /// The bindings of groups that contain ServiceAccounts.
    by_group: Vec<(&'a Object, &'a str)>,
}

/// The roles that are bound to a ServiceAccount.
pub(crate) struct Grants<'a> {
    /// The roles among the manifests.
    pub(crate) roles: Vec<&'a Object>,
    /// The names of roles that are not among the manifests.
    pub(crate) absent: Vec<&'a str>,
}

impl<'a> Bindings<'a> {
    pub(crate) fn of(graph: &Graph<'a>) -> Self {
        let mut bindings = Self { by_account: HashMap::new(), by_group: Vec::new() };
        let is_binding = |object: &&Object| matches!(kind_of(object), Some("RoleBinding" | "ClusterRoleBinding"));
        for binding in graph.objects.iter().filter(is_binding) {
            for subject in binding.node["subjects"].items() {
                match subject["kind"].text() {
                    "ServiceAccount" => {
                        bindings.by_account.entry(subject["name"].text()).or_default().push((binding, subject));
                    }
                    "Group" => bindings.by_group.push((binding, subject["name"].text())),
                    _ => {}
                }
            }
        }
        bindings
    }

    /// The roles that are bound to the ServiceAccount of a pod.
    pub(crate) fn grants(&self, graph: &Graph<'a>, pod: &Pod<'a>) -> Grants<'a> {
        let namespace = pod.namespace();
        let accounts = self.by_account.get(account(pod)).into_iter().flatten();
        let of_account = accounts.filter(|(binding, subject)| {
            let subject_namespace = subject["namespace"].as_str().unwrap_or(binding.namespace());
            // If one has no namespace, `kubectl -n` may set the same one.
            subject_namespace == namespace || subject_namespace.is_empty() || namespace.is_empty()
        });
        let of_group = self.by_group.iter().filter(|(_, group)| {
            matches!(*group, "system:serviceaccounts" | "system:authenticated")
                || group
                    .strip_prefix("system:serviceaccounts:")
                    .is_some_and(|group_namespace| group_namespace == namespace || namespace.is_empty())
        });
        let mut grants = Grants { roles: Vec::new(), absent: Vec::new() };
        for binding in of_account.map(|(binding, _)| *binding).chain(of_group.map(|(binding, _)| *binding)) {
            let reference = &binding.node["roleRef"];
            let kind = if reference["kind"].text() == "Role" { "Role" } else { "ClusterRole" };
            match graph.find_from(binding, kind, binding.namespace(), reference["name"].text()) {
                Some(role) => grants.roles.push(role),
                None => grants.absent.push(reference["name"].text()),
            }
        }
        grants
    }
}

/// The name of the ServiceAccount of a pod.
pub(crate) fn account<'a>(pod: &Pod<'a>) -> &'a str {
    let named = ["serviceAccountName", "serviceAccount"].iter().find_map(|field| pod.spec[*field].as_str());
    named.filter(|name| !name.is_empty()).unwrap_or("default")
}

/// The attributes of a request to the API server that RBAC rules match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'r> {
    pub(crate) group: &'r str,
    pub(crate) resource: &'r str,
    /// The name of the object; `None` for requests such as `list`.
    pub(crate) name: Option<&'r str>,
    pub(crate) verb: &'r str,
}

/// Whether a role allows a request. A role with an `aggregationRule` may allow anything.
pub(crate) fn allows(role: &Object, request: Request<'_>) -> bool {
    role.node["aggregationRule"].is_set() || role.node["rules"].items().iter().any(|rule| covers(rule, request))
}

/// Whether a rule of a role allows a request.
fn covers(rule: &Node, request: Request<'_>) -> bool {
    let lists = |field: &str, value: &str| {
        rule[field].items().iter().map(Node::text).any(|entry| entry == "*" || entry == value)
    };
    let subresource = request.resource.split_once('/').map(|(_, part)| format!("*/{part}"));
    let names = rule["resourceNames"].items();
    lists("apiGroups", request.group)
        && (lists("resources", request.resource) || subresource.is_some_and(|all| lists("resources", &all)))
        && lists("verbs", request.verb)
        && (names.is_empty() || request.name.is_some_and(|name| names.iter().any(|entry| entry.text() == name)))
}

/// A container of a client that another known service authorizes.
pub(crate) struct AuthorizedClient<'g, 'a> {
    pub(crate) view: ServiceContainer<'g, 'a>,
    /// The name of the other service.
    pub(crate) server: &'a str,
    pub(crate) authorization: &'a Authorization,
}

/// The clients of services that authorize their callers with a SubjectAccessReview. Older releases did not: a newer one is
/// recognized by a role for clients among the manifests, or by the dialect of the client's config.
pub(crate) fn authorized_clients<'g, 'a>(bundle: &'g Bundle<'a>) -> Vec<AuthorizedClient<'g, 'a>> {
    let graph = bundle.graph();
    let mut clients = Vec::new();
    for view in graph.known() {
        let Some(dialect) = view.dialect else { continue };
        for client in dialect.clients.iter().filter(|client| has_url(&view, client) || !client.optional) {
            let Some(server) = graph.descriptions().named(&client.of) else { continue };
            let Some(authorization) = &server.authorization else { continue };
            let is_recent = view.tree().is_some() && dialect.since.is_some() && dialect.until.is_none();
            if is_recent || role_for(graph, authorization).is_some() {
                clients.push(AuthorizedClient { view, server: &server.name, authorization });
            }
        }
    }
    clients
}

/// Whether the client's config, variables or flags set the URL of the server.
pub(crate) fn has_url(view: &ServiceContainer<'_, '_>, client: &Client) -> bool {
    let by_key = client.key.as_ref().is_some_and(|key| !view.value(key).text().is_empty());
    let by_env = client.env.as_ref().is_some_and(|name| view.container.var(name).is_some());
    let by_flag = client.flag.as_ref().is_some_and(|flag| crate::graph::flag_value(view.container, flag).is_some());
    by_key || by_env || by_flag
}

/// The role among the manifests that is for the clients of a service: it has the expected name, or lists the expected object.
pub(crate) fn role_for<'a>(graph: &Graph<'a>, authorization: &Authorization) -> Option<&'a Object> {
    let is_role = |object: &&Object| matches!(kind_of(object), Some("Role" | "ClusterRole"));
    graph.objects.iter().filter(is_role).find(|role| {
        role.name() == authorization.cluster_role
            || role.node["rules"].items().iter().any(|rule| {
                let has = |field: &str, value: &str| rule[field].items().iter().any(|entry| entry.text() == value);
                has("resources", &authorization.resource) && has("resourceNames", &authorization.resource_name)
            })
    })
}

impl Authorization {
    /// The request that the service checks, with one of the verbs.
    pub(crate) fn request<'r>(&'r self, verb: &'r str) -> Request<'r> {
        Request { group: &self.api_group, resource: &self.resource, name: Some(&self.resource_name), verb }
    }
}
