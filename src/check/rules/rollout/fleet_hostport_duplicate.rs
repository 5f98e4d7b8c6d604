//! Rule `fleet-hostport-duplicate`.

use crate::check::fleet::BundleFacts;
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
The cluster is created with one of the configs. The host port then leads to one of the
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

fn check(fleet: &[BundleFacts], report: &mut Report<'_>) {
    let mut used = HashMap::new();
    for facts in fleet {
        for port in &facts.host_ports {
            let (first, other) =
                *used.entry((&facts.environment, &facts.cluster, port.port, &port.protocol)).or_insert((facts, port));
            if first.profile != facts.profile && other.used_by != port.used_by {
                let message = format!(
                    "host port {} is mapped to NodePort {} in profile `{}`, and to NodePort {} here",
                    port.port, other.used_by, first.profile, port.used_by
                );
                report
                    .span(None, port.span, message)
                    .related(other.span, "mapped here")
                    .help(format!("choose another host port: both profiles use the cluster {}", facts.cluster));
            }
        }
    }
}
