//! The state of one object: ready, on its way, or failed.

use crate::node::Node;
use crate::object::Object;
use crate::status::cluster::{Cluster, condition};
use crate::status::crash::cut;

/// How far an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is as it should be.
    Ready,
    /// It is not yet.
    Progressing,
    /// It will not be without a change.
    Failed,
    /// The cluster does not have it.
    Missing,
}

impl State {
    /// `ready`, `progressing`, `failed` or `missing`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Progressing => "progressing",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

/// The state of an object, and a few words about it: `1/1 ready`, `0/1 ready: pulling image x`.
#[must_use]
pub(super) fn of<'a>(cluster: &Cluster<'a>, object: &'a Object) -> (State, String) {
    let (state, words) = plain(cluster, object);
    if state == State::Ready || object.pod_place().is_none() {
        return (state, words);
    }
    match doing(cluster, object) {
        Some(doing) => (state, format!("{words}: {doing}")),
        None => (state, words),
    }
}

/// What the newest pod of a workload that is not ready is doing.
fn doing<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<String> {
    let pods = if object.kind() == "Pod" { vec![object] } else { cluster.owned(object, "Pod") };
    let ends = |pod: &Object| pod.node["spec"]["restartPolicy"].text() != "Always";
    let is_ready = |pod: &&&Object| condition(pod, "Ready")["status"].text() == "True" && !ends(pod);
    let pod = pods.iter().rev().find(|pod| !is_ready(pod) && pod.node["status"]["phase"].text() != "Failed")?;
    let scheduled = condition(pod, "PodScheduled");
    if scheduled["status"].text() == "False" {
        return Some("no node yet".to_owned());
    }
    let status = &pod.node["status"];
    let init = status["initContainerStatuses"].items();
    let log = |name: &str| {
        let last = cluster.log(pod.name(), name, false).last().map(|line| format!(": {}", cut(line)));
        last.unwrap_or_default()
    };
    for (at, container) in init.iter().chain(status["containerStatuses"].items()).enumerate() {
        let name = container["name"].text();
        let state = &container["state"];
        let works = ends(pod) && state["running"].is_set();
        if container["ready"].as_bool() == Some(true) && !works {
            continue;
        }
        let of = if at < init.len() { format!("init {}/{} {name}", at + 1, init.len()) } else { name.to_owned() };
        return Some(match state["waiting"]["reason"].text() {
            "ContainerCreating" | "PodInitializing" | ""
                if state["running"].is_null() && state["terminated"].is_null() =>
            {
                let pulls = cluster.events(pod).last().filter(|event| event.reason == "Pulling");
                pulls.map_or_else(|| format!("{of} is created"), |event| event.message.to_lowercase().replace('"', ""))
            }
            "" if state["terminated"].is_set() => {
                format!("{of} ended with exit code {}", state["terminated"]["exitCode"].as_i64().unwrap_or_default())
            }
            "" if at < init.len() || works => format!("{of} runs{}", log(name)),
            "" => {
                let events = cluster.events(pod).iter().rev();
                let probe = events.into_iter().find(|event| event.reason == "Unhealthy" && event.container == name);
                probe.map_or_else(|| format!("{of} runs"), |event| cut(&event.message))
            }
            reason => format!("{of}: {reason}"),
        });
    }
    None
}

fn plain(cluster: &Cluster<'_>, object: &Object) -> (State, String) {
    let (spec, status) = (&object.node["spec"], &object.node["status"]);
    let number = |node: &Node| node.as_i64().unwrap_or_default();
    let is = |ready: bool| if ready { State::Ready } else { State::Progressing };
    if object.node["metadata"]["deletionTimestamp"].is_set() {
        return (State::Progressing, "being deleted".to_owned());
    }
    let observed = number(&status["observedGeneration"]) >= number(&object.node["metadata"]["generation"]);
    match object.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let wanted = spec["replicas"].as_i64().unwrap_or(1);
            let ready = number(&status["readyReplicas"]);
            let rolls = object.kind() == "Deployment"
                || (object.kind() == "StatefulSet" && spec["updateStrategy"]["type"].text() != "OnDelete");
            let partition = number(&spec["updateStrategy"]["rollingUpdate"]["partition"]);
            let updated = !rolls || number(&status["updatedReplicas"]) >= wanted - partition.clamp(0, wanted);
            let available = object.kind() != "Deployment" || number(&status["availableReplicas"]) >= wanted;
            let old = object.kind() == "Deployment" && number(&status["replicas"]) > number(&status["updatedReplicas"]);
            let deadline = condition(object, "Progressing")["reason"].text() == "ProgressDeadlineExceeded";
            let done = observed && ready >= wanted && updated && available && !old;
            let state = if deadline && !done { State::Failed } else { is(done) };
            (state, format!("{ready}/{wanted} ready"))
        }
        "DaemonSet" => {
            let wanted = number(&status["desiredNumberScheduled"]);
            let ready = number(&status["numberReady"]);
            let rolls = spec["updateStrategy"]["type"].text() != "OnDelete";
            let updated = !rolls || number(&status["updatedNumberScheduled"]) >= wanted;
            (is(observed && ready >= wanted && updated), format!("{ready}/{wanted} ready"))
        }
        "Job" => job(object),
        "Pod" => {
            let phase = status["phase"].text();
            let ready = condition(object, "Ready")["status"].text() == "True" || phase == "Succeeded";
            (if phase == "Failed" { State::Failed } else { is(ready) }, phase.to_lowercase())
        }
        "PersistentVolumeClaim" => {
            let phase = status["phase"].text();
            let last = cluster.events(object).last();
            let waits = last.is_some_and(|event| event.reason == "WaitForFirstConsumer");
            match phase {
                "Lost" => (State::Failed, "lost".to_owned()),
                "Pending" if waits && !cluster.is_used(object) => {
                    (State::Ready, "waits for its first consumer".to_owned())
                }
                _ => (is(phase == "Bound"), phase.to_lowercase()),
            }
        }
        "Service" if spec["type"].text() == "LoadBalancer" => {
            let ready = !status["loadBalancer"]["ingress"].items().is_empty();
            (is(ready), if ready { "load balancer provided" } else { "waits for a load balancer" }.to_owned())
        }
        "Namespace" => (is(status["phase"].text() != "Terminating"), status["phase"].text().to_lowercase()),
        "CustomResourceDefinition" => {
            let established = condition(object, "Established")["status"].text() == "True";
            (is(established), if established { "established" } else { "not yet established" }.to_owned())
        }
        _ => (State::Ready, String::new()),
    }
}

fn job(object: &Object) -> (State, String) {
    let (spec, status) = (&object.node["spec"], &object.node["status"]);
    let number = |node: &Node| node.as_i64().unwrap_or_default();
    let is_true = |kind: &str| condition(object, kind)["status"].text() == "True";
    let wanted = spec["completions"].as_i64().or_else(|| spec["parallelism"].as_i64()).unwrap_or(1);
    if is_true("Complete") {
        return (State::Ready, "complete".to_owned());
    }
    if is_true("Failed") {
        return (State::Failed, condition(object, "Failed")["reason"].text().to_owned());
    }
    if spec["suspend"].as_bool() == Some(true) {
        return (State::Ready, "suspended".to_owned());
    }
    let mut words = format!("{}/{wanted} complete, {} active", number(&status["succeeded"]), number(&status["active"]));
    if number(&status["failed"]) > 0 {
        words.push_str(&format!(", {} failed", number(&status["failed"])));
    }
    (State::Progressing, words)
}
