//! Rule `command-not-split`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CommandNotSplit,
    doc: Doc {
        checks: "\
Checks the first item of a container's `command`, and of the `exec` command of a probe or lifecycle
hook: it must be the name of a program, not a whole command line. The finding is a warning. Nothing
is reported for pods with `os.name: windows`, or for a path with a space in the name of a directory
(`/opt/My App/run`).",
        why: "\
`command` is a list of a program and its arguments. The container runtime executes it as it is,
without a shell that would split it at spaces: `[\"sh -c run\"]` names a program called `sh -c run`.
The container fails to start with `executable file not found` or `no such file or directory`; a
probe always fails.",
        fix: "Write one item for each word: `[sh, -c, run]`.",
        source: "\
https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/ and
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#LifecycleHandler
(`exec.command`).",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", command: ["python3 -m http.server"]}]}
"#,
    good: r#"-spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", command: ["python3 -m http.server"]}]}
+spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", command: [python3, -m, http.server]}]}
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.os["name"].text() == "windows" {
        return;
    }
    for container in &pod.containers {
        let at = container.at();
        command(&at.get("command"), faults);
        let probes = [
            ("readinessProbe", container.fields.readiness_probe),
            ("livenessProbe", container.fields.liveness_probe),
            ("startupProbe", container.fields.startup_probe),
        ];
        for (field, node) in probes.into_iter().filter(|(_, node)| node.is_set()) {
            command(&at.on(field, node).get("exec").get("command"), faults);
        }
        if container.fields.lifecycle.is_set() {
            let lifecycle = at.on("lifecycle", container.fields.lifecycle);
            for hook in ["postStart", "preStop"] {
                command(&lifecycle.get(hook).get("exec").get("command"), faults);
            }
        }
    }
}

/// Reports a first item that is a command line.
fn command(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let Some(program) = at.node.items().first().filter(|program| is_command_line(program)) else { return };
    let text = program.text();
    let words: Vec<String> = text.split_whitespace().map(|word| format!("`{word}`")).collect();
    let help = match text.contains(['\'', '"', '|', ';', '&', '>', '<', '\n']) {
        true => "run it with a shell: `[sh, -c, '…']`, or write one item for each word".to_owned(),
        false => format!("write one item for each word: {}", words.join(", ")),
    };
    let first = words.first().map_or("", String::as_str);
    faults
        .add(&at.item(0, program), "the name of the program contains spaces: the command line is not split")
        .label(format!("not split into {first} and its arguments"))
        .help(help);
}

/// Whether the name of a program is a command line: the first word is a name or a path, and more words follow.
fn is_command_line(program: &Node) -> bool {
    let text = program.text().trim();
    // `C:\\Program Files\\…` is one path.
    let Some((first, rest)) = text.split_once(char::is_whitespace) else { return false };
    let is_path = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte));
    // The name of a directory may contain a space: `/opt/My App/run`.
    let is_folder = first.starts_with('/')
        && rest.trim_start().split('/').next().is_some_and(|word| {
            rest.contains('/')
                && !word.is_empty()
                && !word.starts_with('-')
                && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
    is_path(first) && !is_folder
}
