//! Rule `lifecycle-invalid`.

use crate::check::pod::List;
use crate::check::primitives::handler;
use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "lifecycle-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a lifecycle hook is wrong",
    doc: "A hook has exactly one handler: exec with a command, httpGet or tcpSocket with a port, or sleep for no longer than the pod's `terminationGracePeriodSeconds`. A `stopSignal` needs `os.name`. An init container has hooks only if it restarts always. Source: `validateLifecycle`, `validateInitContainers`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 60}}}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 10}}}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in &pod.containers {
        if container.fields.lifecycle.is_null() || container.list == List::Ephemeral {
            continue;
        }
        let parent = container.at();
        let lifecycle = parent.on("lifecycle", container.fields.lifecycle);
        if !container.runs_on() {
            pod.say(report, &lifecycle, "an init container has lifecycle hooks only with `restartPolicy: Always`");
            continue;
        }
        let grace = pod.spec.termination_grace_period_seconds.as_i64().unwrap_or(30);
        for hook in [lifecycle.get("postStart"), lifecycle.get("preStop")] {
            if hook.is_set() {
                handler::check(&hook, handler::Use::Hook { grace }, &mut pod.sayer(report));
            }
        }
        let signal = lifecycle.get("stopSignal");
        if signal.is_set() && pod.spec.os["name"].text().is_empty() {
            pod.say(report, &signal, "a stop signal needs the pod's `os.name`");
        }
    }
}
