//! Rule `fleet-hostport-duplicate`.

use crate::check::fleet::Facts;
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FleetHostportDuplicate,
    doc: Doc {
        checks: "\
Checks for two profiles of one environment whose kind configs for the same cluster map one port of
the host to different NodePorts. The finding is an error.",
        why: "\
The cluster is created with one of the configs. The port of the host then leads to one of the
NodePorts, and the other profile is not reached.",
        fix: "Choose another host port for one of the profiles.",
        source: "https://kind.sigs.k8s.io/docs/user/configuration/#extra-port-mappings.",
    },
    bad: r#"# bundle: gateway
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: shared
nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}]}]
# bundle: notification
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: shared
nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30082, hostPort: 8081}]}]
"#,
    good: "\
-nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30082, hostPort: 8081}]}]
+nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30082, hostPort: 8082}]}]
",
    check: Check::Fleet(check),
};

fn check(fleet: &[Facts], report: &mut Report<'_>) {
    let mut taken = HashMap::new();
    for facts in fleet {
        for claim in &facts.host_ports {
            let (first, by) = *taken
                .entry((&facts.environment, &facts.cluster, claim.port, &claim.protocol))
                .or_insert((facts, claim));
            if first.profile != facts.profile && by.by != claim.by {
                let message = format!(
                    "port {} of the host is mapped to NodePort {} in {}, and to {} here",
                    claim.port, by.by, first.profile, claim.by
                );
                report
                    .span(None, claim.span, message)
                    .related(by.span, "mapped here")
                    .help(format!("both are for cluster {}: choose another host port", facts.cluster));
            }
        }
    }
}
