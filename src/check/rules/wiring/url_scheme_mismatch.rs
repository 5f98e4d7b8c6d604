//! Rule `url-scheme-mismatch`.

use std::cell::OnceCell;

use crate::check::rules::wiring::_shared::at_part;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Pod, ServiceObject, Target};
use crate::node::Node;
use crate::software::program;
use crate::text::scan::default_port;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::UrlSchemeMismatch,
    doc: Doc {
        checks: "\
Checks that the scheme of a URL matches the protocol of its port: `https` to a plain HTTP port,
`http` to a TLS port or a database. The protocol is known from the port's `appProtocol`, name or
number, or from the database that the pods run.

The finding is an error for a known service, and for a database on its usual port, if the URL and
the Service are in one file or the manifests are complete (`--complete`, `--profile`, `render`);
otherwise it is a warning. Nothing is reported for schemes that run over any protocol, such as
`grpc` or `tcp`.",
        why: "\
The connection is established and fails with the first bytes:
`http: server gave HTTP response to HTTPS client`, or
`Client sent an HTTP request to an HTTPS server`.",
        fix: "Use the scheme of the port, or the port of the scheme.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: WEB_URL, value: "https://web:8080"}]}]
"#,
    good: r#"-  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: WEB_URL, value: "https://web:8080"}]}]
+  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: WEB_URL, value: "http://web:8080"}]}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let programs: Vec<OnceCell<Vec<&'static str>>> = graph.pods.iter().map(|_| OnceCell::new()).collect();
    let programs = |pod: &usize| programs[*pod].get_or_init(|| two_programs(&graph.pods[*pod]));
    for mention in graph.mentions.iter().filter(|mention| !mention.repeated) {
        let (Target::Service(service), Some(scheme)) = (&mention.target, mention.scheme.as_deref()) else { continue };
        let service = &graph.services[*service];
        let Some(number) = mention.port.or_else(|| default_port(scheme)) else { continue };
        let Some(port) = service.port_with("port", i64::from(number)) else { continue };
        let scheme = scheme.to_ascii_lowercase();
        if let Some((protocol, severity)) =
            protocol_of(programs, service, port).filter(|(protocol, _)| !is_compatible(&scheme, protocol))
        {
            let known = service.pods.iter().any(|pod| graph.known_of(*pod).next().is_some());
            let severity = if known { Severity::Error } else { severity };
            let severity = severity.min(bundle.between(mention.object, service.object));
            let message = format!("port {number} of Service `{}` uses {protocol}, not {scheme}", service.object.name());
            let span = [&port["appProtocol"], &port["name"], &port["port"]]
                .into_iter()
                .find(|node| node.is_set())
                .map_or(service.object.span(), |node| node.origin.span);
            at_part(report, mention, mention.scheme_range.as_ref(), message)
                .severity(severity)
                .related(span, "the port of the URL")
                .help(format!("use `{protocol}://`"));
        }
    }
}

/// The program of a pod, or two if there are several.
fn two_programs(pod: &Pod<'_>) -> Vec<&'static str> {
    let mut programs: Vec<_> = pod.running().filter_map(|container| program(container.image())).collect();
    programs.dedup();
    programs.truncate(2);
    programs
}

/// The protocol of a port, and the severity of a mismatch.
fn protocol_of<'p>(
    programs: impl Fn(&usize) -> &'p Vec<&'static str>,
    service: &ServiceObject<'_>,
    port: &Node,
) -> Option<(&'static str, Severity)> {
    let mut programs: Vec<&'static str> = service.pods.iter().flat_map(programs).copied().collect();
    programs.dedup();
    let number = port["port"].as_i64();
    if let [only] = programs.as_slice()
        && !service.may_select_more()
        && number.is_some_and(|number| default_port(only).map(i64::from) == Some(number))
    {
        return Some((only, Severity::Error));
    }
    let app_protocol = port["appProtocol"].text();
    let name = port["name"].text();
    let is_named = |word: &str| {
        app_protocol == word || name == word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'))
    };
    if is_named("https") || (name.is_empty() && app_protocol.is_empty() && matches!(number, Some(443))) {
        return Some(("https", Severity::Warning));
    }
    if is_named("http") || (name.is_empty() && app_protocol.is_empty() && matches!(number, Some(80))) {
        return Some(("http", Severity::Warning));
    }
    None
}

fn is_compatible(scheme: &str, protocol: &str) -> bool {
    let family = match scheme.split('+').next().unwrap_or(scheme) {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        "postgres" | "postgresql" | "pgx" | "pgx5" | "cockroachdb" => "postgresql",
        "mysql" | "mariadb" => "mysql",
        "redis" | "rediss" | "valkey" | "sentinel" => "redis",
        "mongodb" => "mongodb",
        "amqp" | "amqps" => "rabbitmq",
        // `grpc`, `tcp` and others run over any protocol.
        _ => return true,
    };
    family == protocol
}
