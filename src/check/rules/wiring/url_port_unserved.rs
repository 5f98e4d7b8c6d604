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

The finding is an error if one file holds the URL and the Service, or if the manifests are complete
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
    // Computed once for each Service: many strings may use a port that it does not serve.
    let mut serves: HashMap<usize, String> = HashMap::new();
    for mention in graph.mentions.iter().filter(|mention| !mention.repeated && mention.sure) {
        let Target::Service(at) = mention.target else { continue };
        let service = &graph.services[at];
        let implied = mention.port.is_none();
        let Some(port) = mention.port.or_else(|| mention.scheme.as_deref().and_then(default_port)) else { continue };
        if service.ports().is_empty()
            || service.serves(i64::from(port), graph)
            || is_declared(&bundle.options.externals, &mention.host, Some(port))
        {
            continue;
        }
        if implied && in_proxy_config(mention) && is_assigned(mention) {
            continue;
        }
        if !bundle.options.whole && !service.object.shares_file_with(mention.object) {
            let others = graph.services_named(service.object.name());
            if others.take(MOST_ALTERNATIVES).any(|other| other.serves(i64::from(port), graph)) {
                continue;
            }
        }
        let name = service.object.name();
        let message = match &mention.scheme {
            Some(scheme) if implied => format!("Service `{name}` does not serve port {port}, the default of {scheme}"),
            _ => format!("Service `{name}` does not serve port {port}"),
        };
        let is = |field| service.port_with(field, i64::from(port));
        let help = match (is("targetPort"), is("nodePort")) {
            (Some(entry), _) => {
                format!("{port} is the target port; the port of the Service is {}", number(&entry["port"]))
            }
            (None, Some(entry)) => {
                format!("{port} is the NodePort; the port of the Service is {}", number(&entry["port"]))
            }
            (None, None) => serves.entry(at).or_insert_with(|| served(service)).clone(),
        };
        let place = service.ports().first().map_or(service.object.span(), |entry| entry["port"].origin.span);
        // Some programs use their own default port for a URL without one (MinIO 9000, Elasticsearch 9200).
        let guessed = implied && matches!(mention.scheme.as_deref(), Some("http" | "https"));
        let severity = if guessed { Severity::Warning } else { bundle.between(mention.object, service.object) };
        let draft = at_part(report, mention, mention.port_range.as_ref(), message);
        draft.severity(severity).related(place, "the port it serves").help(help);
    }
}

/// How many Services with one name are searched as alternatives.
const MOST_ALTERNATIVES: usize = 100;

/// Whether a URL is assigned to an nginx variable: the port may follow where the variable is used.
fn is_assigned(mention: &Mention<'_>) -> bool {
    let Some(range) = &mention.range else { return false };
    let before = &mention.node.text()[..range.start];
    let statement = before.rfind([';', '{', '}', '\n']).map_or(before, |at| &before[at + 1..]);
    let statement = statement.trim_start();
    statement.starts_with("set ") || statement.starts_with("default ") || statement.starts_with(['"', '~', '\''])
}

/// The ports that a Service serves, in words.
fn served(service: &ServiceObject<'_>) -> String {
    let ports = service.ports().iter().filter_map(|entry| entry["port"].as_i64()).map(|port| port.to_string());
    match ports.collect::<Vec<_>>().as_slice() {
        [only] => format!("it serves {only}"),
        ports => format!("it serves {}", suggest::list(ports, "and")),
    }
}

fn number(node: &Node) -> String {
    node.as_i64().map_or_else(String::new, |number| number.to_string())
}
