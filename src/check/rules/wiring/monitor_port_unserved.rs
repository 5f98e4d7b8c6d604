//! Rule `monitor-port-unserved`.

use foldhash::HashSet;

use crate::check::rules::wiring::_selectors::{SelectedKind, Selection, Selections};
use crate::check::rules::wiring::_shared::{is_injected, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, Pod};
use crate::node::Node;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MonitorPortUnserved,
    doc: Doc {
        checks: "\
Checks that the ports of a monitor exist. An endpoint of a ServiceMonitor must name a `port` of a
selected Service, or a `targetPort` that a container behind it declares; an endpoint of a PodMonitor
a `port`, `portNumber` or `targetPort` that a container of the selected pods declares.

The finding is an error if the monitor and what it selects are in one file, or the manifests are
complete (`--complete`, `--profile`, `render`), and the monitor selects in its own namespace only;
otherwise it is a warning. Pods with injected sidecars are not checked.",
        why: "\
Prometheus finds targets by the ports that Services and containers declare, and keeps those with
this name or number. If there is none, nothing is scraped, and there is no error message. The `port`
of a ServiceMonitor is the name of a port of the Service, never its number.",
        fix: "Use the name of the port of the Service or container, or give the port that name.",
        source: "\
https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Endpoint and
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: metrics}]}
"#,
    good: "\
-spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: metrics}]}
+spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: http}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let selections = Selections::new(bundle);
    for object in bundle.objects {
        let Some(selection) = selections.of(object) else { continue };
        let Some(endpoints) = selection.row.endpoints else { continue };
        // An empty selector matches other objects as well.
        let is_open = !bundle.options.complete && selection.labels().is_empty();
        if selection.found.is_empty() || selection.is_cut || is_open {
            continue;
        }
        let between = selection.found.iter().map(|at| bundle.between(object, selection.object_at(*at))).min();
        let severity = between.filter(|_| selection.is_exact()).unwrap_or(Severity::Warning);
        let ports = Ports::of(bundle.graph(), &selection);
        for endpoint in object.node["spec"][endpoints].items() {
            if let Some((node, what)) = ports.missing(endpoint) {
                let nearest = |text| suggest::nearest(text, what.names.iter().copied());
                let near = node.as_str().and_then(nearest).map(|near| format!("did you mean `{near}`?"));
                // An operator may create objects with this port.
                if near.is_none() && selection.may_select_others() {
                    continue;
                }
                let port = match node.as_str() {
                    Some(name) => format!("port named `{name}`"),
                    None => format!("port {}", node.as_i64().unwrap_or_default()),
                };
                report
                    .at(object, node, format!("{} no {port}", what.owners))
                    .label("nothing is scraped")
                    .severity(severity)
                    .related(selection.object_at(selection.found[0]).span(), "selected")
                    .help(near.unwrap_or_else(|| what.help(node.as_str().is_some())));
            }
        }
    }
}

/// The ports that a field can name.
#[derive(Default)]
struct Declared<'a> {
    /// The owners of the ports and a verb, to which "no port" is appended.
    owners: String,
    names: Vec<&'a str>,
    unique_names: HashSet<&'a str>,
    numbers: HashSet<i64>,
}

impl<'a> Declared<'a> {
    fn new(owners: String, ports: impl Iterator<Item = (&'a Node, Option<i64>)>) -> Self {
        let mut declared = Self { owners, ..Self::default() };
        for (port, number) in ports {
            let name = port["name"].text();
            if !name.is_empty() && declared.unique_names.insert(name) {
                declared.names.push(name);
            }
            declared.numbers.extend(number);
        }
        declared
    }

    fn has(&self, port: &Node) -> bool {
        match (port.as_str(), port.as_i64()) {
            (Some(name), _) => self.unique_names.contains(name),
            (None, Some(number)) => self.numbers.contains(&number),
            _ => true,
        }
    }

    fn help(&self, by_name: bool) -> String {
        let mut numbers: Vec<i64> = self.numbers.iter().copied().collect();
        numbers.sort_unstable();
        match (self.names.as_slice(), by_name) {
            ([], true) => "name the port".to_owned(),
            (names, true) => format!("use the name of one of its ports: {}", suggest::list(names, "or")),
            (_, false) if numbers.is_empty() => "declare the port in a container".to_owned(),
            (_, false) => {
                format!(
                    "use a port that its containers declare: {}",
                    suggest::list(numbers.iter().map(i64::to_string), "or")
                )
            }
        }
    }
}

/// The ports of the objects that a monitor selects.
struct Ports<'a> {
    services: Option<Declared<'a>>,
    /// `None` if not all pods are known.
    containers: Option<Declared<'a>>,
}

impl<'a> Ports<'a> {
    fn of(graph: &Graph<'a>, selection: &Selection<'_, 'a>) -> Self {
        let first = title(selection.object_at(selection.found[0]));
        match selection.row.selected_kind {
            SelectedKind::Services => {
                let services: Vec<_> = selection.found.iter().map(|at| &graph.services[*at]).collect();
                let ports =
                    services.iter().flat_map(|service| service.ports()).map(|port| (port, port["port"].as_i64()));
                let owners = match services.len() {
                    1 => format!("{first} has"),
                    _ => "the selected Services have".to_owned(),
                };
                let is_known = services.iter().all(|service| !service.pods.is_empty() && !service.may_select_more());
                let pods = services.iter().flat_map(|service| &service.pods).map(|at| &graph.pods[*at]).collect();
                let containers = if is_known { containers(graph, pods) } else { None };
                Self { services: Some(Declared::new(owners, ports)), containers }
            }
            SelectedKind::Pods => {
                let pods = selection.found.iter().map(|at| &graph.pods[*at]).collect();
                Self { services: None, containers: containers(graph, pods) }
            }
            SelectedKind::Ingresses => Self { services: None, containers: None },
        }
    }

    /// The field of an endpoint whose port does not exist, and the ports that do.
    fn missing<'n>(&self, endpoint: &'n Node) -> Option<(&'n Node, &Declared<'a>)> {
        let fields = match &self.services {
            Some(services) => [("port", Some(services)), ("targetPort", self.containers.as_ref()), ("", None)],
            None => ["port", "portNumber", "targetPort"].map(|field| (field, self.containers.as_ref())),
        };
        // The first field that is set counts.
        let (field, declared) = fields.into_iter().find(|(field, _)| endpoint[*field].is_set())?;
        let port = &endpoint[field];
        // `port` is a name, and the CustomResourceDefinition rejects a number. The `port` of Google's kinds may be a number that
        // no container declares.
        let is_number = field == "port" && port.as_i64().is_some();
        declared.filter(|declared| !is_number && !declared.has(port)).map(|declared| (port, declared))
    }
}

/// The ports that the containers of some pods declare; `None` if injected sidecars may have others.
fn containers<'a>(graph: &Graph<'a>, pods: Vec<&Pod<'a>>) -> Option<Declared<'a>> {
    let first = title(pods.first()?.object);
    if pods.iter().any(|pod| is_injected(graph, pod)) {
        return None;
    }
    let ports = pods.iter().flat_map(|pod| &pod.containers).flat_map(|container| container.ports());
    Some(Declared::new(format!("the containers of {first} have"), ports.map(|(port, number)| (port, Some(number)))))
}
