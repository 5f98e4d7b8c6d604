//! Rule `autoscaler-target-unscalable`.

use crate::check::rules::rollout::_autoscaler::{can_be_scaled, scale_references};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerTargetUnscalable,
    doc: Doc {
        checks: "\
Checks that `scaleTargetRef` of a HorizontalPodAutoscaler names a group and kind with the `scale`
subresource: Deployment, ReplicaSet and StatefulSet of `apps`, ReplicationController of the core
group, and custom resources. Of `apiVersion` only the group counts: `apps/v1beta1` still works,
`extensions/v1beta1` does not. DaemonSets, Jobs, CronJobs and Pods cannot be scaled. The finding is
a warning. `autoscaler-invalid` reports a target without a group.",
        why: "The API server accepts the autoscaler, which reports `FailedGetScale` and does nothing.",
        fix: "Write `apiVersion: apps/v1`; remove the autoscaler of a DaemonSet.",
        source: "\
`reconcileAutoscaler` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/podautoscaler/horizontal.go and
https://kubernetes.io/docs/reference/using-api/deprecation-guide/#deployment-v116.",
    },
    bad: "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: web}
  maxReplicas: 5
",
    good: "\
-  scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: web}
+  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for reference in scale_references(bundle.graph()) {
        let target = &reference.from.node["spec"]["scaleTargetRef"];
        let (version, kind) = (&target["apiVersion"], target["kind"].text());
        // The API server rejects a target without a group.
        if can_be_scaled(target) || kind != "Pod" && !version.text().contains('/') {
            continue;
        }
        let draft = match kind {
            "Deployment" | "ReplicaSet" | "StatefulSet" => report
                .at(reference.from, version, format!("`{}` has no kind {kind}", version.text()))
                .help("use `apps/v1`"),
            _ => report
                .at(reference.from, &target["kind"], format!("{kind} has no `scale` subresource"))
                .help("scale a Deployment or StatefulSet, or remove the autoscaler"),
        };
        draft.label("the autoscaler does nothing");
    }
}
