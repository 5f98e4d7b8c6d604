//! Rule `env-refused`.

use crate::check::rules::wiring::_images::{OfficialImage, official_images};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Graph;
use crate::software::ForbiddenVariable;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvRefused,
    doc: Doc {
        checks: "\
Checks for environment variables that make a public image exit: `MYSQL_USER=root` for MySQL,
variables that configuration files have replaced for RabbitMQ, a password of fewer than 8 characters
for MinIO, `KAFKA_PORT` for Confluent's Kafka image. `KAFKA_PORT` is also reported, as a warning, if
a Service named `kafka` in the namespace sets it in every pod (service links).

The finding is an error. It is a warning if the image checks the variable only while its data
directory is empty, and that directory is on a volume that may already contain data. Variables with
an empty value count as unset. Nothing is reported for Jobs, and if the container overrides the
`command` of the image.",
        why: "\
The entrypoint of the image rejects the variable and exits, and the pod ends up in
`CrashLoopBackOff`.",
        fix: "\
Remove or change the variable as the help says; for variables of a Service set
`enableServiceLinks: false` in the pod.",
        source: "\
The pages that `software/` names for each image, listed in docs/services.md, and
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.",
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
            check_variable(report, &image, refusal);
            check_service_link(report, graph, &image, refusal);
        }
    }
}

fn check_variable(report: &mut Report<'_>, image: &OfficialImage<'_, '_>, refusal: &ForbiddenVariable) {
    let Some(var) = image.container.var(&refusal.env) else { return };
    let text = var.text.as_deref();
    let is_refused = match (text, &refusal.value, refusal.min_length) {
        (Some(text), Some(value), _) => text == value,
        (Some(text), None, Some(least)) => !text.is_empty() && text.chars().count() < least,
        // An empty value counts as unset.
        (Some(text), None, None) => !text.is_empty(),
        (None, value, least) => value.is_none() && least.is_none(),
    };
    if !is_refused {
        return;
    }
    let (name, software) = (&refusal.env, &image.software.name);
    let message = match (&refusal.value, refusal.min_length) {
        (Some(value), _) => format!("{software} exits if `{name}` is `{value}`"),
        (None, Some(least)) => format!("{software} exits if `{name}` has fewer than {least} characters"),
        (None, None) => format!("{software} exits if `{name}` is set"),
    };
    let node = if var.own { &var.entry["name"] } else { var.entry };
    report
        .at(image.pod.object, node, message)
        .severity(image.severity(refusal.only_when_empty))
        .help(refusal.instead.clone());
}

/// Checks a variable that the kubelet sets for a Service in the namespace: `KAFKA_PORT` for `kafka`.
fn check_service_link(
    report: &mut Report<'_>,
    graph: &Graph<'_>,
    image: &OfficialImage<'_, '_>,
    refusal: &ForbiddenVariable,
) {
    let links = image.pod.spec["enableServiceLinks"].as_bool() != Some(false);
    let Some(name) = refusal.env.strip_suffix("_PORT").filter(|_| links && refusal.value.is_none()) else { return };
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is_set = image.container.var(&refusal.env).is_some();
    let Some(service) = graph.service(image.pod.namespace(), &name).map(|at| &graph.services[at]) else { return };
    if is_set || service.is_headless() || service.is_external() {
        return;
    }
    let message = format!(
        "{} exits if `{}` is set, and the kubelet sets it for Service `{name}`",
        image.software.name, refusal.env
    );
    report
        .at(image.pod.object, &image.container.node["name"], message)
        .severity(Severity::Warning)
        .related(service.object.span(), "the Service")
        .help("set `enableServiceLinks: false` in the pod");
}
