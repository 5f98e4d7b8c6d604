//! Rule `selector-matches-nothing`.

use std::cell::LazyCell;

use crate::check::rules::wiring::_selectors::{Consequence, Domains, SelectedKind, Selection, Selections};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SelectorMatchesNothing,
    doc: Doc {
        checks: "\
Checks that a selector matches something in its namespaces: that of a PodDisruptionBudget,
NetworkPolicy, ServiceMonitor, PodMonitor or Probe, and of the corresponding kinds of
VictoriaMetrics and Google. The selector of an Istio Gateway is reported if it almost matches a
workload among the manifests.

The finding is a warning, since what is selected may be applied from elsewhere. For a monitor it is
an error if the manifests are complete (`--complete`, `--profile`, `render`). It is a note if the
manifests are not complete and the selector has a label that a controller probably sets. Nothing is
reported if the manifests contain nothing of these namespaces, if an operator may run what is
selected, and for labels that are set at run time.",
        why: "\
The object is accepted and has no effect: no metrics are scraped, no pod is protected. A
ServiceMonitor selects Services by the labels of the Services (`metadata.labels`), not by those of
the pods; without a `namespaceSelector` it selects in its own namespace only.",
        fix: "Correct the selector, or add the label to the object that is meant.",
        source: "\
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors and
https://prometheus-operator.dev/docs/developer/getting-started/#using-servicemonitors.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", ports: [{containerPort: 80}]}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: http}]}
"#,
    good: "\
-metadata: {name: web}
-spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
+metadata: {name: web, labels: {app: web}}
+spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let selections = Selections::new(bundle);
    let domains = LazyCell::new(|| Domains::of(bundle.objects));
    for object in bundle.objects {
        let Some(selection) = selections.of(object) else { continue };
        if !selection.found.is_empty() || selection.is_cut || selection.is_foreign(&domains) {
            continue;
        }
        let near = selection.near();
        let elsewhere = selection.elsewhere();
        if let Some(severity) = severity(bundle, &selection, near, elsewhere) {
            report_selection(&selection, near, elsewhere, severity, report);
        }
    }
}

/// The severity of a selector that matches nothing; `None` if it may match objects without a manifest.
fn severity(
    bundle: &Bundle<'_>,
    selection: &Selection<'_, '_>,
    near: Option<usize>,
    elsewhere: Option<&Object>,
) -> Option<Severity> {
    let full = match selection.row.consequence {
        Consequence::NoEffect => bundle.absent(),
        Consequence::Harmless | Consequence::Platform => Severity::Warning,
    };
    let is_together = |object: &Object| bundle.are_together(object, selection.object);
    match near {
        Some(near) if is_together(selection.object_at(near)) => return Some(full),
        _ if selection.row.consequence == Consequence::Platform => return None,
        _ => {}
    }
    // An object in another namespace was meant.
    if elsewhere.is_some_and(is_together) {
        return Some(full);
    }
    match () {
        () if selection.may_select_others() || !selection.has_objects_in_namespaces() => None,
        () if !bundle.options.complete && selection.is_of_controller() => Some(Severity::Note),
        () => Some(full),
    }
}

fn report_selection(
    selection: &Selection<'_, '_>,
    near: Option<usize>,
    elsewhere: Option<&Object>,
    severity: Severity,
    report: &mut Report<'_>,
) {
    let object = selection.object;
    let (kind, name) = (object.kind(), object.name());
    let (nouns, noun) = match selection.row.selected_kind {
        SelectedKind::Pods => ("pods", "pod template"),
        SelectedKind::Services => ("Services", "Service"),
        SelectedKind::Ingresses => ("Ingresses", "Ingress"),
    };
    let message = format!("{kind} `{name}` selects no {nouns}");
    let draft = report.at(object, selection.selector, message).severity(severity);
    if let Some(near) = near {
        let labels = selection.labels_of(near);
        let is_wrong = |label: &&crate::node::Entry| labels[label.key.as_str()].text() != label.value.text();
        let title = title(selection.object_at(near));
        let draft = draft.related(selection.object_at(near).span(), format!("{title} was probably meant"));
        let Some(label) = selection.labels().iter().find(is_wrong) else { return };
        let required = format!("{}: {}", label.key, label.value.text());
        draft.place(label.value.origin.span).help(match labels.get(&label.key) {
            Some(has) => format!("the selector requires `{required}`, but {title} has `{}: {}`", label.key, has.text()),
            None if selection.row.selected_kind == SelectedKind::Pods => {
                format!("the selector requires `{required}`, but the pods of {title} do not have this label")
            }
            None => {
                format!("add `{required}` to `metadata.labels` of {title}: a {kind} selects by the labels of the {noun} itself")
            }
        });
        return;
    }
    match elsewhere {
        Some(found) => {
            let namespace = found.namespace();
            let help = match selection.namespaces() {
                Some(field) => format!("add `{namespace}` to `{field}.matchNames`"),
                None => format!("move it: a {kind} selects in its own namespace only"),
            };
            draft
                .related(found.span(), format!("{} in namespace `{namespace}` has these labels", title(found)))
                .help(help);
        }
        None => {
            draft.help(format!("correct the selector: no {noun} has all these labels"));
        }
    }
}
