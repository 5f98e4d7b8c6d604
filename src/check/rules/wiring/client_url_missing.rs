//! Rule `client-url-missing`.

use crate::check::rules::wiring::_rbac::is_told;
use crate::check::rules::wiring::_shared::at_section;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Graph, Target, View};
use crate::object::Object;
use crate::service::{Client, Sign};
use crate::text::scan;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClientUrlMissing,
    doc: Doc {
        checks: "\
A client of a known service is not told where that service is. Without a default the client stops;
with one it uses an address that may lead nowhere, such as `localhost` or a name that the Service
does not have. Set the key, variable or flag that holds the URL. Nothing is said where the default
is a name that the Service goes by. Source: the service's description (docs/services.md).",
        why: "",
        fix: "",
        source: "",
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
        // What is not in sight may say it.
        if view.container.env_open || view.config.is_none() && view.told().is_some() && has_keys_only(&view) {
            continue;
        }
        for client in dialect.clients.iter().filter(|client| !client.optional && !is_told(&view, client)) {
            let by_key = client.key.as_deref().filter(|_| view.config.is_some());
            let way = by_key.or(client.env.as_deref()).or(client.flag.as_deref());
            let (Some(way), Some(why)) = (way, consequence(graph, view.object(), client)) else { continue };
            let message = format!("{} is not told where {} is: {why}", view.service.name, client.of);
            let draft = match (view.config, by_key) {
                (Some(config), Some(key)) => at_section(report, config, key, message),
                _ => report.at(view.object(), view.name_node(), message),
            };
            draft.severity(bundle.absent()).help(format!("set `{way}` to its URL"));
        }
    }
    for config in graph.configs().filter(|config| config.is_bare && config.tree.is_some()) {
        for client in config.dialect.into_iter().flat_map(|dialect| &dialect.clients) {
            let Some(key) = client.key.as_ref().filter(|key| !client.optional && config.value(key).text().is_empty())
            else {
                continue;
            };
            // The container may be told by a variable or a flag.
            if client.env.is_some() || client.flag.is_some() {
                continue;
            }
            if let Some(why) = consequence(graph, config.object, client) {
                let message = format!("{} is not told where {} is: {why}", config.service.name, client.of);
                at_section(report, config, key, message)
                    .severity(config.severity())
                    .help(format!("set `{key}` to its URL"));
            }
        }
    }
}

/// Whether a config file that is not in sight is the only way to tell a service its clients' URLs.
fn has_keys_only(view: &View<'_, '_>) -> bool {
    view.service.dialects.iter().flat_map(|dialect| &dialect.clients).any(|client| client.key.is_some())
}

/// What comes of a URL that nothing says; `None` where the default leads to the service.
fn consequence(graph: &Graph<'_>, from: &Object, client: &Client) -> Option<String> {
    let Some(default) = &client.default else { return Some("it stops".to_owned()) };
    let rest = default.split_once("://").map_or(default.as_str(), |(_, rest)| rest);
    let host = rest.split([':', '/']).next().unwrap_or(rest);
    if matches!(host, "localhost" | "127.0.0.1") {
        return Some(format!("it asks for it at {default}, in its own pod"));
    }
    let leads = matches!(graph.resolve(host, scan::default_port("http"), from), Target::Service(_));
    let server = graph.descriptions().iter().find(|known| known.name() == client.of);
    let is_usual = server.is_some_and(|known| known.has(Sign::Service, host));
    // Another of the names it goes by is here.
    let other = server.map(|known| known.service()).and_then(|service| {
        service.services.iter().find(|name| *name != host && graph.service(from.namespace(), name).is_some())
    });
    match other {
        _ if leads => None,
        Some(name) => Some(format!("it asks for it at {default}, and the Service is `{name}`")),
        None if is_usual => None,
        None => Some(format!("it asks for it at {default}, a name that its Service does not have")),
    }
}
