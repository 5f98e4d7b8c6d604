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
A NodePort belongs to one Service of a cluster. The bundles of two profiles go to one cluster and
both ask for it: the second is refused when it is applied.",
        why: "",
        fix: "",
        source: "",
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
            // One Service in both is `fleet-name-duplicate`'s.
            if first.profile != facts.profile && by.by != claim.by {
                let message = format!(
                    "NodePort {} of cluster {} is taken by {} of {}",
                    claim.port, facts.cluster, by.by, first.profile
                );
                report
                    .span(None, claim.span, message)
                    .related(by.span, "taken here")
                    .help("choose another for one of them");
            }
        }
    }
}
