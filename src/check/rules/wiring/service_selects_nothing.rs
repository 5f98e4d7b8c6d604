//! Rule `service-selects-nothing`.

use std::cell::LazyCell;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::rules::wiring::_selectors::{Domains, is_of_controller, is_set_by_others};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, MAX_PODS, Pod, ServiceObject, selects};
use crate::node::{Entry, Node};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceSelectsNothing,
    doc: Doc {
        checks: "\
Checks that the selector of a Service matches the labels of a pod template in its namespace. The
finding is a warning, since the pods may be created elsewhere (by an operator, by another file), and
an error if the manifests are complete (`--complete`, `--profile`, `render`). It is a note if the
manifests are not complete and the selector has a label with a domain that no pod template has,
which a controller probably sets. If an operator may run the pods, it is a note, or a warning if a
pod template has similar labels. Nothing is reported for labels that are set at run time, such as
that of a leader, and for labels of the domain of a custom resource among the manifests.",
        why: "The Service has no endpoints: its name resolves, and every connection is refused.",
        fix: "Correct the selector, or add the label to the pod template.",
        source: "\
https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service and
https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-have-any-endpointslices.",
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

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let running = LazyCell::new(|| {
        let mut running: HashMap<(&str, &str), &Pod<'_>> = HashMap::new();
        for pod in graph.pods.iter().filter(|pod| pod.is_long_running()) {
            running.entry((pod.namespace(), pod.object.name())).or_insert(pod);
        }
        running
    });
    let known_keys = LazyCell::new(|| -> HashSet<&str> {
        graph.pods.iter().flat_map(|pod| pod.labels.entries()).map(|label| label.key.as_str()).collect()
    });
    let domains = LazyCell::new(|| Domains::of(bundle.objects));
    let is_foreign = |label: &Entry| is_set_by_others(&label.key, label.value.text(), &domains);
    let selects_nothing = |service: &&ServiceObject<'_>| service.pods.is_empty() && !service.may_select_more();
    for service in graph.services.iter().filter(selects_nothing).filter(|service| !service.is_external()) {
        let selector = service.selector();
        let (object, namespace) = (service.object, service.object.namespace());
        if selector.entries().is_empty() || selector.entries().iter().any(is_foreign) {
            continue;
        }
        let same_name = running.get(&(namespace, object.name())).copied();
        let near = same_name.or_else(|| nearest(graph, selector, namespace));
        let (candidates, all) = graph.pods_with(selector, None);
        let elsewhere = (candidates.iter().map(|pod| &graph.pods[*pod]))
            .find(|pod| pod.namespace() != namespace && selects(selector, pod.labels));
        // If one has no namespace, `kubectl -n` may set the same one.
        if elsewhere.is_some_and(|pod| pod.namespace().is_empty() || namespace.is_empty()) {
            continue;
        }
        let message = format!("Service `{}` selects no pods", object.name());
        let is_of_controller = |label: &Entry| is_of_controller(&label.key, &|key| known_keys.contains(key));
        let is_set_by_controller = !bundle.options.complete && selector.entries().iter().any(is_of_controller);
        let severity = match bundle.absent() {
            _ if is_set_by_controller => Severity::Note,
            // An operator may run the pods.
            _ if graph.created.may_run_in(namespace) && near.is_none() => Severity::Note,
            _ if graph.created.may_run_in(namespace) => Severity::Warning,
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
                        "the selector requires `{}: {}`, but the pods have {has}",
                        entry.key,
                        entry.value.text()
                    ));
                }
            }
            (None, Some(pod)) => {
                draft
                    .related(pod.object.span(), "pods in another namespace")
                    .help("move the Service: it selects pods in its own namespace only");
            }
            (None, None) => {
                let scope = if all { "" } else { " in its namespace" };
                draft.help(format!("correct the selector: no pod template{scope} has all these labels"));
            }
        }
    }
}

/// The first pod with the same name label as a selector, unless its component label differs.
fn nearest<'g>(graph: &'g Graph<'_>, selector: &Node, namespace: &str) -> Option<&'g Pod<'g>> {
    let names = ["app", "app.kubernetes.io/name", "k8s-app", "name"];
    // `component: worker` and `component: web` differ intentionally.
    let has_other_component = |pod: &Pod<'_>| {
        selector.entries().iter().any(|entry| {
            entry.key.ends_with("component")
                && pod.labels.get(&entry.key).is_some_and(|label| label.text() != entry.value.text())
        })
    };
    let named = selector.entries().iter().filter(|entry| names.contains(&entry.key.as_str()));
    let first = named.filter_map(|entry| {
        let pods = graph.pods_labelled(entry, Some(namespace)).iter().copied();
        pods.take(MAX_PODS).find(|pod| graph.pods[*pod].is_long_running() && !has_other_component(&graph.pods[*pod]))
    });
    first.min().map(|pod| &graph.pods[pod])
}
