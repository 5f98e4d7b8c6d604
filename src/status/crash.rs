//! Why a started container does not keep running, from its exit code and its log.

use crate::node::Node;
use crate::path::FieldPath;
use crate::secret;
use crate::status::admission::{after, until};
use crate::status::cause::{Cause, Recovery, Stage, below, item};
use crate::status::cluster::Cluster;
use crate::status::containers::{command_field, post_start};
use crate::status::pods::{Container, Pod};
use crate::status::rules::{self, CauseRule};
use crate::status::{images, probes, references};

/// The field of a container to change.
#[derive(Debug, Clone, Copy)]
enum FaultyField {
    /// Its environment variables.
    Env,
    /// Its security context.
    SecurityContext,
}

/// Phrases in logs, with the rule, the field, the message (before the name of the container) and the help text for
/// them.
const LOG_PATTERNS: &[(&[&str], &CauseRule, FaultyField, &str, &str)] = &[
    (
        &[
            "password authentication failed",
            "Access denied for user",
            "WRONGPASS",
            "NOAUTH",
            "invalid username-password",
            "authentication failed",
            "Authentication failed",
            "SASL: FAILED",
        ],
        &rules::CREDENTIALS,
        FaultyField::Env,
        "a server rejects the credentials of container",
        "use the same user and password on both sides; a server with persistent data keeps the password it was initialized with",
    ),
    (
        &["Read-only file system", "read-only file system", "EROFS"],
        &rules::READ_ONLY,
        FaultyField::SecurityContext,
        "the root file system is read-only, but is written to by container",
        "mount an emptyDir at the path it writes to, or set readOnlyRootFilesystem to false",
    ),
];

/// Phrases with which programs report that a variable is missing, in the same line as the name of the variable.
const UNSET_PHRASES: &[&str] = &[
    "not set",
    "must be set",
    "is required",
    "missing",
    "not specified",
    "must specify",
    "undefined",
    "unset",
    "required",
    "is empty",
];

/// Phrases with which programs report that a server is not reachable.
const UNREACHABLE_PHRASES: &[&str] = &[
    "connection refused",
    "Connection refused",
    "no such host",
    "could not translate host name",
    "Name or service not known",
    "i/o timeout",
    "ECONNREFUSED",
    "ENOTFOUND",
    "does not resolve",
    "timeout expired",
    "could not connect",
    "No route to host",
];

/// Returns why a container terminated.
#[must_use]
pub(super) fn cause<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    termination: &'a Node,
) -> Option<Cause> {
    let code = termination["exitCode"].as_i64().unwrap_or_default();
    let restarts = container.status["restartCount"].as_i64().unwrap_or_default();
    let runs = container.status["state"]["running"].is_set();
    let log = cluster.log(pod.object.name(), container.name, runs);
    let recovery = recovery(container);
    let summary = describe_termination(termination, restarts);
    let finish = |cause: Cause| Some(cause.recovery(recovery).quote("kubelet", &summary).log(&log));
    if is_oom_killed(termination) {
        return finish(out_of_memory(pod, container, "was OOMKilled: it exceeded its memory limit"));
    }
    if let Some(cause) = probes::killed(cluster, pod, container) {
        return finish(cause);
    }
    if cluster
        .events(pod.object)
        .iter()
        .any(|event| event.reason == "FailedPostStartHook" && event.container == container.name)
    {
        return finish(post_start(cluster, pod, container));
    }
    let path = pod.template.container(container.name);
    let id = &pod.template.object.id;
    if code == 0 && !container.init {
        let node = pod.template.container_node(container.name);
        let field = if node["command"].is_set() || node["args"].is_set() { command_field(node, &path) } else { path };
        let message = format!(
            "container `{}` exits with code 0 and is restarted; it is expected to keep running",
            container.name
        );
        let help = "run a program that stays in the foreground, or use a Job for work that completes";
        return finish(Cause::new(&rules::EXITS, id, field, message).help(help));
    }
    if let Some(cause) = references::sub_path(cluster, pod, container.name) {
        return finish(cause);
    }
    let tail = log.join("\n");
    if tail.contains("exec format error") {
        return finish(images::platform(pod, container));
    }
    if code == 137 && !is_killed_by_kubelet(cluster, pod, container) && limit(container, "memory").is_set() {
        return finish(out_of_memory(pod, container, "was killed, most likely because it exceeded its memory limit"));
    }
    if let Some(cause) = from_log(pod, container, &tail) {
        return finish(cause);
    }
    let last = log.last().copied().unwrap_or_default();
    let reason = if last.is_empty() { String::new() } else { format!(": {}", truncate(last)) };
    let (rule, noun) =
        if container.init { (&rules::INIT_CRASH, "init container") } else { (&rules::CRASH, "container") };
    let message = format!("{noun} `{}` fails with {}{reason}", container.name, describe_exit_code(code));
    let help = format!(
        "see its log: kubectl -n {} logs {} -c {} --previous",
        pod.object.namespace(),
        pod.object.name(),
        container.name
    );
    let mut cause = Cause::new(rule, id, path, message).help(help);
    if UNREACHABLE_PHRASES.iter().any(|phrase| tail.contains(phrase)) {
        // The server that it cannot reach may be the cause.
        cause.stage = Stage::Wait;
    }
    finish(cause)
}

/// Returns the cause that the last log lines of a container report.
pub(super) fn from_log(pod: &Pod<'_>, container: Container<'_>, tail: &str) -> Option<Cause> {
    let (id, name) = (&pod.template.object.id, container.name);
    let path = pod.template.container(name);
    let env = pod.template.container_node(name)["env"].items();
    // The first matching variable, else the container.
    let variable = |matches: &dyn Fn(&Node) -> bool| {
        let at = env.iter().position(matches);
        at.map_or_else(|| path.clone(), |at| item(&below(&path, &["env"]), at))
    };
    if let Some((noun, absent)) = missing_in_database(tail) {
        let field = variable(&|env| env["value"].text() == absent);
        let message = format!("{noun} `{absent}` of container `{name}` does not exist on the database server");
        let help =
            format!("use an existing {noun}; a server with persistent data only has what it was initialized with");
        return Some(Cause::new(&rules::CREDENTIALS, id, field, message).help(help));
    }
    if let Some((_, rule, field, message, help)) =
        LOG_PATTERNS.iter().find(|(phrases, ..)| phrases.iter().any(|phrase| tail.contains(phrase)))
    {
        let field = match field {
            FaultyField::Env => variable(&|env| secret::has_name(env["name"].text())),
            FaultyField::SecurityContext => read_only_field(pod, container, path.clone()),
        };
        return Some(Cause::new(rule, id, field, format!("{message} `{name}`")).help(*help));
    }
    let variable = missing_variable(tail)?;
    let message = format!("container `{name}` requires the environment variable `{variable}`, which is not set");
    let help = format!("set `{variable}` with env or envFrom");
    Some(Cause::new(&rules::ENV, id, below(&path, &["env"]), message).help(help))
}

/// The database or role that a server reports as missing: `FATAL: database "events" does not exist`.
fn missing_in_database(tail: &str) -> Option<(&'static str, &str)> {
    ["database", "role"].into_iter().find_map(|noun| {
        let rest = after(tail, &format!(" {noun} \""))?;
        let name = until(rest, &['"']);
        rest[name.len()..].starts_with("\" does not exist").then_some((noun, name))
    })
}

/// Whether a failing container may still recover: not after it has failed three times.
pub(super) fn recovery(container: Container<'_>) -> Recovery {
    const MAX_FAILURES: i64 = 3;
    let runs = container.status["state"]["running"].is_set();
    let failures = container.status["restartCount"].as_i64().unwrap_or_default() + i64::from(!runs);
    if failures >= MAX_FAILURES { Recovery::Unlikely(0) } else { Recovery::Possible }
}

/// Describes a terminated run in the terms of `kubectl describe pod`.
fn describe_termination(termination: &Node, restarts: i64) -> String {
    let code = termination["exitCode"].as_i64().unwrap_or_default();
    let reason = termination["reason"].text();
    let message = termination["message"].text().trim();
    let restarted = match restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        many => format!(", restarted {many} times"),
    };
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("terminated: {reason}, exit code {code}{restarted}{message}")
}

/// `exit code 127 (command not found)`.
fn describe_exit_code(code: i64) -> String {
    let meaning = match code {
        126 => " (command not executable)",
        127 => " (command not found)",
        132 => " (SIGILL)",
        134 => " (SIGABRT)",
        135 => " (SIGBUS)",
        137 => " (SIGKILL)",
        139 => " (SIGSEGV)",
        143 => " (SIGTERM)",
        _ => "",
    };
    format!("exit code {code}{meaning}")
}

fn is_oom_killed(termination: &Node) -> bool {
    termination["reason"].text() == "OOMKilled"
}

fn limit<'a>(container: Container<'a>, resource: &str) -> &'a Node {
    &container.spec["resources"]["limits"][resource]
}

fn out_of_memory<'a>(pod: &Pod<'a>, container: Container<'a>, event: &str) -> Cause {
    let limit = limit(container, "memory").text();
    let limit = if limit.is_empty() { String::new() } else { format!(" of {limit}") };
    let field = below(&pod.template.container(container.name), &["resources", "limits", "memory"]);
    let message = format!("container `{}` {event}{limit}", container.name);
    Cause::new(&rules::OUT_OF_MEMORY, &pod.template.object.id, field, message)
        .help("raise the memory limit, or reduce the memory usage")
}

/// Whether an event of the kubelet says that it killed the container.
fn is_killed_by_kubelet<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> bool {
    let events = cluster.events(pod.object).iter();
    events.into_iter().any(|event| event.reason == "Killing" && event.container == container.name)
}

fn read_only_field(pod: &Pod<'_>, container: Container<'_>, container_path: FieldPath) -> FieldPath {
    let node = pod.template.container_node(container.name);
    if node["securityContext"]["readOnlyRootFilesystem"].as_bool() == Some(true) {
        below(&container_path, &["securityContext", "readOnlyRootFilesystem"])
    } else {
        container_path
    }
}

/// The environment variable that a log line reports as missing.
fn missing_variable(tail: &str) -> Option<&str> {
    tail.lines().rev().filter(|line| UNSET_PHRASES.iter().any(|phrase| line.contains(phrase))).find_map(|line| {
        line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).find(|word| {
            let upper = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            upper && word.len() >= 4 && word.contains('_') && word.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}

/// Truncates a log line to fit into a message.
pub(super) fn truncate(line: &str) -> String {
    const MAX_LENGTH: usize = 160;
    let line = line.trim();
    match line.char_indices().nth(MAX_LENGTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_variables_are_found_in_log_lines() {
        for (line, variable) in [
            ("Error: DATABASE_URL is not set", Some("DATABASE_URL")),
            ("You must specify POSTGRES_PASSWORD to a non-empty value", Some("POSTGRES_PASSWORD")),
            ("missing required env var: \"API_KEY\"", Some("API_KEY")),
            ("panic: HTTP request failed", None),
            ("ERROR: file is missing", None),
            ("LOG_LEVEL=info", None),
        ] {
            assert_eq!(missing_variable(line), variable, "{line}");
        }
    }
}
