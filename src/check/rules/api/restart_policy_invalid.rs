//! Rule `restart-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RestartPolicyInvalid,
    doc: Doc {
        checks: "\
The pods of a Deployment, ReplicaSet, StatefulSet, DaemonSet or ReplicationController restart Always
(the default). Those of a Job or CronJob say OnFailure or Never; the default does not fit them.",
        why: "",
        fix: "",
        source: "`validateRestartPolicy`, `ValidatePodTemplateSpecForReplicaSet`, `validateJobSpec`.",
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
        let draft = faults.add(&at, "the pods of a Job must say whether they restart");
        draft.help("`restartPolicy: OnFailure` restarts the container in its pod, `Never` makes a new pod");
        return;
    }
    enums::choice(&at, allowed, faults);
}
