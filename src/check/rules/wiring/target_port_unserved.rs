//! Rule `target-port-unserved`.

use std::cell::{LazyCell, OnceCell};

use foldhash::HashSet;

use crate::check::rules::wiring::_shared::{is_injected, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Pod, ServiceContainer};
use crate::node::Node;
use crate::software::program;
use crate::suggest;
use crate::text::scan;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TargetPortUnserved,
    doc: Doc {
        checks: "\
Checks that a selected container has the `targetPort` of a Service. A name must be the name of a
port of a container: otherwise the finding is an error. A number need not be declared: the finding
is a warning if the containers declare other ports, and no probe, variable or argument contains the
number. It is an error if the pod has a single container whose program is known.

All of these are warnings if the Service and the pods are in different files, unless the manifests
are complete (`--complete`, `--profile`, `render`). Pods with injected sidecars, and Jobs, are not
checked.",
        why: "\
A named port that no pod has leaves the Service without endpoints for it. On a port where nothing
listens, connections are refused.",
        fix: "Use the name or number of a port of the container, or declare the port.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports.",
    },
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
    good: "\
-spec: {selector: {app: web}, ports: [{port: 80, targetPort: web}]}
+spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let all_ports: Vec<OnceCell<PodPorts<'_>>> = graph.pods.iter().map(|_| OnceCell::new()).collect();
    for service in graph.services.iter().filter(|service| !service.is_external() && !service.may_select_more()) {
        let pods: Vec<(usize, &Pod<'_>)> =
            service.pods.iter().map(|pod| (*pod, &graph.pods[*pod])).filter(|(_, pod)| !pod.is_job()).collect();
        let Some((_, first)) = pods.first() else { continue };
        // Injected sidecars have their own ports.
        if pods.iter().any(|(_, pod)| is_injected(graph, pod)) {
            continue;
        }
        let severity = pods.iter().map(|(_, pod)| bundle.between(service.object, pod.object)).min();
        let severity = severity.unwrap_or(Severity::Warning);
        let all_ports: Vec<&PodPorts<'_>> =
            pods.iter().map(|(at, pod)| all_ports[*at].get_or_init(|| PodPorts::of(bundle, *at, pod))).collect();
        // Computed once, when the first port is missing.
        let named = LazyCell::new(|| named(&all_ports));
        let declared = LazyCell::new(|| declared(&all_ports));
        for entry in service.ports() {
            let target = &entry["targetPort"];
            if let Some(name) = target.as_str().filter(|name| name.parse::<u16>().is_err()) {
                if all_ports.iter().any(|ports| ports.known.contains(name)) {
                    continue;
                }
                let names = all_ports.iter().flat_map(|ports| &ports.names).copied();
                let near = suggest::nearest(name, names).map(|near| format!("did you mean `{near}`?"));
                let help = near.unwrap_or_else(|| named.clone());
                report
                    .at(
                        service.object,
                        target,
                        format!("no container of {} has a port named `{name}`", title(first.object)),
                    )
                    .severity(severity)
                    .related(first.object.span(), "selected by the Service")
                    .help(help);
                continue;
            }
            let number =
                target.as_i64().or_else(|| target.text().parse().ok()).or(entry["port"].as_i64()).unwrap_or_default();
            if (1..=65535).contains(&number) && !all_ports.iter().any(|ports| ports.may_serve(number)) {
                let node = if target.is_set() { target } else { &entry["port"] };
                let is_certain = matches!(all_ports.as_slice(), [ports] if ports.is_certain);
                report
                    .at(service.object, node, format!("no container of {} has port {number}", title(first.object)))
                    .severity(if is_certain { severity } else { Severity::Warning })
                    .related(first.object.span(), "selected by the Service")
                    .help(declared.as_str());
            }
        }
    }
}

/// The help with the names of the ports of some pods.
fn named(all_ports: &[&PodPorts<'_>]) -> String {
    match suggest::list(all_ports.iter().flat_map(|ports| &ports.names), "or") {
        names if names.is_empty() => "use the number: the containers have no named ports".to_owned(),
        names => format!("use the name of one of its ports: {names}"),
    }
}

/// The help with the ports that some pods declare.
fn declared(all_ports: &[&PodPorts<'_>]) -> String {
    let mut declared: Vec<i64> = all_ports.iter().flat_map(|ports| &ports.declared).copied().collect();
    declared.sort();
    declared.dedup();
    format!("use a port of its containers: {}", suggest::list(declared.iter().map(i64::to_string), "or"))
}

/// The ports on which a pod listens, as far as they are known.
#[derive(Default)]
struct PodPorts<'a> {
    /// The names of its ports, in order.
    names: Vec<&'a str>,
    /// The same names as a set; contains the empty string if a port has no name.
    known: HashSet<&'a str>,
    /// The ports it declares, sorted; for a container without ports, the default port of its program.
    declared: Vec<i64>,
    /// Whether it may listen on any port: a container declares no ports, and its program is unknown.
    is_open: bool,
    /// Whether it has one container, and its program is known.
    is_certain: bool,
    /// The ports of its probes.
    probed: HashSet<i64>,
    /// The numbers in its variables and arguments, which may be ports.
    mentioned: HashSet<&'a str>,
    /// The known service it runs.
    view: Option<ServiceContainer<'a, 'a>>,
}

impl<'a> PodPorts<'a> {
    fn of(bundle: &'a Bundle<'_>, at: usize, pod: &'a Pod<'a>) -> Self {
        let mut ports = Self { view: bundle.graph().known_of(at).next(), ..Self::default() };
        for container in pod.running() {
            let usual = program(container.image()).and_then(scan::default_port).map(i64::from);
            match container.ports().next() {
                Some(_) => ports.declared.extend(container.ports().map(|(_, port)| port)),
                None => ports.declared.extend(usual),
            }
            ports.is_open |= container.ports().next().is_none() && usual.is_none();
            ports.names.extend(container.ports().map(|(port, _)| port["name"].text()));
            ports.probed.extend(container.probe_ports().filter_map(Node::as_i64));
            let texts = container.words().chain(container.env.iter().filter_map(|var| var.value));
            texts.for_each(|node| ports.mentioned.extend(digits(node.text())));
        }
        let programs: Vec<_> = pod.running().take(2).map(|container| program(container.image())).collect();
        ports.is_certain = matches!(programs.as_slice(), [Some(_)]);
        ports.known = ports.names.iter().copied().collect();
        ports.names.retain(|name| !name.is_empty());
        ports.declared.sort_unstable();
        ports
    }

    /// Whether it may listen on a port: one that is declared, or in its variables, arguments or probes.
    fn may_serve(&self, number: i64) -> bool {
        self.is_open
            || self.declared.binary_search(&number).is_ok()
            || self.probed.contains(&number)
            || self.mentioned.contains(number.to_string().as_str())
            || self.view.is_some_and(|view| view.listens_on(number))
    }
}

/// All sequences of up to five digits in a string, including those within longer ones.
fn digits(text: &str) -> impl Iterator<Item = &str> {
    let run = |start: usize| text[start..].bytes().take(5).take_while(u8::is_ascii_digit).count();
    let starts = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(start, _)| start);
    starts.flat_map(move |start| (1..=run(start)).map(move |length| &text[start..start + length]))
}
