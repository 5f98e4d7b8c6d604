//! Rule `client-url-missing`.

use crate::check::rules::wiring::_rbac::has_url;
use crate::check::rules::wiring::_shared::at_section;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Graph, ServiceContainer, Target};
use crate::object::Object;
use crate::service::{Client, Sign};
use crate::text::scan;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClientUrlMissing,
    doc: Doc {
        checks: "\
Checks that a client of a known service is configured with the URL of that service, by a config key,
an environment variable or a flag. A client with a default URL is reported only if the default leads
nowhere: to `localhost`, or to a name that the Service does not have.

The finding is a warning, since something outside the manifests may set the URL, and an error if the
manifests are complete (`--complete`, `--profile`, `render`). Nothing is reported if the default is
a name of the Service, if the config file is not among the manifests and may contain the URL, if
variables come from an `envFrom` source that is not among them, or for clients that call the service
only when configured to.",
        why: "\
A client without a default exits when it starts. One with a default sends its requests to an address
where nothing listens, such as `localhost` in its own pod.",
        fix: "\
Set the config key, variable or flag that the help names to the URL of the Service, for example
`http://data-storage-service:8080`.",
        source: "The description of the service (docs/services.md).",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: notification-config}
data:
  config.yaml: |
    controller: {metrics_addr: ":9090", health_probe_addr: ":8081"}
    delivery: {console: {enabled: true}, file: {output_dir: /tmp}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notification-controller}
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
    good: r#"     delivery: {console: {enabled: true}, file: {output_dir: /tmp}}
+    infrastructure: {data_storage_url: "http://data-storage-service:8080"}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        let Some(dialect) = view.dialect.filter(|_| view.config.is_none_or(|config| config.tree.is_some())) else {
            continue;
        };
        // Variables or a config file that are not among the manifests may set the URL.
        if view.container.env_open || view.config.is_none() && view.config_path().is_some() && has_keys_only(&view) {
            continue;
        }
        for client in dialect.clients.iter().filter(|client| !client.optional && !has_url(&view, client)) {
            let by_key = client.key.as_deref().filter(|_| view.config.is_some());
            let setting = by_key.or(client.env.as_deref()).or(client.flag.as_deref());
            let (Some(setting), Some(why)) = (setting, consequence(graph, view.object(), client)) else { continue };
            let message = format!("the URL of {1} is not set in {0}: {why}", view.service.name, client.of);
            let draft = match (view.config, by_key) {
                (Some(config), Some(key)) => at_section(report, config, key, message),
                _ => report.at(view.object(), view.name_node(), message),
            };
            draft.severity(bundle.absent()).help(format!("set `{setting}` to the URL of the Service"));
        }
    }
    for config in graph.configs().filter(|config| config.is_bare && config.tree.is_some()) {
        for client in config.dialect.into_iter().flat_map(|dialect| &dialect.clients) {
            let Some(key) = client.key.as_ref().filter(|key| !client.optional && config.value(key).text().is_empty())
            else {
                continue;
            };
            // A variable or a flag of the container may set the URL.
            if client.env.is_some() || client.flag.is_some() {
                continue;
            }
            if let Some(why) = consequence(graph, config.object, client) {
                let message = format!("the URL of {1} is not set in {0}: {why}", config.service.name, client.of);
                at_section(report, config, key, message)
                    .severity(config.severity())
                    .help(format!("set `{key}` to the URL of the Service"));
            }
        }
    }
}

/// Whether a config file, which may not be among the manifests, can set the URLs.
fn has_keys_only(view: &ServiceContainer<'_, '_>) -> bool {
    view.service.dialects.iter().flat_map(|dialect| &dialect.clients).any(|client| client.key.is_some())
}

/// What happens if the URL is not set; `None` if the default leads to the service.
fn consequence(graph: &Graph<'_>, from: &Object, client: &Client) -> Option<String> {
    let Some(default) = &client.default else { return Some("the service exits".to_owned()) };
    let rest = default.split_once("://").map_or(default.as_str(), |(_, rest)| rest);
    let host = rest.split([':', '/']).next().unwrap_or(rest);
    if matches!(host, "localhost" | "127.0.0.1") {
        return Some(format!("the default is {default}, in its own pod"));
    }
    let resolves = matches!(graph.resolve(host, scan::default_port("http"), from), Target::Service(_));
    let server = graph.descriptions().iter().find(|known| known.name() == client.of);
    let is_usual = server.is_some_and(|known| known.has(Sign::Service, host));
    // A Service with another one of the usual names.
    let other = server.map(|known| known.service()).and_then(|service| {
        service.services.iter().find(|name| *name != host && graph.service(from.namespace(), name).is_some())
    });
    match other {
        _ if resolves => None,
        Some(name) => Some(format!("the default is {default}, but the Service is `{name}`")),
        None if is_usual => None,
        None => Some(format!("the default is {default}, which is not a name of the Service")),
    }
}
