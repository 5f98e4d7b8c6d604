//! Rule `target-port-unserved`.

use std::cell::LazyCell;
use std::collections::HashSet;

use crate::check::rules::wiring::_shared::{program, title};
use crate::check::{Bundle, Check, Family, Report, Rule};
use crate::finding::Severity;
use crate::graph::{Graph, Pod, scan};
use crate::node::Node;
use crate::suggest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "target-port-unserved",
    family: Family::Wiring,
    severity: Severity::Error,
    summary: "a Service sends to a port that no selected container has",
    doc: "A `targetPort` that is a name must be the name of a port of a selected container: nothing is sent else. A number need not be declared, so a number that no container declares, where they declare others, is a warning.",
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: web}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", ports: [{name: http, containerPort: 8080}]}]}
"#,
    good: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", ports: [{name: http, containerPort: 8080}]}]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for service in graph.services.iter().filter(|service| !service.is_external()) {
        let pods: Vec<(usize, &Pod<'_>)> =
            service.pods.iter().map(|pod| (*pod, &graph.pods[*pod])).filter(|(_, pod)| !pod.is_job()).collect();
        let Some((_, first)) = pods.first() else { continue };
        let all = LazyCell::new(|| {
            let ports = pods.iter().flat_map(|(_, pod)| pod.running()).flat_map(|container| container.ports());
            ports.map(|(port, _)| port["name"].text()).collect::<Vec<&str>>()
        });
        let known = LazyCell::new(|| all.iter().copied().collect::<HashSet<&str>>());
        let named = LazyCell::new(|| all.iter().copied().filter(|name| !name.is_empty()).collect::<Vec<&str>>());
        for entry in service.ports() {
            let target = &entry["targetPort"];
            if let Some(name) = target.as_str().filter(|name| name.parse::<u16>().is_err()) {
                if known.contains(name) {
                    continue;
                }
                let names = &*named;
                let help = match (suggest::nearest(name, names.iter().copied()), names.is_empty()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, true) => "its containers name no ports: give the number".to_owned(),
                    (None, false) => format!("its containers name {}", suggest::list(names, "and")),
                };
                report
                    .at(
                        service.object,
                        target,
                        format!("no container of {} has a port named `{name}`", title(first.object)),
                    )
                    .related(first.object.span(), "selected")
                    .help(help);
                continue;
            }
            let number =
                target.as_i64().or_else(|| target.text().parse().ok()).or(entry["port"].as_i64()).unwrap_or_default();
            if (1..=65535).contains(&number) {
                numeric(
                    graph,
                    bundle,
                    service.object,
                    if target.is_set() { target } else { &entry["port"] },
                    number,
                    &pods,
                    report,
                );
            }
        }
    }
}

fn numeric(
    graph: &Graph<'_>,
    bundle: &Bundle<'_>,
    service: &crate::object::Object,
    place: &Node,
    number: i64,
    pods: &[(usize, &Pod<'_>)],
    report: &mut Report<'_>,
) {
    let mut declared: Vec<i64> = Vec::new();
    for (at, pod) in pods {
        for container in pod.running() {
            let before = declared.len();
            declared.extend(container.ports().map(|(_, port)| port));
            // A container that declares nothing may listen anywhere, unless its program is known.
            let usual = program(container.image()).and_then(scan::default_port).map(i64::from);
            if declared.len() == before {
                match usual {
                    Some(port) => declared.push(port),
                    None => return,
                }
            }
        }
        let known = graph.known(bundle.options).find(|view| view.at == *at);
        if known.is_some_and(|view| view.listens_on(number)) {
            return;
        }
        if mentions_number(pod, number) {
            return;
        }
    }
    if declared.contains(&number) {
        return;
    }
    declared.sort_unstable();
    declared.dedup();
    let shown: Vec<String> = declared.iter().map(i64::to_string).collect();
    let programs: Vec<_> =
        pods.iter().flat_map(|(_, pod)| pod.running()).map(|container| program(container.image())).collect();
    let certain = matches!(programs.as_slice(), [Some(_)]);
    report
        .at(service, place, format!("no container of {} has port {number}", title(pods[0].1.object)))
        .severity(if certain { Severity::Error } else { Severity::Warning })
        .related(pods[0].1.object.span(), "selected")
        .help(format!("its containers have {}", suggest::list(&shown, "and")));
}

/// Whether a pod names a number in its variables, arguments or probes: then it may well listen there.
fn mentions_number(pod: &Pod<'_>, number: i64) -> bool {
    let text = number.to_string();
    pod.running().any(|container| {
        container
            .words()
            .chain(container.env.iter().filter_map(|var| var.value))
            .any(|node| node.text().contains(&text))
            || ["readinessProbe", "livenessProbe", "startupProbe"].iter().any(|probe| {
                let probe = &container.node[*probe];
                [&probe["httpGet"]["port"], &probe["tcpSocket"]["port"], &probe["grpc"]["port"]]
                    .iter()
                    .any(|port| port.as_i64() == Some(number))
            })
    })
}
