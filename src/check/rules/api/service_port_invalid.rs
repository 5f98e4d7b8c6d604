//! Rule `service-port-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServicePortInvalid,
    doc: Doc {
        checks: "\
A Service must have ports, unless it is headless or of the type `ExternalName`. With several ports,
each must have a name: a DNS-1123 label that is unique. `port` must be between 1 and 65535;
`targetPort` must be such a number or the name of a container port (at most 15 characters). The pair
of protocol and port must be unique, and so must the pair of protocol and node port. A Service of
the type `LoadBalancer` must not have the port 10250, that of the kubelet.",
        why: "\
The API server rejects the object, for instance with \"Required value\" at `spec.ports` or \"Duplicate
value\" at a port.",
        fix: "Name each port, and remove duplicates.",
        source: "`validateServicePort` and `ValidateService` in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}, {port: 443}]
",
    good: "\
-  ports: [{port: 80}, {port: 443}]
+  ports: [{name: http, port: 80}, {name: https, port: 443}]
",
    check: Check::Object(check),
};

/// The port of the kubelet, which must not be exposed.
const KUBELET: i64 = 10250;

/// The protocols that a port may have.
pub(super) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Service" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let ports = spec.get("ports");
    let items = ports.node.items();
    let kind = spec.get("type").text();
    if items.is_empty() && kind != "ExternalName" && !is_headless(spec.node) {
        faults.required(&ports);
    }
    let same_names = ports.repeats("name");
    let same_ports = repeats(items.iter().map(|port| (port["port"].as_i64(), protocol(port))));
    let same_node_ports = repeats(items.iter().map(|port| (port["nodePort"].as_i64(), protocol(port))));
    for (index, port) in ports.items().enumerate() {
        let same = Duplicates { name: same_names[index], port: same_ports[index], node_port: same_node_ports[index] };
        check_port(faults, &port, items.len() > 1, &same);
        if kind == "LoadBalancer" && port.node["port"].as_i64() == Some(KUBELET) {
            faults.breaks(&port, "may not expose port 10250 externally since it is used by kubelet");
        }
    }
}

/// Whether a Service is headless: `clusterIP: None`.
pub(super) fn is_headless(spec: &Node) -> bool {
    spec["clusterIP"].text() == "None" || matches!(spec["clusterIPs"].items(), [only] if only.text() == "None")
}

fn protocol(port: &Node) -> &str {
    match port["protocol"].text() {
        "" => "TCP",
        other => other,
    }
}

/// Which fields of a port duplicate those of a preceding one.
struct Duplicates {
    name: bool,
    port: bool,
    node_port: bool,
}

fn check_port(faults: &mut Faults<'_, '_>, port: &At<'_, '_>, named: bool, same: &Duplicates) {
    let (name, number, target, kind) =
        (port.get("name"), port.get("port"), port.get("targetPort"), port.get("protocol"));
    if name.text().is_empty() {
        if named {
            faults.required(&name).help("each port of a Service with several ports requires a name");
        }
    } else {
        faults.check(&name, names::dns1123_label(name.text()));
        if same.name {
            faults.duplicate(&name);
        }
    }
    if let Err(rule) = names::port_number(number.number().unwrap_or(0)) {
        if number.is_set() {
            faults.invalid(&number, rule)
        } else {
            faults.required(&number)
        };
    }
    if !kind.text().is_empty() {
        faults.one_of(&kind, PROTOCOLS);
    }
    target_port(faults, &target, number.number().unwrap_or(0));
    let application = port.get("appProtocol");
    if application.is_set() {
        faults.check(&application, names::qualified_name(application.text()));
    }
    let is_set = |field: &str| port.node[field].as_i64().is_some_and(|number| number != 0);
    if same.port && is_set("port") {
        let message = format!("duplicate port {}/{}", number.number().unwrap_or(0), protocol(port.node));
        faults.add(port, message);
    }
    if same.node_port && is_set("nodePort") {
        faults.duplicate(&port.get("nodePort"));
    }
}

/// Validates the number or name of a container port. 0 and the empty string default to the port itself.
fn target_port(faults: &mut Faults<'_, '_>, target: &At<'_, '_>, port: i64) {
    match &target.node.value {
        Value::String(text) if !text.is_empty() => faults.check(target, names::port_name(text)),
        Value::Int(number) if *number != 0 => faults.check(target, names::port_number(*number)),
        // The default is the port itself.
        _ => faults.check(target, names::port_number(port)),
    }
}
