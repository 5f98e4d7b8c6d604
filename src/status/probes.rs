//! Why a running container is not ready, from the failures of its probes.

use crate::node::Node;
use crate::status::cause::{Cause, Recovery, Stage, below};
use crate::status::cluster::Cluster;
use crate::status::crash::{self, truncate};
use crate::status::pods::{Container, Pod};
use crate::status::record::Event;
use crate::status::rules::{self, CauseRule};

/// The kinds of probes: the field, the start of their events' messages, and the rule.
const PROBES: [(&str, &str, &CauseRule); 3] = [
    ("startupProbe", "Startup probe", &rules::STARTUP_PROBE),
    ("livenessProbe", "Liveness probe", &rules::LIVENESS_PROBE),
    ("readinessProbe", "Readiness probe", &rules::READINESS_PROBE),
];

/// The cause of a container that the kubelet killed because a probe failed.
#[must_use]
pub(super) fn killed<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let events = cluster.events(pod.object);
    let own = |event: &&&Event| event.container == container.name;
    let killing =
        events.iter().rev().filter(own).find(|event| event.reason == "Killing" && event.message.contains("failed"))?;
    let which = usize::from(killing.message.contains("liveness"));
    Some(probe(cluster, pod, container, which))
}

/// Returns why a pod with running containers is not ready or will not stay ready.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, containers: &[Container<'a>]) -> Option<Cause> {
    for container in containers {
        let status = container.status;
        let running = &status["state"]["running"];
        if !running.is_set() {
            continue;
        }
        let age = cluster.age(&running["startedAt"]);
        let restarts = status["restartCount"].as_i64().unwrap_or_default();
        if container.init {
            return waiting(cluster, pod, *container, age);
        }
        // It was restarted because of a probe, which has failed again since.
        if restarts >= 1
            && let Some(cause) = killed(cluster, pod, *container)
        {
            let which = PROBES.iter().position(|(_, _, rule)| *rule == cause.rule).unwrap_or_default();
            let since =
                last_failure(cluster, pod, *container, which).map_or(i64::MAX, |event| cluster.record.at - event.last);
            let is_unstable = restarts >= 2 && status["ready"].as_bool() != Some(true);
            if since <= age || is_unstable {
                return Some(cause.recovery(crash::recovery(*container)));
            }
        }
        if status["ready"].as_bool() == Some(true) {
            continue;
        }
        // A startup probe defines how long it may fail; readiness probes start after it has succeeded.
        let started = status["started"].as_bool() == Some(true);
        let probe_of = |field: &str| &container.spec[field];
        let which = if !started && probe_of("startupProbe").is_set() { 0 } else { 2 };
        let node = probe_of(PROBES[which].0);
        let number = |key: &str, default: i64| node[key].as_i64().unwrap_or(default);
        let delay = number("initialDelaySeconds", 0);
        let budget = if which == 0 { number("periodSeconds", 10) * number("failureThreshold", 3) } else { 0 };
        let message = last_failure(cluster, pod, *container, which).map_or("", |event| event.message.as_str());
        let (patience, recovery) = match classify(message) {
            ProbeFailure::NotExecutable => (NOT_EXECUTABLE_SECONDS.min(cluster.patience), Recovery::Unlikely(5)),
            ProbeFailure::WrongResponse => {
                (budget.max(WRONG_RESPONSE_SECONDS.min(cluster.patience)), Recovery::Unlikely(30))
            }
            ProbeFailure::NotReady => (budget.max(cluster.patience), Recovery::Possible),
        };
        if node.is_set() && age >= delay + patience {
            return Some(probe(cluster, pod, *container, which).recovery(recovery));
        }
    }
    None
}

/// How a probe failed.
enum ProbeFailure {
    /// The probe cannot be executed: its command or port does not exist.
    NotExecutable,
    /// The program responds with an error such as 404. Some programs do so while they start.
    WrongResponse,
    /// There is no response, or the program responds that it is not ready.
    NotReady,
}

/// The seconds after which a probe that cannot be executed is reported.
const NOT_EXECUTABLE_SECONDS: i64 = 10;

/// The seconds after which a wrong response is reported.
const WRONG_RESPONSE_SECONDS: i64 = 30;

fn classify(message: &str) -> ProbeFailure {
    const NOT_EXECUTABLE: &[&str] = &[
        "executable file not found",
        "unable to start container process: exec",
        "couldn't find port",
        "unable to find named port",
    ];
    const WRONG_RESPONSE: &[&str] =
        &["statuscode: 404", "statuscode: 401", "statuscode: 403", "statuscode: 405", "HTTP response to HTTPS client"];
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if has(NOT_EXECUTABLE) {
        ProbeFailure::NotExecutable
    } else if has(WRONG_RESPONSE) {
        ProbeFailure::WrongResponse
    } else {
        ProbeFailure::NotReady
    }
}

/// The cause of an init container that has been running for too long.
fn waiting<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, age: i64) -> Option<Cause> {
    if age < cluster.patience {
        return None;
    }
    let log = cluster.log(pod.object.name(), container.name, false);
    let last = log.last().copied().unwrap_or_default();
    let detail = if last.is_empty() { String::new() } else { format!(": {}", truncate(last)) };
    let message = format!("init container `{}` has not completed{detail}", container.name);
    let path = pod.template.container(container.name);
    let cause = match crash::from_log(pod, container, last) {
        Some(cause) => Cause { stage: Stage::Wait, recovery: Recovery::Unlikely(0), ..cause },
        None => Cause::new(&rules::INIT_WAITS, &pod.template.object.id, path, message)
            .help("start the workload that it waits for, or correct the name"),
    };
    Some(cause.quote("kubelet", &format!("running for {age}s")).log(&log))
}

/// The cause of a Job's container that has been running for too long and logs an error.
#[must_use]
pub(super) fn job<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let running = &container.status["state"]["running"];
    let age = cluster.age(&running["startedAt"]);
    if container.init || !running.is_set() || age < cluster.patience {
        return None;
    }
    let log = cluster.log(pod.object.name(), container.name, false);
    let cause = crash::from_log(pod, container, log.last()?)?.recovery(Recovery::Unlikely(0));
    Some(cause.quote("kubelet", &format!("running for {age}s")).log(&log))
}

fn last_failure<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, which: usize) -> Option<&'a Event> {
    let events = cluster.events(pod.object).iter().rev();
    let prefix = PROBES[which].1;
    events
        .filter(|event| event.container == container.name)
        .find(|event| {
            matches!(event.reason.as_str(), "Unhealthy" | "ProbeError" | "ProbeWarning")
                && event.message.starts_with(prefix)
        })
        .copied()
}

/// The cause of a failing probe, from the last event of the kubelet about it.
fn probe<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, which: usize) -> Cause {
    let (field, _, rule) = PROBES[which];
    let event = last_failure(cluster, pod, container, which);
    let failure = event.map_or("", |event| event.message.as_str());
    let node = &container.spec[field];
    let (reason, help) = explain(node, failure);
    let name = container.name;
    let effect = match which {
        0 => "failed before the program was up",
        1 => "failed, so the container is restarted",
        _ => "failed",
    };
    let message = format!("the {} of container `{name}` {effect}{reason}", PROBES[which].1.to_lowercase());
    let help = match which {
        0 if help.is_empty() => {
            let number = |key: &str, default: i64| node[key].as_i64().unwrap_or(default);
            let budget = number("initialDelaySeconds", 0) + number("periodSeconds", 10) * number("failureThreshold", 3);
            format!("raise failureThreshold, or make the program start faster: the probe allows {budget}s")
        }
        _ if help.is_empty() => "compare what the probe checks with the log of the program".to_owned(),
        _ => help,
    };
    let previous = container.status["state"]["running"].is_null();
    Cause::new(rule, &pod.template.object.id, below(&pod.template.container(name), &[field]), message)
        .help(help)
        .quote("kubelet", failure)
        .log(&cluster.log(pod.object.name(), name, previous))
}

/// Returns why a probe failed, to be appended to a message, and how to fix it. Both are empty if the failure is not
/// recognized.
fn explain(node: &Node, failure: &str) -> (String, String) {
    let port = |kind: &str| match node[kind]["port"].as_i64() {
        Some(number) => number.to_string(),
        None => node[kind]["port"].text().to_owned(),
    };
    let port = ["httpGet", "tcpSocket", "grpc"].map(port).into_iter().find(|port| !port.is_empty()).unwrap_or_default();
    let path = node["httpGet"]["path"].text();
    let status = failure.rsplit("statuscode: ").next().filter(|_| failure.contains("statuscode: "));
    if let Some(code) = status {
        let code = code.trim();
        let help = match code {
            "404" => "use a path that the program serves",
            "401" | "403" => "use a path that does not require authentication",
            "503" | "500" => "check the log of the program: it reports that it is not ready",
            _ => "use a path that returns a status code from 200 to 399",
        };
        return (format!(": GET {path} returns {code}"), help.to_owned());
    }
    if failure.contains("connection refused") {
        return (
            format!(": connection refused on port {port}"),
            "use the port on which the program listens; it must listen on all addresses".to_owned(),
        );
    }
    if failure.contains("HTTP response to HTTPS client") || failure.contains("malformed HTTP") {
        return (
            ": the scheme does not match the program's protocol".to_owned(),
            "set httpGet.scheme to `HTTP` or `HTTPS`, as the program serves it".to_owned(),
        );
    }
    if failure.contains("executable file not found") || failure.contains("no such file or directory") {
        return (
            ": its command does not exist in the image".to_owned(),
            "use a command that exists in the image".to_owned(),
        );
    }
    if failure.contains("deadline exceeded") || failure.contains("timed out") || failure.contains("timeout") {
        return (
            ": no response within timeoutSeconds".to_owned(),
            "raise timeoutSeconds, or find out why the program responds slowly".to_owned(),
        );
    }
    if failure.contains("couldn't find port")
        || failure.contains("invalid syntax")
        || failure.contains("unable to find named port")
    {
        return (
            format!(": the container has no port named `{port}`"),
            "use the name of a container port, or a number".to_owned(),
        );
    }
    (String::new(), String::new())
}
