//! Rule `env-refused`.

use crate::check::rules::wiring::_images::{OfficialImage, official_images};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Graph;
use crate::software::Refusal;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvRefused,
    doc: Doc {
        checks: "\
A public image stops when it finds a variable, or a value of it: MySQL refuses `MYSQL_USER=root`,
RabbitMQ variables that configuration files replaced, MinIO a password of less than 8 characters,
the image of Confluent for Kafka `KAFKA_PORT`, which a Service named `kafka` sets in every pod of
its namespace. Do what the help says. Sources: the pages that `software/` names for each image; they
are listed in docs/services.md.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers:
  - name: db
    image: mysql:8.4
    env: [{name: MYSQL_ROOT_PASSWORD, value: example}, {name: MYSQL_USER, value: root}, {name: MYSQL_PASSWORD, value: example}]
"#,
    good: r#"-    env: [{name: MYSQL_ROOT_PASSWORD, value: example}, {name: MYSQL_USER, value: root}, {name: MYSQL_PASSWORD, value: example}]
+    env: [{name: MYSQL_ROOT_PASSWORD, value: example}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for image in official_images(graph) {
        let refused = image.software.refused.iter();
        for refusal in refused.filter(|refusal| image.tag.is_within(refusal.since.as_ref(), refusal.until.as_ref())) {
            of_variable(report, &image, refusal);
            of_service_link(report, graph, &image, refusal);
        }
    }
}

fn of_variable(report: &mut Report<'_>, image: &OfficialImage<'_, '_>, refusal: &Refusal) {
    let Some(var) = image.container.var(&refusal.env) else { return };
    let text = var.text.as_deref();
    let is_refused = match (text, &refusal.value, refusal.min_length) {
        (Some(text), Some(value), _) => text == value,
        (Some(text), None, Some(least)) => !text.is_empty() && text.chars().count() < least,
        // A variable that is set to nothing is as good as not set.
        (Some(text), None, None) => !text.is_empty(),
        (None, value, least) => value.is_none() && least.is_none(),
    };
    if !is_refused {
        return;
    }
    let (name, software) = (&refusal.env, &image.software.name);
    let message = match (&refusal.value, refusal.min_length) {
        (Some(value), _) => format!("{software} stops when `{name}` is `{value}`"),
        (None, Some(least)) => format!("{software} stops when `{name}` has less than {least} characters"),
        (None, None) => format!("{software} stops when `{name}` is set"),
    };
    let node = if var.own { &var.entry["name"] } else { var.entry };
    report
        .at(image.pod.object, node, message)
        .severity(image.severity(refusal.only_when_empty))
        .help(refusal.instead.clone());
}

/// A variable that the kubelet sets for a Service of the namespace: `KAFKA_PORT` for `kafka`.
fn of_service_link(report: &mut Report<'_>, graph: &Graph<'_>, image: &OfficialImage<'_, '_>, refusal: &Refusal) {
    let links = image.pod.spec["enableServiceLinks"].as_bool() != Some(false);
    let Some(name) = refusal.env.strip_suffix("_PORT").filter(|_| links && refusal.value.is_none()) else { return };
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is_set = image.container.var(&refusal.env).is_some();
    let Some(service) = graph.service(image.pod.namespace(), &name).map(|at| &graph.services[at]) else { return };
    if is_set || service.is_headless() || service.is_external() {
        return;
    }
    let message = format!("{} stops when `{}` is set, as it is for Service `{name}`", image.software.name, refusal.env);
    report
        .at(image.pod.object, &image.container.node["name"], message)
        .severity(Severity::Warning)
        .related(service.object.span(), "the Service")
        .help("set enableServiceLinks to false in the pod");
}
