//! Rule `url-port-unserved`.

use foldhash::{HashMap, HashMapExt};

use crate::check::rules::wiring::_shared::{at_part, in_proxy_config};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Mention, ServiceObject, Target, is_declared};
use crate::node::Node;
use crate::suggest;
use crate::text::scan::default_port;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::UrlPortUnserved,
    doc: Doc {
        checks: "\
Checks that the port of a URL or address is a port of its Service (`spec.ports[].port`). The port on
which the container listens (`targetPort`) and NodePorts are not reached under the name of the
Service. A URL without a port uses the default port of its scheme.

The finding is an error if the URL and the Service are in one file, or if the manifests are complete
(`--complete`, `--profile`, `render`), otherwise a warning. A missing port of `http` or `https` is
always a warning, since some programs then use their own default port. Nothing is reported if
another Service with the same name, which may be an alternative, serves the port, and for declared
externals.",
        why: "The connection to the Service is refused or times out.",
        fix: "Use a port of the Service, or add the port to `spec.ports`.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: datastorage}
spec: {ports: [{port: 8081}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage:8080"}]}]
"#,
    good: r#"-  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage:8080"}]}]
+  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage:8081"}]}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    // Computed once for each Service: many strings may use a port that it does not have.
    let mut helps: HashMap<usize, String> = HashMap::new();
    for mention in graph.mentions.iter().filter(|mention| !mention.repeated && mention.sure) {
        let Target::Service(at) = mention.target else { continue };
        let service = &graph.services[at];
        let is_default = mention.port.is_none();
        let Some(port) = mention.port.or_else(|| mention.scheme.as_deref().and_then(default_port)) else { continue };
        if service.ports().is_empty()
            || service.serves(i64::from(port), graph)
            || is_declared(&bundle.options.externals, &mention.host, Some(port))
        {
            continue;
        }
        if is_default && in_proxy_config(mention) && is_assigned(mention) {
            continue;
        }
        if !bundle.options.complete && !service.object.shares_file_with(mention.object) {
            let others = graph.services_named(service.object.name());
            if others.take(MAX_ALTERNATIVES).any(|other| other.serves(i64::from(port), graph)) {
                continue;
            }
        }
        let name = service.object.name();
        let message = match &mention.scheme {
            Some(scheme) if is_default => format!("Service `{name}` has no port {port}, the default port of {scheme}"),
            _ => format!("Service `{name}` has no port {port}"),
        };
        let port_in = |field| service.port_with(field, i64::from(port));
        let help = match (port_in("targetPort"), port_in("nodePort")) {
            (Some(entry), _) => {
                format!("use {}: {port} is the target port", number(&entry["port"]))
            }
            (None, Some(entry)) => {
                format!("use {}: {port} is the NodePort", number(&entry["port"]))
            }
            (None, None) => helps.entry(at).or_insert_with(|| ports_help(service)).clone(),
        };
        let span = service.ports().first().map_or(service.object.span(), |entry| entry["port"].origin.span);
        // Some programs use their own default port for a URL without one (MinIO 9000, Elasticsearch 9200).
        let is_guess = is_default && matches!(mention.scheme.as_deref(), Some("http" | "https"));
        let severity = if is_guess { Severity::Warning } else { bundle.between(mention.object, service.object) };
        let draft = at_part(report, mention, mention.port_range.as_ref(), message);
        draft.severity(severity).related(span, "a port of the Service").help(help);
    }
}

/// The maximum number of Services with the same name that are searched as alternatives.
const MAX_ALTERNATIVES: usize = 100;

/// Whether a URL is assigned to an nginx variable: the port may be added where the variable is used.
fn is_assigned(mention: &Mention<'_>) -> bool {
    let Some(range) = &mention.range else { return false };
    let before = &mention.node.text()[..range.start];
    let statement = before.rfind([';', '{', '}', '\n']).map_or(before, |at| &before[at + 1..]);
    let statement = statement.trim_start();
    statement.starts_with("set ") || statement.starts_with("default ") || statement.starts_with(['"', '~', '\''])
}

/// The help with the ports of a Service.
fn ports_help(service: &ServiceObject<'_>) -> String {
    let ports = service.ports().iter().filter_map(|entry| entry["port"].as_i64()).map(|port| port.to_string());
    match ports.collect::<Vec<_>>().as_slice() {
        [only] => format!("use port {only}"),
        ports => format!("use one of its ports: {}", suggest::list(ports, "or")),
    }
}

fn number(node: &Node) -> String {
    node.as_i64().map_or_else(String::new, |number| number.to_string())
}
