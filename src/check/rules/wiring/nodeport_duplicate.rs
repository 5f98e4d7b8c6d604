//! Rule `nodeport-duplicate`.

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeportDuplicate,
    doc: Doc {
        checks: "\
Checks for two Services with the same NodePort and protocol. The finding is an error. Services of
different files are compared only if the manifests are complete (`--complete`, `--profile`,
`render`): they may be alternatives, or for different clusters.",
        why: "\
A NodePort is allocated to one Service of the cluster. The API server rejects the second Service:
`provided port is already allocated`.",
        fix: "Choose another `nodePort` for one of them, or remove the field to let the cluster choose.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
"#,
    good: r" metadata: {name: api}
-spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
+spec: {type: NodePort, ports: [{port: 80, nodePort: 30081}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut used = HashMap::new();
    for service in &bundle.graph().services {
        for entry in service.ports() {
            let Some(port) = entry["nodePort"].as_i64().filter(|port| *port > 0) else { continue };
            let protocol = entry["protocol"].as_str().unwrap_or("TCP");
            let object = service.object;
            // Different files may be alternatives, or for different clusters.
            let file = (!bundle.options.complete).then(|| object.span().file);
            let (first, place) = *used.entry((file, port, protocol)).or_insert((object, &entry["nodePort"]));
            // `service-port-invalid` reports duplicates within a Service, and `duplicate-object` duplicate objects.
            if first.id != object.id {
                report
                    .at(object, &entry["nodePort"], format!("NodePort {port} is already used by {}", title(first)))
                    .related(place.origin.span, "used here")
                    .help("choose another `nodePort`");
            }
        }
    }
}
