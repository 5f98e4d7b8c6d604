//! Rule `service-selects-nothing`.

use std::cell::LazyCell;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, MOST_PODS, Pod, ServiceObject, selects};
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceSelectsNothing,
    doc: Doc {
        checks: "\
No pod template in the Service's namespace has all the labels of its selector, so the name resolves
and every connection fails. It is a warning, since the pods may be made elsewhere (by an operator,
in another file), and an error where the manifests are whole (`--complete`, `--profile`, `render`).
Labels that a program puts on its own pod, such as a leader's, are not missed.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: website}}
  template:
    metadata: {labels: {app: website}}
    spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
"#,
    good: "\
-spec: {selector: {app: web}, ports: [{port: 80}]}
+spec: {selector: {app: website}, ports: [{port: 80}]}
",
    check: Check::Bundle(check),
};

/// Labels that controllers put on pods while they run.
const RUNTIME: &[&str] = &[
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-revision-hash",
    "pod-template-hash",
];

/// Words of labels, and of their values, that a program puts on its own pod when it is elected or becomes ready.
const ELECTED: &[&str] = &[
    "active",
    "initialized",
    "leader",
    "master",
    "primary",
    "ready",
    "replica",
    "role",
    "sealed",
    "secondary",
    "slave",
    "standby",
    "writer",
];

/// Whether a label is put on pods while they run.
fn is_set_at_run_time(label: &Entry) -> bool {
    let is_elected = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| ELECTED.iter().any(|known| word.eq_ignore_ascii_case(known)) || word.ends_with("Role"))
    };
    let conventional = label.key.starts_with("app.kubernetes.io/") || label.key == "app" || label.key == "name";
    RUNTIME.contains(&label.key.as_str()) || is_elected(&label.key) || !conventional && is_elected(label.value.text())
}

/// The last two labels of a domain, but of those that all of Kubernetes shares.
fn domain(name: &str) -> &str {
    let at = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    match &name[at..] {
        "k8s.io" | "kubernetes.io" => name,
        domain => domain,
    }
}

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let running = LazyCell::new(|| {
        let mut running: HashMap<(&str, &str), &Pod<'_>> = HashMap::new();
        for pod in graph.pods.iter().filter(|pod| pod.is_long_running()) {
            running.entry((pod.namespace(), pod.object.name())).or_insert(pod);
        }
        running
    });
    let known = LazyCell::new(|| -> HashSet<&str> {
        graph.pods.iter().flat_map(|pod| pod.labels.entries()).map(|label| label.key.as_str()).collect()
    });
    // Controllers put labels of their own domain on pods that they make, which no manifest shows.
    let domains = LazyCell::new(|| -> HashSet<&str> {
        let groups = bundle.objects.iter().filter(|object| object.is_custom()).map(Object::group);
        groups.flat_map(|group| [domain(group), group.split('.').next().unwrap_or(group)]).collect()
    });
    let is_of_operator = |label: &Entry| {
        label.key.split_once('/').is_some_and(|(prefix, _)| {
            domains.contains(domain(prefix)) || domains.contains(prefix.split('.').next().unwrap_or(prefix))
        })
    };
    let empty = |service: &&ServiceObject<'_>| service.pods.is_empty() && !service.may_select_more();
    for service in graph.services.iter().filter(empty).filter(|service| !service.is_external()) {
        let selector = service.selector();
        let (object, namespace) = (service.object, service.object.namespace());
        if selector.entries().is_empty() || selector.entries().iter().any(is_set_at_run_time) {
            continue;
        }
        if selector.entries().iter().any(is_of_operator) {
            continue;
        }
        let twin = running.get(&(namespace, object.name())).copied();
        let near = twin.or_else(|| nearest(graph, selector, namespace));
        let (candidates, all) = graph.pods_with(selector, None);
        let elsewhere = (candidates.iter().map(|pod| &graph.pods[*pod]))
            .find(|pod| pod.namespace() != namespace && selects(selector, pod.labels));
        // Where one of them names no namespace, `kubectl -n` may put them together.
        if elsewhere.is_some_and(|pod| pod.namespace().is_empty() || namespace.is_empty()) {
            continue;
        }
        let message = format!("Service `{}` selects no pods", object.name());
        // A label of a domain that no pod template has is a controller's, which makes the pods or marks them.
        let is_of_controller = |label: &Entry| {
            label.key.contains('/')
                && !label.key.starts_with("app.kubernetes.io/")
                && !known.contains(label.key.as_str())
        };
        let is_made = !bundle.options.whole && selector.entries().iter().any(is_of_controller);
        let severity = match bundle.absent() {
            _ if is_made => Severity::Note,
            _ if graph.made.may_run_in(namespace) => Severity::Warning,
            severity => severity,
        };
        let draft = report.at(object, selector, message).severity(severity);
        match (near, elsewhere) {
            (Some(pod), _) => {
                let wrong = selector
                    .entries()
                    .iter()
                    .find(|entry| pod.labels.get(&entry.key).is_none_or(|label| label.text() != entry.value.text()));
                let draft = draft.related(pod.labels.origin.span, format!("the labels of {}", title(pod.object)));
                if let Some(entry) = wrong {
                    let has = pod.labels.get(&entry.key).map_or_else(
                        || "no such label".to_owned(),
                        |label| format!("`{}: {}`", entry.key, label.text()),
                    );
                    draft.place(entry.value.origin.span).help(format!(
                        "the selector wants `{}: {}`; the pods have {has}",
                        entry.key,
                        entry.value.text()
                    ));
                }
            }
            (None, Some(pod)) => {
                draft
                    .related(pod.object.span(), "its pods are in another namespace")
                    .help("a Service selects pods of its own namespace only");
            }
            (None, None) => {
                let place = if all { "here" } else { "in its namespace" };
                draft.help(format!("no pod template {place} has all these labels"));
            }
        }
    }
}

/// The first pod that has the label that names it in common with a selector, and nothing else tells them apart on
/// purpose.
fn nearest<'g>(graph: &'g Graph<'_>, selector: &Node, namespace: &str) -> Option<&'g Pod<'g>> {
    let names = ["app", "app.kubernetes.io/name", "k8s-app", "name"];
    // `component: worker` beside `component: web` is meant.
    let different = |pod: &Pod<'_>| {
        selector.entries().iter().any(|entry| {
            entry.key.ends_with("component")
                && pod.labels.get(&entry.key).is_some_and(|label| label.text() != entry.value.text())
        })
    };
    let named = selector.entries().iter().filter(|entry| names.contains(&entry.key.as_str()));
    let first = named.filter_map(|entry| {
        let pods = graph.pods_labelled(entry, Some(namespace)).iter().copied();
        pods.take(MOST_PODS).find(|pod| graph.pods[*pod].is_long_running() && !different(&graph.pods[*pod]))
    });
    first.min().map(|pod| &graph.pods[pod])
}
