//! Rule `fleet-nodeport-duplicate`.

use crate::check::fleet::Facts;
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
protocol. The finding is an error. One Service that is in both bundles is left to
`fleet-name-duplicate`.",
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

fn check(fleet: &[Facts], report: &mut Report<'_>) {
    let mut taken = HashMap::new();
    for facts in fleet {
        for claim in &facts.node_ports {
            let key = (&facts.environment, &facts.cluster, claim.port, &claim.protocol);
            let (first, by) = *taken.entry(key).or_insert((facts, claim));
            // One Service in both bundles is left to `fleet-name-duplicate`.
            if first.profile != facts.profile && by.by != claim.by {
                let message = format!(
                    "NodePort {} of cluster {} is already used by {} of {}",
                    claim.port, facts.cluster, by.by, first.profile
                );
                report
                    .span(None, claim.span, message)
                    .related(by.span, "used here")
                    .help("choose another NodePort for one of them");
            }
        }
    }
}
