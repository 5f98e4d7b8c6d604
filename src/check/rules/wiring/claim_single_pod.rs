//! Rule `claim-single-pod`.

use crate::check::rules::wiring::_claims::{ClaimUse, by_claim, pods_at_once, uses};
use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Pod;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClaimSinglePod,
    doc: Doc {
        checks: "\
Checks that only one pod at a time uses a PersistentVolumeClaim whose only access mode is
`ReadWriteOncePod`. It reports several replicas (or parallel pods of a Job, or a DaemonSet) with one
claim, and two long-running workloads with one claim. Both are errors if one file contains the claim
and the workload, or if the manifests are complete (`--complete`, `--profile`, `render`), otherwise
warnings.

A Deployment with one replica that rolls out without removing the old pod first is a warning, since
its first rollout works.",
        why: "\
The scheduler does not place a second pod with the claim
(`node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode`):
further replicas, and pods of other workloads, stay `Pending`. A rolling update creates the new pod
before it deletes the old one, so the rollout never completes.",
        fix: "\
Run one replica with `strategy: {type: Recreate}`, use a StatefulSet with `volumeClaimTemplates`, or
use another access mode.",
        source: "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes.",
    },
    bad: r#"apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOncePod], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  replicas: 2
  strategy: {type: Recreate}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "ghcr.io/acme/db:v1", volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"#,
    good: "\
-  replicas: 2
+  replicas: 1
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let uses = uses(bundle.graph(), "ReadWriteOncePod");
    for users in by_claim(bundle, &uses) {
        let first = users[0];
        for used in &users {
            check_workload(bundle, used, report);
        }
        for other in users[1..].iter().filter(|other| other.pod.is_long_running() && first.pod.is_long_running()) {
            report
                .at(
                    other.pod.object,
                    other.node,
                    format!(
                        "{} also uses the claim `{}`, which only one pod can use",
                        title(first.pod.object),
                        other.claim.name()
                    ),
                )
                .severity(bundle.between(other.pod.object, other.claim))
                .related(first.node.origin.span, "used here")
                .help("create a claim for each workload, or use the access mode `ReadWriteOnce`");
        }
    }
}

/// Reports a workload with more than one pod at a time, always or during a rollout.
fn check_workload(bundle: &Bundle<'_>, used: &ClaimUse<'_, '_>, report: &mut Report<'_>) {
    let (object, claim) = (used.pod.object, used.claim);
    let mode = &claim.node["spec"]["accessModes"];
    if let Some(pods) = pods_at_once(used.pod) {
        report
            .at(
                object,
                used.node,
                format!("{pods} of {} use the claim `{}`, which only one pod can use", title(object), claim.name()),
            )
            .severity(bundle.between(object, claim))
            .related(mode.origin.span, "ReadWriteOncePod")
            .help("run one replica, or create a claim for each pod with `volumeClaimTemplates` of a StatefulSet");
    } else if keeps_old_pod(used.pod) {
        report
            .at(
                object,
                used.node,
                format!(
                    "a rolling update of {} never completes: the new pod waits for the claim `{}`",
                    title(object),
                    claim.name()
                ),
            )
            .severity(Severity::Warning)
            .related(mode.origin.span, "ReadWriteOncePod")
            .help("set `strategy: {type: Recreate}`, which deletes the old pod first");
    }
}

/// Whether a rollout creates a new pod before it deletes the only old one.
fn keeps_old_pod(pod: &Pod<'_>) -> bool {
    let spec = &pod.object.node["spec"];
    let rolling = &spec["strategy"]["rollingUpdate"];
    // The default of 25 % is rounded down to 0 pods.
    let unavailable = &rolling["maxUnavailable"];
    let is_kept = match unavailable.as_i64() {
        Some(number) => number == 0,
        None => unavailable.text().trim_end_matches('%').parse::<i64>().map_or(true, |percent| percent < 100),
    };
    pod.object.kind() == "Deployment"
        && matches!(spec["strategy"]["type"].text(), "" | "RollingUpdate")
        && spec["replicas"].as_i64() != Some(0)
        && is_kept
}
