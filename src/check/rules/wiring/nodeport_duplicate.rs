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
A NodePort belongs to one Service of the whole cluster; the second that asks for it is refused.
Services of separate files, which may be alternatives or for different clusters, are compared where
the manifests are whole (`--complete`, `--profile`, `render`).",
        why: "",
        fix: "",
        source: "",
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
    let mut taken = HashMap::new();
    for service in &bundle.graph().services {
        for entry in service.ports() {
            let Some(port) = entry["nodePort"].as_i64().filter(|port| *port > 0) else { continue };
            let protocol = entry["protocol"].as_str().unwrap_or("TCP");
            let object = service.object;
            // Files that are checked together need not go to one cluster.
            let file = (!bundle.options.whole).then(|| object.span().file);
            let (first, place) = *taken.entry((file, port, protocol)).or_insert((object, &entry["nodePort"]));
            // Within one Service the API server refuses it; one object given twice is `duplicate-object`'s.
            if first.id != object.id {
                report
                    .at(object, &entry["nodePort"], format!("NodePort {port} is taken by {}", title(first)))
                    .related(place.origin.span, "taken here")
                    .help("a NodePort belongs to one Service of the cluster");
            }
        }
    }
}
