//! Rule `fleet-nodeport-duplicate`.

use crate::check::fleet::BundleFacts;
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FleetNodeportDuplicate,
    doc: Doc {
        checks: "\
Checks for two profiles whose bundles are applied to one cluster and use the same NodePort and
protocol. The finding is an error. A Service that is in both bundles is reported by
`fleet-name-duplicate` instead.",
        why: "\
A NodePort is allocated to one Service of the cluster. The API server rejects the second Service:
`provided port is already allocated`.",
        fix: "Choose another NodePort for one of the profiles.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport.",
    },
    bad: r#"# bundle: gateway
apiVersion: v1
kind: Service
metadata: {name: gateway, namespace: a}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30081}]}
# bundle: notification
apiVersion: v1
kind: Service
metadata: {name: notification, namespace: b}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30081}]}
"#,
    good: r" metadata: {name: notification, namespace: b}
-spec: {type: NodePort, ports: [{port: 80, nodePort: 30081}]}
+spec: {type: NodePort, ports: [{port: 80, nodePort: 30082}]}
",
    check: Check::Fleet(check),
};

fn check(fleet: &[BundleFacts], report: &mut Report<'_>) {
    let mut used = HashMap::new();
    for facts in fleet {
        for port in &facts.node_ports {
            let key = (&facts.environment, &facts.cluster, port.port, &port.protocol);
            let (first, other) = *used.entry(key).or_insert((facts, port));
            // A Service that is in both bundles is reported by `fleet-name-duplicate`.
            if first.profile != facts.profile && other.used_by != port.used_by {
                let message = format!(
                    "NodePort {} of cluster {} is already used by {} of profile `{}`",
                    port.port, facts.cluster, other.used_by, first.profile
                );
                report
                    .span(None, port.span, message)
                    .related(other.span, "used here")
                    .help("choose another NodePort for one of them");
            }
        }
    }
}
