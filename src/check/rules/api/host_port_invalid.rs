//! Rule `host-port-invalid`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::formats::names;
use crate::node::Node;
use crate::validation::pod::{List, Workload};
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostPortInvalid,
    doc: Doc {
        checks: "\
`hostPort` must be between 1 and 65535, and unique among the containers of the pod for the same
protocol and `hostIP`. In a pod with `hostNetwork: true` it must equal `containerPort`; in a Pod the
container ports count as host ports then. Each init container is compared only with itself. A
`hostIP` without a `hostPort` is a warning.",
        why: "\
The API server rejects the object, for instance with \"must match `containerPort` when `hostNetwork`
is true\". A `hostIP` without a `hostPort` has no effect; the API server warns \"hostIP set without
hostPort\".",
        fix: "Remove `hostPort`, which few pods need, or choose one that is not used.",
        source: "\
`validateContainerPorts`, `checkHostPortConflicts` and `validatePodHostNetworkDeps` in
`pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers: [{name: web, image: "web:1", ports: [{containerPort: 8080, hostPort: 80}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", ports: [{containerPort: 8080, hostPort: 80}]}]
+  containers: [{name: web, image: "web:1", ports: [{containerPort: 8080, hostPort: 8080}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let mut used = HashMap::new();
    for container in &pod.containers {
        if container.fields.ports.items().is_empty() {
            continue;
        }
        // Init containers run one after the other: each is checked on its own, and the API server reports index 0.
        if container.list != List::Main {
            used.clear();
        }
        let parent = match container.list {
            List::Init => At::container(pod.at_path(), "initContainers", 0, container.fields.node),
            _ => container.at(),
        };
        let own = container.at();
        let (ports, reported) = (own.on("ports", container.fields.ports), parent.on("ports", container.fields.ports));
        for (number, port) in ports.items().enumerate() {
            let at = port.get("hostPort");
            let host = at.number().unwrap_or(0);
            let node_port = node_port(pod, port.node);
            if host == 0 && port.get("hostIP").text() != "" {
                faults
                    .add(&port.get("hostIP"), "`hostIP` has no effect without `hostPort`")
                    .severity(Severity::Warning);
            }
            if let Err(form) = names::port_number(host)
                && host != 0
            {
                faults.add(&at, format!("the host port {host} {form}"));
            }
            if container.list == List::Main && pod.is_host_network() && host != 0 {
                let inner = port.get("containerPort").number().unwrap_or(0);
                if host != inner {
                    let message = format!(
                        "the host port {host} must match the container port {inner} when `hostNetwork` is true"
                    );
                    faults.add(&at, message);
                }
            }
            let first = *used.entry(node_port).or_insert(port.node);
            if node_port.0 != 0 && container.list != List::Ephemeral && !std::ptr::eq(first, port.node) {
                let item = reported.item(number, port.node);
                let span = first["hostPort"].origin.span;
                let message = format!("duplicate host port {}", node_port.0);
                faults.add(&item.on("hostPort", at.node), message).related(span, "first used here");
            }
        }
    }
}

/// The number, protocol and IP address that a port uses on its node. With `hostNetwork`, the number is that of the container port.
fn node_port<'n>(pod: &Pod<'_>, port: &'n Node) -> (i64, &'n str, &'n str) {
    let mut number = port["hostPort"].as_i64().unwrap_or(0);
    if number == 0 && pod.workload == Workload::Pod && pod.is_host_network() {
        number = port["containerPort"].as_i64().unwrap_or(0);
    }
    let protocol = match port["protocol"].text() {
        "" => "TCP",
        protocol => protocol,
    };
    (number, protocol, port["hostIP"].text())
}
