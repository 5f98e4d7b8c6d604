//! Rule `image-port-unserved`.

use crate::check::rules::wiring::_images::{OfficialImage, official_images};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, MountSource};
use crate::node::Node;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImagePortUnserved,
    doc: Doc {
        checks: "\
Checks that the port of a probe or the target port of a Service is one on which a public image
listens by default. `nginx-unprivileged` listens on 8080, Grafana on 3000. The finding is a warning.
Nothing is reported if something in the pod may configure another port: an argument, a variable with
the number or of unknown value, or a mounted file; and for the Services of a pod with several
containers.",
        why: "The probe fails, or connections through the Service are refused.",
        fix: "Use the port on which the image listens, or configure the other port.",
        source: "The pages that `software/` names for each image, listed in docs/services.md.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginxinc/nginx-unprivileged:1.27
    ports: [{containerPort: 80}]
    readinessProbe: {httpGet: {path: /, port: 80}}
"#,
    good: r#"-    ports: [{containerPort: 80}]
-    readinessProbe: {httpGet: {path: /, port: 80}}
+    ports: [{containerPort: 8080}]
+    readinessProbe: {httpGet: {path: /, port: 8080}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for image in official_images(graph).filter(|image| !image.software.ports.is_empty()) {
        let used = used_ports(graph, &image);
        for (object, node, port) in used.into_iter().filter(|(.., port)| is_unserved(&image, *port)) {
            let ports: Vec<String> = image.software.ports.iter().map(u16::to_string).collect();
            let message = format!("{} does not listen on port {port} by default", image.software.name);
            report
                .at(object, node, message)
                .severity(Severity::Warning)
                .related(image.container.node["image"].origin.span, "the image")
                .help(format!("use the port on which it listens: {}", suggest::list(&ports, "or")));
        }
    }
}

/// Whether the image does not listen on a port by default, and nothing in the pod may configure it.
fn is_unserved(image: &OfficialImage<'_, '_>, port: i64) -> bool {
    let container = image.container;
    let digits = port.to_string();
    let listens = image.software.ports.iter().any(|known| i64::from(*known) == port)
        || image.software.probes.iter().filter_map(|probe| probe.port).any(|known| i64::from(known) == port);
    let may_be_configured = !container.node["args"].items().is_empty()
        || container.env_open
        || container.env.iter().any(|var| var.text.as_deref().is_none_or(|text| text.contains(&digits)))
        || container.mounts.iter().any(|mount| !matches!(&mount.source, MountSource::Opaque(volume) if volume["emptyDir"].is_set() || volume["persistentVolumeClaim"].is_set()));
    !listens && !may_be_configured
}

/// The ports that probes and Services use, each with its node.
fn used_ports<'a>(graph: &Graph<'a>, image: &OfficialImage<'_, 'a>) -> Vec<(&'a crate::object::Object, &'a Node, i64)> {
    let number = |node: &Node| node.as_i64().or_else(|| image.container.port_named(node.text()));
    let probes = image.container.probe_ports().filter_map(|node| Some((image.pod.object, node, number(node)?)));
    let mut found: Vec<_> = probes.collect();
    // If there are several containers, another one may serve the port.
    if image.pod.running().count() != 1 {
        return found;
    }
    let Some(pod) = graph.pods.iter().position(|pod| std::ptr::eq(pod, image.pod)) else { return found };
    for service in graph.services_of(pod).filter(|service| !service.is_external()) {
        for port in service.ports() {
            let node = if port["targetPort"].is_set() { &port["targetPort"] } else { &port["port"] };
            if let Some(number) = number(node).filter(|_| port["protocol"].as_str().unwrap_or("TCP") == "TCP") {
                found.push((service.object, node, number));
            }
        }
    }
    found
}
