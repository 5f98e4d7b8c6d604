//! Rule `prestop-exceeds-grace`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::text::shell;
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PrestopExceedsGrace,
    doc: Doc {
        checks: "\
Checks for `preStop` hooks that sleep longer than `terminationGracePeriodSeconds` (30 by default),
which covers the hook and the termination of the program together. The finding is a warning. It
counts `sleep` as the command itself, and in shell scripts without branches and loops. A `sleep`
action that is too long is rejected by the API server and reported by `lifecycle-invalid`.",
        why: "\
When the grace period ends, the kubelet stops the hook and sends SIGTERM to the program, which then
has 2 seconds at most. Requests in flight are lost.",
        fix: "\
Raise `terminationGracePeriodSeconds` to the duration of the hook plus the time that the program
needs to terminate.",
        source: "\
https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-execution and
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 10
  containers:
  - {name: web, image: "ghcr.io/acme/web:v1", lifecycle: {preStop: {exec: {command: [sh, -c, sleep 60]}}}}
"#,
    good: "\
-  terminationGracePeriodSeconds: 10
+  terminationGracePeriodSeconds: 90
",
    check: Check::Pod(check),
};

/// The default grace period in seconds.
const DEFAULT_GRACE_PERIOD: i64 = 30;

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let node = pod.spec.termination_grace_period_seconds;
    let grace = node.as_i64().unwrap_or(DEFAULT_GRACE_PERIOD);
    for container in pod.containers.iter().filter(|container| container.fields.lifecycle.is_set()) {
        let parent = container.at();
        let lifecycle = parent.on("lifecycle", container.fields.lifecycle);
        let (hook, exec) = (lifecycle.get("preStop"), lifecycle.node["preStop"].get("exec"));
        let Some(exec) = exec else { continue };
        let exec = hook.on("exec", exec);
        let command = exec.get("command");
        let Some(seconds) = sleep_seconds(&command).filter(|seconds| *seconds > grace as f64) else { continue };
        let own = if node.is_set() { "" } else { " by default" };
        let draft = faults
            .add(&command, format!("the preStop hook takes {seconds}s, longer than the grace period of {grace}s{own}"));
        let draft = if node.is_set() { draft.related(node.origin.span, "the grace period") } else { draft };
        draft
            .label("killed when the grace period ends")
            .help("raise `terminationGracePeriodSeconds` above the duration of the hook");
    }
}

/// Words in scripts whose commands may not run, or may run more than once.
const BRANCHES: [&str; 8] = ["case", "exit", "for", "if", "return", "timeout", "until", "while"];

/// How long a command sleeps, in seconds: `sleep` itself, or all `sleep` commands of a script without branches.
fn sleep_seconds(command: &At<'_, '_>) -> Option<f64> {
    let words: Vec<&str> = command.node.items().iter().map(Node::text).collect();
    let (program, arguments) = words.split_first()?;
    if shell::tail(program) == "sleep" {
        return arguments.iter().copied().map(duration).sum();
    }
    let (_, script) = words.iter().zip(arguments).find(|(flag, _)| flag.starts_with('-') && flag.ends_with('c'))?;
    let is_plain = shell::is_shell(program) && !script.replace("&&", ";").contains(['&', '|', '`']);
    let commands = shell::commands(script);
    if !is_plain || commands.iter().flatten().any(|word| BRANCHES.contains(&&*word.text)) {
        return None;
    }
    let seconds = |words: &Vec<shell::Word<'_>>| match words.split_first() {
        Some((name, rest)) if shell::tail(&name.text) == "sleep" => rest.iter().map(|word| duration(&word.text)).sum(),
        _ => Some(0.0),
    };
    commands.iter().map(seconds).sum()
}

/// An argument of `sleep`, a number with an optional unit, in seconds.
fn duration(text: &str) -> Option<f64> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse::<f64>().ok().filter(|_| is_number).map(|number| number * unit)
}
