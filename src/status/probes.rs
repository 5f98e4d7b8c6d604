//! Why a container that runs is not ready: what its probes say.

use crate::node::Node;
use crate::status::cause::{Cause, Prospect, Stage, below};
use crate::status::cluster::Cluster;
use crate::status::crash::{self, cut};
use crate::status::pods::{Container, Pod};
use crate::status::record::Event;
use crate::status::rules::{self, Rule};

/// The three probes: the field, the words with which events begin, and the rule.
const PROBES: [(&str, &str, &Rule); 3] = [
    ("startupProbe", "Startup probe", &rules::STARTUP_PROBE),
    ("livenessProbe", "Liveness probe", &rules::LIVENESS_PROBE),
    ("readinessProbe", "Readiness probe", &rules::READINESS_PROBE),
];

/// A container that the kubelet ended because a probe failed.
#[must_use]
pub(super) fn killed<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let events = cluster.events(pod.object);
    let own = |event: &&&Event| event.container == container.name;
    let killing =
        events.iter().rev().filter(own).find(|event| event.reason == "Killing" && event.message.contains("failed"))?;
    let which = usize::from(killing.message.contains("liveness"));
    Some(probe(cluster, pod, container, which))
}

/// Why a pod whose containers all run is not ready, or will not stay so.
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
        // It was restarted for a probe before, and the probe has failed since it runs again.
        if restarts >= 1
            && let Some(cause) = killed(cluster, pod, *container)
        {
            let which = PROBES.iter().position(|(_, _, rule)| *rule == cause.rule).unwrap_or_default();
            let since =
                last_failure(cluster, pod, *container, which).map_or(i64::MAX, |event| cluster.record.at - event.last);
            let unproven = restarts >= 2 && status["ready"].as_bool() != Some(true);
            if since <= age || unproven {
                return Some(cause.prospect(crash::prospect(*container)));
            }
        }
        if status["ready"].as_bool() == Some(true) {
            continue;
        }
        // A startup probe has its own patience; a readiness probe begins when that has passed.
        let started = status["started"].as_bool() == Some(true);
        let probe_of = |field: &str| &container.spec[field];
        let which = if !started && probe_of("startupProbe").is_set() { 0 } else { 2 };
        let node = probe_of(PROBES[which].0);
        let number = |key: &str, default: i64| node[key].as_i64().unwrap_or(default);
        let delay = number("initialDelaySeconds", 0);
        let budget = if which == 0 { number("periodSeconds", 10) * number("failureThreshold", 3) } else { 0 };
        let words = last_failure(cluster, pod, *container, which).map_or("", |event| event.message.as_str());
        let (patience, prospect) = match answer(words) {
            Answer::Never => (NEVER.min(cluster.patience), Prospect::Poor(5)),
            Answer::Wrong => (budget.max(WRONG.min(cluster.patience)), Prospect::Poor(30)),
            Answer::NotYet => (budget.max(cluster.patience), Prospect::Open),
        };
        if node.is_set() && age >= delay + patience {
            return Some(probe(cluster, pod, *container, which).prospect(prospect));
        }
    }
    None
}

/// What a probe's failure says of the next tries.
enum Answer {
    /// It cannot be asked: there is no such command or port.
    Never,
    /// The program answers, and with something else than is asked for; a few do so while they start.
    Wrong,
    /// No answer, or one that says "not yet".
    NotYet,
}

/// Seconds after which a probe that can never pass counts.
const NEVER: i64 = 10;

/// Seconds after which a wrong answer counts.
const WRONG: i64 = 30;

fn answer(words: &str) -> Answer {
    const CANNOT_ASK: &[&str] = &[
        "executable file not found",
        "unable to start container process: exec",
        "couldn't find port",
        "unable to find named port",
    ];
    const WRONG_ANSWER: &[&str] =
        &["statuscode: 404", "statuscode: 401", "statuscode: 403", "statuscode: 405", "HTTP response to HTTPS client"];
    let has = |all: &[&str]| all.iter().any(|part| words.contains(part));
    if has(CANNOT_ASK) {
        Answer::Never
    } else if has(WRONG_ANSWER) {
        Answer::Wrong
    } else {
        Answer::NotYet
    }
}

/// An init container that runs for long: it waits for something.
fn waiting<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, age: i64) -> Option<Cause> {
    if age < cluster.patience {
        return None;
    }
    let log = cluster.log(pod.object.name(), container.name, false);
    let last = log.last().copied().unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {}", cut(last)) };
    let message = format!("init container `{}` does not end{said}", container.name);
    let place = pod.template.container(container.name);
    let cause = match crash::told(pod, container, last) {
        Some(cause) => Cause { stage: Stage::Wait, prospect: Prospect::Poor(0), ..cause },
        None => Cause::new(&rules::INIT_WAITS, &pod.template.object.id, place, message)
            .help("bring up what it waits for, or correct the name it waits for"),
    };
    Some(cause.words("kubelet", &format!("running for {age}s")).log(&log))
}

/// A container of a Job that runs for long, and says why it gets no further.
#[must_use]
pub(super) fn job<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let running = &container.status["state"]["running"];
    let age = cluster.age(&running["startedAt"]);
    if container.init || !running.is_set() || age < cluster.patience {
        return None;
    }
    let log = cluster.log(pod.object.name(), container.name, false);
    let cause = crash::told(pod, container, log.last()?)?.prospect(Prospect::Poor(0));
    Some(cause.words("kubelet", &format!("running for {age}s")).log(&log))
}

fn last_failure<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, which: usize) -> Option<&'a Event> {
    let events = cluster.events(pod.object).iter().rev();
    let words = PROBES[which].1;
    events
        .filter(|event| event.container == container.name)
        .find(|event| {
            matches!(event.reason.as_str(), "Unhealthy" | "ProbeError" | "ProbeWarning")
                && event.message.starts_with(words)
        })
        .copied()
}

/// The cause at a probe: what the kubelet says of it, and what to do.
fn probe<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, which: usize) -> Cause {
    let (field, _, rule) = PROBES[which];
    let event = last_failure(cluster, pod, container, which);
    let words = event.map_or("", |event| event.message.as_str());
    let node = &container.spec[field];
    let (why, advice) = explain(node, words);
    let name = container.name;
    let what = match which {
        0 => "gives up before the program is up",
        1 => "fails, and the container is restarted",
        _ => "fails",
    };
    let message = format!("the {} of container `{name}` {what}{why}", PROBES[which].1.to_lowercase());
    let help = match which {
        0 if advice.is_empty() => {
            let number = |key: &str, default: i64| node[key].as_i64().unwrap_or(default);
            let budget = number("initialDelaySeconds", 0) + number("periodSeconds", 10) * number("failureThreshold", 3);
            format!("it allows {budget}s: raise failureThreshold, or make the program start faster")
        }
        _ if advice.is_empty() => "look at what the probe asks, and what the program logs".to_owned(),
        _ => advice,
    };
    let previous = container.status["state"]["running"].is_null();
    Cause::new(rule, &pod.template.object.id, below(&pod.template.container(name), &[field]), message)
        .help(help)
        .words("kubelet", words)
        .log(&cluster.log(pod.object.name(), name, previous))
}

/// What a probe's failure means, for a sentence, and what to do about it.
fn explain(node: &Node, words: &str) -> (String, String) {
    let port = |kind: &str| match node[kind]["port"].as_i64() {
        Some(number) => number.to_string(),
        None => node[kind]["port"].text().to_owned(),
    };
    let port = ["httpGet", "tcpSocket", "grpc"].map(port).into_iter().find(|port| !port.is_empty()).unwrap_or_default();
    let path = node["httpGet"]["path"].text();
    let status = words.rsplit("statuscode: ").next().filter(|_| words.contains("statuscode: "));
    if let Some(code) = status {
        let code = code.trim();
        let advice = match code {
            "404" => "ask a path that the program serves",
            "401" | "403" => "ask a path that needs no login",
            "503" | "500" => "look at the program's log: it says of itself that it is not ready",
            _ => "ask a path that answers with 200 to 399",
        };
        return (format!(": GET {path} answers {code}"), advice.to_owned());
    }
    if words.contains("connection refused") {
        return (
            format!(": nothing listens on port {port}"),
            "name the port on which the program listens, on all addresses".to_owned(),
        );
    }
    if words.contains("HTTP response to HTTPS client") || words.contains("malformed HTTP") {
        return (
            ": the scheme is not the one the program speaks".to_owned(),
            "set httpGet.scheme to the one it speaks".to_owned(),
        );
    }
    if words.contains("executable file not found") || words.contains("no such file or directory") {
        return (": its command does not exist in the image".to_owned(), "use a command that the image has".to_owned());
    }
    if words.contains("deadline exceeded") || words.contains("timed out") || words.contains("timeout") {
        return (
            ": no answer within timeoutSeconds".to_owned(),
            "raise timeoutSeconds, or look why the program answers slowly".to_owned(),
        );
    }
    if words.contains("couldn't find port")
        || words.contains("invalid syntax")
        || words.contains("unable to find named port")
    {
        return (
            format!(": the container has no port named `{port}`"),
            "name a port of the container, or give its number".to_owned(),
        );
    }
    (String::new(), String::new())
}
