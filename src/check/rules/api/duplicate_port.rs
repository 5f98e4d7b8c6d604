//! Rule `duplicate-port`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DuplicatePort,
    doc: Doc {
        checks: "\
Two ports of a pod have the same number and protocol, or two containers of a pod name a port the
same. An init container that ends before the other containers start is compared only with itself.",
        why: "\
The containers of a pod share one IP address, so the second process that listens on the port fails.
The API server accepts the object with a warning, \"duplicate port definition\"; `kubectl apply` may
drop one of two such entries of a container, or reject them with `--server-side`. A Service that
refers to a port name uses the first container with it.",
        fix: "Remove the duplicate, or change the number, the protocol or the name.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", ports: [{containerPort: 80}, {containerPort: 80}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", ports: [{containerPort: 80}, {containerPort: 80}]}]
+  containers: [{name: web, image: "web:1", ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    // The first port of each key and of each name in the preceding containers that keep running.
    let (mut others, mut names): (HashMap<Key<'_>, &Node>, HashMap<&str, &Node>) = Default::default();
    for container in &pod.containers {
        let parent = container.at();
        let ports = parent.on("ports", container.fields.ports);
        // The ports of a container that has ended are free for the others.
        let beside = container.runs_on();
        let mut same: HashMap<Key<'_>, &Node> = HashMap::new();
        for port in ports.items() {
            let key = key(port.node);
            if let Some(other) = same.get(&key).or_else(|| others.get(&key).filter(|_| beside)) {
                let message = format!("duplicate port {}/{} in the pod", key.0, key.1);
                faults.add(&port, message).related(other.origin.span, "first here");
            }
            let name = port.get("name");
            if !name.text().is_empty()
                && let Some(other) = names.get(name.text()).filter(|_| beside)
            {
                let message = format!("duplicate port name `{}`: a Service uses the first", name.text());
                faults.add(&name, message).related(other.origin.span, "the first");
            }
            same.entry(key).or_insert(port.node);
        }
        if beside {
            for port in container.fields.ports.items() {
                others.entry(self::key(port)).or_insert(port);
                names.entry(port["name"].text()).or_insert(&port["name"]);
            }
        }
    }
}

/// The port, the protocol, the host port and the host IP.
type Key<'n> = (i64, &'n str, i64, &'n str);

fn key(port: &Node) -> Key<'_> {
    let protocol = match port["protocol"].text() {
        "" => "TCP",
        protocol => protocol,
    };
    let host = port["hostPort"].as_i64().unwrap_or(0);
    (port["containerPort"].as_i64().unwrap_or(0), protocol, host, port["hostIP"].text())
}
