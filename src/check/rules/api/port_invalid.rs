//! Rule `port-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PortInvalid,
    doc: Doc {
        checks: "\
A container port must have a `containerPort` between 1 and 65535. Its name must be at most 15
lower case letters, digits and `-`, with at least one letter, and unique in the container. The
protocol must be `TCP` (the default), `UDP` or `SCTP`.",
        why: "\
The API server rejects the object, for instance with \"must be no more than 15 characters\" or \"must
contain at least one letter (a-z)\".",
        fix: "Set the number, or shorten the name.",
        source: "`validateContainerPorts` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", ports: [{name: Http, containerPort: 8080}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", ports: [{name: Http, containerPort: 8080}]}]
+  containers: [{name: web, image: "web:1", ports: [{name: http, containerPort: 8080}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let ports = parent.on("ports", container.fields.ports);
        let repeated = ports.repeats("name");
        for (index, port) in ports.items().enumerate() {
            let (name, number) = (port.get("name"), port.get("containerPort"));
            if !name.text().is_empty() {
                if let Err(form) = names::port_name(name.text()) {
                    faults.add(&name, format!("the port name `{}` {form}", name.text()));
                } else if repeated[index] {
                    faults.add(&name, format!("duplicate port name `{}`", name.text()));
                }
            }
            match number.number() {
                None | Some(0) => _ = faults.add(&number, "`containerPort` is required"),
                Some(value) => {
                    if let Err(form) = names::port_number(value) {
                        faults.add(&number, format!("the port number {value} {form}"));
                    }
                }
            }
            enums::choice_or_empty(&port.get("protocol"), &["TCP", "UDP", "SCTP"], faults);
        }
    }
}
