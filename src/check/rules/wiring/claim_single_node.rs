//! Rule `claim-single-node`.

use crate::check::rules::wiring::_claims::{pods_at_once, uses};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Pod, label_selector_matches};
use crate::node::Node;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClaimSingleNode,
    doc: Doc {
        checks: "\
Checks for pods that must run on different nodes and share one PersistentVolumeClaim whose only
access mode is `ReadWriteOnce`: the pods of a DaemonSet, and replicas that a topology spread
constraint (`whenUnsatisfiable: DoNotSchedule`) or a required pod anti-affinity keeps apart by
`kubernetes.io/hostname`. The finding is a warning. Nothing is reported for a workload whose
manifest does not set more than one replica.",
        why: "\
A `ReadWriteOnce` volume can be mounted by the pods of one node only. The first pod starts; the
others stay in `ContainerCreating` with the event `FailedAttachVolume`
(`Multi-Attach error for volume`), or stay `Pending`.",
        fix: "\
Give each pod its own claim with the `volumeClaimTemplates` of a StatefulSet, use a volume with the
access mode `ReadWriteMany`, or let the pods run on one node.",
        source: "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes.",
    },
    bad: r#"apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: cache}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: DoNotSchedule
        labelSelector: {matchLabels: {app: web}}
      containers: [{name: web, image: "ghcr.io/acme/web:v1", volumeMounts: [{name: cache, mountPath: /cache}]}]
      volumes: [{name: cache, persistentVolumeClaim: {claimName: cache}}]
"#,
    good: "\
-        whenUnsatisfiable: DoNotSchedule
+        whenUnsatisfiable: ScheduleAnyway
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for used in uses(bundle.graph(), "ReadWriteOnce") {
        let (object, claim) = (used.pod.object, used.claim);
        let Some(pods) = pods_at_once(used.pod) else { continue };
        let cause = match object.kind() {
            "DaemonSet" => Some(&object.node["kind"]),
            _ => spread(used.pod),
        };
        let Some(cause) = cause else { continue };
        let message = format!(
            "{pods} of {} share the claim `{}`, which only the pods of one node can mount",
            title(object),
            claim.name()
        );
        report
            .at(object, used.node, message)
            .related(cause.origin.span, "runs on several nodes")
            .related(claim.node["spec"]["accessModes"].origin.span, "ReadWriteOnce")
            .help("use `volumeClaimTemplates` of a StatefulSet, the access mode `ReadWriteMany`, or one node");
    }
}

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The node of the constraint that keeps the replicas of a workload on different nodes.
fn spread<'a>(pod: &Pod<'a>) -> Option<&'a Node> {
    let selects = |selector: &Node| selector.is_set() && label_selector_matches(selector, pod.labels);
    let constraints = pod.spec["topologySpreadConstraints"].items().iter();
    let mut constraints = constraints.filter(|constraint| {
        constraint["topologyKey"].text() == HOSTNAME
            && constraint["whenUnsatisfiable"].text() == "DoNotSchedule"
            && constraint["maxSkew"].as_i64().is_some_and(|skew| skew < pod.replicas())
            && selects(&constraint["labelSelector"])
    });
    let anti = &pod.spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let mut terms =
        anti.items().iter().filter(|term| term["topologyKey"].text() == HOSTNAME && selects(&term["labelSelector"]));
    constraints
        .next()
        .map(|constraint| &constraint["topologyKey"])
        .or_else(|| terms.next().map(|term| &term["topologyKey"]))
}
