//! Rule `lifecycle-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::{At, Faults, Pod, handler, pod::List};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::LifecycleInvalid,
    doc: Doc {
        checks: "\
A lifecycle hook must have exactly one handler: `exec` with a command, `httpGet` or `tcpSocket` with
a port, or `sleep` for at most the `terminationGracePeriodSeconds` of the pod. `stopSignal` requires
`os.name` and must be a signal of that operating system. An init container may have hooks only with
`restartPolicy: Always`.",
        why: "\
The API server rejects the object, for instance with \"must specify a handler type\", \"may not specify
more than 1 handler type\" or \"must be non-negative and less than terminationGracePeriodSeconds
(30)\".",
        fix: "Keep one handler; lower `sleep.seconds` or raise `terminationGracePeriodSeconds`.",
        source: "`validateLifecycle` and `validateInitContainers` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 60}}}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 60}}}}]
+  containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 10}}}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        if container.fields.lifecycle.is_null() || container.list == List::Ephemeral {
            continue;
        }
        let parent = container.at();
        let lifecycle = parent.on("lifecycle", container.fields.lifecycle);
        if !container.runs_on() {
            faults.breaks(&lifecycle, "may not be set for init containers without `restartPolicy: Always`");
            continue;
        }
        let grace = pod.spec.termination_grace_period_seconds.as_i64().unwrap_or(30);
        for hook in [lifecycle.get("postStart"), lifecycle.get("preStop")] {
            if hook.is_set() {
                handler::check(&hook, handler::HandlerUse::Hook { grace }, faults);
            }
        }
        let signal = lifecycle.get("stopSignal");
        if signal.is_set() {
            stop_signal(pod.spec.os, &signal, faults);
        }
    }
}

/// The signals of Linux, except the real-time signals with an offset.
const SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

fn stop_signal(os: &Node, at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let name = at.text().strip_prefix("SIG").unwrap_or_default();
    let real_time = |start: &str, most: u8| {
        name.strip_prefix(start).is_some_and(|number| {
            number.parse().is_ok_and(|value: u8| (1..=most).contains(&value) && value.to_string() == number)
        })
    };
    let known = match os["name"].text() {
        _ if os.is_null() => {
            faults.breaks(at, "may not be set for containers with an empty `os.name`");
            return;
        }
        "windows" => matches!(name, "KILL" | "TERM"),
        "linux" => SIGNALS.contains(&name) || real_time("RTMIN+", 15) || real_time("RTMAX-", 14),
        _ => true,
    };
    if !known {
        faults.add(at, format!("`{}` is not a supported signal of the pod's operating system", at.text()));
    }
}
