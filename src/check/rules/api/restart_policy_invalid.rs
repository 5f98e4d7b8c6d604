//! Rule `restart-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RestartPolicyInvalid,
    doc: Doc {
        checks: "\
`restartPolicy` in the pod template of a Deployment, ReplicaSet, StatefulSet, DaemonSet or
ReplicationController must be `Always` (the default). In the pod template of a Job or CronJob it
must be `OnFailure` or `Never`, and must be set, since the default is not allowed there. In a Pod it
must be one of the three.",
        why: "\
The API server rejects the object, for a Job with \"Required value: valid values: \"OnFailure\",
\"Never\"\".",
        fix: "\
Set `restartPolicy: OnFailure` to restart the container in the same pod, or `Never` to create a new
pod.",
        source: "\
`validateRestartPolicy` in `pkg/apis/core/validation`, `ValidatePodTemplateSpecForReplicaSet` in
`pkg/apis/apps/validation` and `validateJobSpec` in `pkg/apis/batch/validation`.",
    },
    bad: r#"apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      containers: [{name: migrate, image: "migrate:1"}]
"#,
    good: "     spec:\n+      restartPolicy: OnFailure\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let at = spec.on("restartPolicy", pod.spec.restart_policy);
    let allowed: &[&str] = match pod.workload {
        Workload::Pod | Workload::PodTemplate => &["Always", "OnFailure", "Never"],
        Workload::Job | Workload::CronJob => &["OnFailure", "Never"],
        _ => &["Always"],
    };
    if allowed.contains(&pod.restart_policy()) {
        return;
    }
    if at.text().is_empty() {
        let draft = faults.add(&at, "`restartPolicy` is required in the pod template of a Job");
        draft.help("set `OnFailure` to restart the container in its pod, `Never` to create a new pod");
        return;
    }
    enums::choice(&at, allowed, faults);
}
