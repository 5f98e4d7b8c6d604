//! Rule `active-deadline-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ActiveDeadlineInvalid,
    doc: Doc {
        checks: "\
`activeDeadlineSeconds` of a Pod, of a PodTemplate and of the pod template of a Job or CronJob must
be between 1 and 2147483647. The pod template of every other workload (Deployment, ReplicaSet,
StatefulSet, DaemonSet, ReplicationController) must not set it, since its pods are expected to run
indefinitely.",
        why: "\
The API server rejects the object. For a workload whose pods must not end, the message is
\"activeDeadlineSeconds in ReplicaSet is not Supported\".",
        fix: "\
Set a number of seconds between 1 and 2147483647. Remove the field from the pod template of a
workload whose pods must not end, or use a Job.",
        source: "\
`ValidatePodSpec` in `pkg/apis/core/validation` and `ValidatePodTemplateSpecForReplicaSet` in
`pkg/apis/apps/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  activeDeadlineSeconds: 0
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  activeDeadlineSeconds: 0\n+  activeDeadlineSeconds: 60\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let Some(seconds) = pod.spec.active_deadline_seconds.as_i64() else { return };
    let spec = pod.at();
    let at = spec.on("activeDeadlineSeconds", pod.spec.active_deadline_seconds);
    if !(1..=i64::from(i32::MAX)).contains(&seconds) {
        faults.breaks(&at, "must be between 1 and 2147483647");
    }
    match pod.workload {
        Workload::Pod | Workload::PodTemplate | Workload::Job | Workload::CronJob => {}
        _ => {
            faults.add(&at, format!("`activeDeadlineSeconds` in {} is not supported", pod.object.kind()));
        }
    }
}
