//! Rule `probe-path-wrong-endpoint`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, ServiceContainer};
use crate::node::Node;
use crate::object::{ContainerRole, Object};
use crate::software::{self, Tag};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbePathWrongEndpoint,
    doc: Doc {
        checks: "\
Checks that a readiness probe of a known service does not use its liveness endpoint, and a liveness
probe not its readiness endpoint. For public images it reports a path that this version serves on
another port, if the port of the probe is that of another version. The finding is a warning.",
        why: "\
A readiness probe on the liveness endpoint passes before the service can serve, so traffic arrives
too early. A liveness probe on the readiness endpoint restarts the container whenever something that
it depends on is unavailable.",
        fix: "\
Use the readiness endpoint for the readiness probe and the liveness endpoint for the liveness probe.",
        source: "\
The descriptions in docs/services.md and
https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: notification-config, namespace: kubernaut-system}
data:
  config.yaml: |
    controller: {metricsAddr: ":9090", healthProbeAddr: ":8081"}
    delivery: {console: {enabled: true}}
    datastorage: {url: "http://data-storage-service:8080"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: notification-controller, namespace: kubernaut-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notification-controller, namespace: kubernaut-system}
spec:
  selector: {matchLabels: {app: notification}}
  template:
    metadata: {labels: {app: notification}}
    spec:
      serviceAccountName: notification-controller
      containers:
      - name: notification
        image: quay.io/acme/kubernaut-notification:v1
        args: ["--config=/etc/notification/config.yaml"]
        readinessProbe: {httpGet: {path: /healthz, port: 8081}}
        volumeMounts: [{name: config, mountPath: /etc/notification}]
      volumes: [{name: config, configMap: {name: notification-config}}]
"#,
    good: r#"-        readinessProbe: {httpGet: {path: /healthz, port: 8081}}
+        readinessProbe: {httpGet: {path: /readyz, port: 8081}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        for (probe, ready, other) in [("readinessProbe", true, "liveness"), ("livenessProbe", false, "readiness")] {
            check_service(report, &view, probe, ready, other);
        }
    }
    for pod in graph.pods.iter().filter(|pod| pod.is_long_running()) {
        let runs = |container: &&Container<'_>| matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar);
        for container in pod.containers.iter().filter(runs) {
            check_software(report, pod.object, container);
        }
    }
}

/// The path of a probe, without its query, and its node.
fn path(get: &Node) -> (&str, &Node) {
    let path = get["path"].as_str().unwrap_or("/");
    (path.split('?').next().unwrap_or(path), if get["path"].is_set() { &get["path"] } else { get })
}

fn check_service(report: &mut Report<'_>, view: &ServiceContainer<'_, '_>, probe: &str, ready: bool, other: &str) {
    let get = &view.container.node[probe]["httpGet"];
    if get.is_null() {
        return;
    }
    let port = get["port"].as_i64().or_else(|| view.container.port_named(get["port"].text()));
    let (path, node) = path(get);
    let here = || view.listeners().filter(|(open, _)| Some(*open) == port);
    let (mut right, mut wrong) = (Vec::new(), false);
    for (_, end) in here() {
        let (own, others) = if ready { (&end.ready, &end.live) } else { (&end.live, &end.ready) };
        right.extend(own.iter().map(String::as_str));
        wrong |= others.iter().any(|known| known == path);
    }
    if !wrong || right.is_empty() || right.contains(&path) {
        return;
    }
    let message = format!("{probe} uses the {other} endpoint of {}", view.service.name);
    report
        .at(view.object(), node, message)
        .severity(Severity::Warning)
        .label(if ready { "passes before the service can serve" } else { "fails while a dependency is unavailable" })
        .help(format!("use {}", suggest::list(&right, "or")));
}

/// Reports a path that an official image serves on another port.
fn check_software(report: &mut Report<'_>, object: &Object, container: &Container<'_>) {
    let Some(software) = software::official(container.image()) else { return };
    let tag = Tag::of(container.image());
    let probes = || software.probes.iter().filter(|probe| tag.is_within(probe.since.as_ref(), probe.until.as_ref()));
    let Some(known) = probes().find_map(|probe| probe.port) else { return };
    // Ports can be configured, so only the port of another version is certainly wrong.
    let old: Vec<u16> = software.probes.iter().filter_map(|probe| probe.port).filter(|port| *port != known).collect();
    for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
        let get = &container.node[probe]["httpGet"];
        let port = get["port"].as_i64().or_else(|| container.port_named(get["port"].text()));
        let (path, _) = path(get);
        let serves =
            probes().any(|probe| [&probe.ready, &probe.live].iter().any(|known| known.as_deref() == Some(path)));
        let is_old = port.is_some_and(|port| old.iter().any(|known| i64::from(*known) == port));
        if serves && is_old {
            let message = format!("{} serves `{path}` on port {known}", software.name);
            report
                .at(object, &get["port"], message)
                .severity(Severity::Warning)
                .label("the port of another version")
                .help(format!("use port {known}"));
        }
    }
}
