//! Rule `duplicate-port`.

use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;
use crate::node::Node;

/// The rule.
pub static RULE: Rule = Rule {
    id: "duplicate-port",
    family: Family::Api,
    severity: Severity::Warning,
    summary: "a pod lists a port twice",
    doc: "\
The same port and protocol twice in a pod: the containers share one address, so the second to listen there fails;
and `kubectl apply` may drop or refuse one of two such entries in a container. A port name that two containers use
means the first of them to a Service. The server warns.

Source: `warningsForPodSpecAndMeta`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", ports: [{containerPort: 80}, {containerPort: 80}]}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, container) in pod.containers.iter().enumerate() {
        let parent = container.at();
        let ports = parent.on("ports", container.fields.ports);
        for (number, port) in ports.items().enumerate() {
            let key = key(port.node);
            let same = container.fields.ports.items()[..number].iter();
            // A container that has ended leaves its ports to the others.
            let others = pod.containers[..index]
                .iter()
                .filter(|other| container.runs_on() && other.runs_on())
                .flat_map(|other| other.fields.ports.items());
            if let Some(other) = same.clone().chain(others.clone()).find(|other| self::key(other) == key) {
                let message = format!("port {} ({}) is listed twice in the pod", key.0, key.1);
                pod.say(report, &port, message).related(other.origin.span, "first here");
            }
            let name = port.get("name");
            if !name.text().is_empty()
                && let Some(other) = others.clone().find(|other| other["name"].text() == name.text())
            {
                let message = format!("two containers name a port `{}`; a Service finds the first", name.text());
                pod.say(report, &name, message).related(other["name"].origin.span, "the first");
            }
        }
    }
}

fn key(port: &Node) -> (i64, &str, i64, &str) {
    let protocol = match port["protocol"].text() {
        "" => "TCP",
        protocol => protocol,
    };
    let host = port["hostPort"].as_i64().unwrap_or(0);
    (port["containerPort"].as_i64().unwrap_or(0), protocol, host, port["hostIP"].text())
}
