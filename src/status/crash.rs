//! Why a container that started does not keep running: what its exit and its last words tell.

use crate::node::Node;
use crate::path::FieldPath;
use crate::secret;
use crate::status::admission::{after, until};
use crate::status::cause::{Cause, Prospect, Stage, below, item};
use crate::status::cluster::Cluster;
use crate::status::containers::{command_field, post_start};
use crate::status::pods::{Container, Pod};
use crate::status::rules::{self, Rule};
use crate::status::{images, probes, references};

/// Where the cause that last words tell is to be mended.
#[derive(Debug, Clone, Copy)]
enum Where {
    /// Its variables.
    Env,
    /// Its security context.
    Security,
}

/// Last words of programs, and the cause that they tell.
const WORDS: &[(&[&str], &Rule, Where, &str, &str)] = &[
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
        Where::Env,
        "a server rejects the credentials of container",
        "make the user and password the same on both sides; a server that keeps its data keeps the password it was first started with",
    ),
    (
        &["Read-only file system", "read-only file system", "EROFS"],
        &rules::READ_ONLY,
        Where::Security,
        "the root file system is read-only, and it writes there: container",
        "mount an emptyDir where it writes, or set readOnlyRootFilesystem to false",
    ),
];

/// Phrases with which programs say that a variable is missing, beside the variable's name.
const UNSET: &[&str] = &[
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

/// Phrases with which programs say that something else does not answer.
const UNREACHABLE: &[&str] = &[
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

/// Why a container that ended, or was ended, does not stay up.
#[must_use]
pub(super) fn cause<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    ended: &'a Node,
) -> Option<Cause> {
    let code = ended["exitCode"].as_i64().unwrap_or_default();
    let restarts = container.status["restartCount"].as_i64().unwrap_or_default();
    let runs = container.status["state"]["running"].is_set();
    let log = cluster.log(pod.object.name(), container.name, runs);
    let prospect = prospect(container);
    let end = |cause: Cause| Some(cause.prospect(prospect).words("kubelet", &how(ended, restarts)).log(&log));
    if killed_out_of_memory(ended) {
        return end(out_of_memory(pod, container, "is killed because it uses more memory than its limit"));
    }
    if let Some(cause) = probes::killed(cluster, pod, container) {
        return end(cause);
    }
    if cluster
        .events(pod.object)
        .iter()
        .any(|event| event.reason == "FailedPostStartHook" && event.container == container.name)
    {
        return end(post_start(cluster, pod, container));
    }
    let place = pod.template.container(container.name);
    let id = &pod.template.object.id;
    if code == 0 && !container.init {
        let node = pod.template.container_node(container.name);
        let field = if node["command"].is_set() || node["args"].is_set() { command_field(node, &place) } else { place };
        let message =
            format!("container `{}` exits with code 0 and is restarted: it should keep running", container.name);
        let help = "run a program that stays in the foreground; for work that ends, use a Job";
        return end(Cause::new(&rules::EXITS, id, field, message).help(help));
    }
    if let Some(cause) = references::sub_path(cluster, pod, container.name) {
        return end(cause);
    }
    let tail = log.join("\n");
    if tail.contains("exec format error") {
        return end(images::platform(pod, container));
    }
    if code == 137 && !ended_by_kubelet(cluster, pod, container) && limit(container, "memory").is_set() {
        return end(out_of_memory(pod, container, "is killed, most likely because it uses more memory than its limit"));
    }
    if let Some(cause) = told(pod, container, &tail) {
        return end(cause);
    }
    let last = log.last().copied().unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {}", cut(last)) };
    let (rule, noun) =
        if container.init { (&rules::INIT_CRASH, "init container") } else { (&rules::CRASH, "container") };
    let message = format!("{noun} `{}` fails with {}{said}", container.name, exit(code));
    let help = format!(
        "its last words say why: kubectl -n {} logs {} -c {} --previous",
        pod.object.namespace(),
        pod.object.name(),
        container.name
    );
    let mut cause = Cause::new(rule, id, place, message).help(help);
    if UNREACHABLE.iter().any(|words| tail.contains(words)) {
        // What it cannot reach may be the one to blame.
        cause.stage = Stage::Wait;
    }
    end(cause)
}

/// The cause that the last words of a container tell by themselves.
pub(super) fn told(pod: &Pod<'_>, container: Container<'_>, tail: &str) -> Option<Cause> {
    let (id, name) = (&pod.template.object.id, container.name);
    let place = pod.template.container(name);
    let env = pod.template.container_node(name)["env"].items();
    // The variable of which something holds; without one, the container.
    let variable = |fits: &dyn Fn(&Node) -> bool| {
        let at = env.iter().position(fits);
        at.map_or_else(|| place.clone(), |at| item(&below(&place, &["env"]), at))
    };
    if let Some((what, absent)) = missing_in_server(tail) {
        let field = variable(&|env| env["value"].text() == absent);
        let message = format!("the server has no {what} `{absent}`, which container `{name}` asks for");
        let help =
            format!("name a {what} that the server has; one that keeps its data has what it was first started with");
        return Some(Cause::new(&rules::CREDENTIALS, id, field, message).help(help));
    }
    if let Some((_, rule, place_of, says, help)) =
        WORDS.iter().find(|(words, ..)| words.iter().any(|word| tail.contains(word)))
    {
        let field = match place_of {
            Where::Env => variable(&|env| secret::has_name(env["name"].text())),
            Where::Security => read_only_field(pod, container, place.clone()),
        };
        return Some(Cause::new(rule, id, field, format!("{says} `{name}`")).help(*help));
    }
    let variable = missing_variable(tail)?;
    let message = format!("container `{name}` misses the variable `{variable}`");
    let help = format!("set {variable} in env, or with envFrom");
    Some(Cause::new(&rules::ENV, id, below(&place, &["env"]), message).help(help))
}

/// What a database server says that it does not have: `FATAL: database "events" does not exist`.
fn missing_in_server(tail: &str) -> Option<(&'static str, &str)> {
    ["database", "role"].into_iter().find_map(|what| {
        let rest = after(tail, &format!(" {what} \""))?;
        let name = until(rest, &['"']);
        rest[name.len()..].starts_with("\" does not exist").then_some((what, name))
    })
}

/// Whether a container that fails may yet keep running: one that has failed three times does not.
pub(super) fn prospect(container: Container<'_>) -> Prospect {
    const RUNS: i64 = 3;
    let runs = container.status["state"]["running"].is_set();
    let failed = container.status["restartCount"].as_i64().unwrap_or_default() + i64::from(!runs);
    if failed >= RUNS { Prospect::Poor(0) } else { Prospect::Open }
}

/// How a run ended, as kubectl describes it.
fn how(ended: &Node, restarts: i64) -> String {
    let code = ended["exitCode"].as_i64().unwrap_or_default();
    let reason = ended["reason"].text();
    let message = ended["message"].text().trim();
    let restarted = match restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        many => format!(", restarted {many} times"),
    };
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("terminated: {reason}, exit code {code}{restarted}{message}")
}

/// `exit code 127 (command not found)`.
fn exit(code: i64) -> String {
    let meaning = match code {
        126 => " (command cannot be executed)",
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

fn killed_out_of_memory(ended: &Node) -> bool {
    ended["reason"].text() == "OOMKilled"
}

fn limit<'a>(container: Container<'a>, resource: &str) -> &'a Node {
    &container.spec["resources"]["limits"][resource]
}

fn out_of_memory<'a>(pod: &Pod<'a>, container: Container<'a>, says: &str) -> Cause {
    let limit = limit(container, "memory").text();
    let limit = if limit.is_empty() { String::new() } else { format!(" of {limit}") };
    let field = below(&pod.template.container(container.name), &["resources", "limits", "memory"]);
    let message = format!("container `{}` {says}{limit}", container.name);
    Cause::new(&rules::OUT_OF_MEMORY, &pod.template.object.id, field, message)
        .help("raise the memory limit, or use less")
}

/// Whether the kubelet says that it ended a container itself.
fn ended_by_kubelet<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> bool {
    let events = cluster.events(pod.object).iter();
    events.into_iter().any(|event| event.reason == "Killing" && event.container == container.name)
}

fn read_only_field(pod: &Pod<'_>, container: Container<'_>, place: FieldPath) -> FieldPath {
    let node = pod.template.container_node(container.name);
    if node["securityContext"]["readOnlyRootFilesystem"].as_bool() == Some(true) {
        below(&place, &["securityContext", "readOnlyRootFilesystem"])
    } else {
        place
    }
}

/// The variable that last words name, in a line that says that it is missing.
fn missing_variable(tail: &str) -> Option<&str> {
    tail.lines().rev().filter(|line| UNSET.iter().any(|words| line.contains(words))).find_map(|line| {
        line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).find(|word| {
            let upper = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            upper && word.len() >= 4 && word.contains('_') && word.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}

/// A log line, short enough for a title.
pub(super) fn cut(line: &str) -> String {
    const LONGEST: usize = 160;
    let line = line.trim();
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_found_in_last_words() {
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
