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
    let mut taken = HashMap::new();
    for container in &pod.containers {
        if container.fields.ports.items().is_empty() {
            continue;
        }
        // Init containers run one after the other: each is checked by itself, and reported at index 0.
        if container.list != List::Main {
            taken.clear();
        }
        let parent = match container.list {
            List::Init => At::container(pod.at_path(), "initContainers", 0, container.fields.node),
            _ => container.at(),
        };
        let own = container.at();
        let (ports, quirky) = (own.on("ports", container.fields.ports), parent.on("ports", container.fields.ports));
        for (number, port) in ports.items().enumerate() {
            let at = port.get("hostPort");
            let host = at.number().unwrap_or(0);
            let claimed = claim(pod, port.node);
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
                    let message =
                        format!("the host port {host} must equal the container port {inner} on the host network");
                    faults.add(&at, message);
                }
            }
            let first = *taken.entry(claimed).or_insert(port.node);
            if claimed.0 != 0 && container.list != List::Ephemeral && !std::ptr::eq(first, port.node) {
                let item = quirky.item(number, port.node);
                let place = first["hostPort"].origin.span;
                let message = format!("duplicate host port {}", claimed.0);
                faults.add(&item.on("hostPort", at.node), message).related(place, "first here");
            }
        }
    }
}

/// The number, protocol and IP address that a port uses on its node. On the host network that is the container port.
fn claim<'n>(pod: &Pod<'_>, port: &'n Node) -> (i64, &'n str, &'n str) {
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
