//! The state of an object: ready, progressing, failed or missing.

use crate::node::Node;
use crate::object::Object;
use crate::status::cluster::{Cluster, condition};
use crate::status::crash::truncate;

/// The state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectState {
    /// It is ready.
    Ready,
    /// It is not ready yet.
    Progressing,
    /// It will not become ready without a change.
    Failed,
    /// It does not exist in the cluster.
    Missing,
}

impl ObjectState {
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

/// Returns the state of an object and a description of it: `1/1 ready`, `0/1 ready: pulling image x`.
#[must_use]
pub(super) fn of<'a>(cluster: &Cluster<'a>, object: &'a Object) -> (ObjectState, String) {
    let (state, description) = from_status(cluster, object);
    if state == ObjectState::Ready || object.pod_template_path().is_none() {
        return (state, description);
    }
    match pod_activity(cluster, object) {
        Some(activity) => (state, format!("{description}: {activity}")),
        None => (state, description),
    }
}

/// What the newest pod that is not ready is currently doing.
fn pod_activity<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<String> {
    let pods = if object.kind() == "Pod" { vec![object] } else { cluster.owned(object, "Pod") };
    let runs_to_completion = |pod: &Object| pod.node["spec"]["restartPolicy"].text() != "Always";
    let is_ready = |pod: &&&Object| condition(pod, "Ready")["status"].text() == "True" && !runs_to_completion(pod);
    let pod = pods.iter().rev().find(|pod| !is_ready(pod) && pod.node["status"]["phase"].text() != "Failed")?;
    let scheduled = condition(pod, "PodScheduled");
    if scheduled["status"].text() == "False" {
        return Some("not scheduled".to_owned());
    }
    let status = &pod.node["status"];
    let init = status["initContainerStatuses"].items();
    let log = |name: &str| {
        let last = cluster.log(pod.name(), name, false).last().map(|line| format!(": {}", truncate(line)));
        last.unwrap_or_default()
    };
    for (at, container) in init.iter().chain(status["containerStatuses"].items()).enumerate() {
        let name = container["name"].text();
        let state = &container["state"];
        let is_working = runs_to_completion(pod) && state["running"].is_set();
        if container["ready"].as_bool() == Some(true) && !is_working {
            continue;
        }
        let label = if at < init.len() { format!("init {}/{} {name}", at + 1, init.len()) } else { name.to_owned() };
        return Some(match state["waiting"]["reason"].text() {
            "ContainerCreating" | "PodInitializing" | ""
                if state["running"].is_null() && state["terminated"].is_null() =>
            {
                let pulls = cluster.events(pod).last().filter(|event| event.reason == "Pulling");
                pulls.map_or_else(
                    || format!("{label}: creating container"),
                    |event| event.message.to_lowercase().replace('"', ""),
                )
            }
            "" if state["terminated"].is_set() => {
                format!(
                    "{label}: terminated with exit code {}",
                    state["terminated"]["exitCode"].as_i64().unwrap_or_default()
                )
            }
            "" if at < init.len() || is_working => format!("{label}: running{}", log(name)),
            "" => {
                let events = cluster.events(pod).iter().rev();
                let probe = events.into_iter().find(|event| event.reason == "Unhealthy" && event.container == name);
                probe.map_or_else(|| format!("{label}: running"), |event| truncate(&event.message))
            }
            reason => format!("{label}: {reason}"),
        });
    }
    None
}

fn from_status(cluster: &Cluster<'_>, object: &Object) -> (ObjectState, String) {
    let (spec, status) = (&object.node["spec"], &object.node["status"]);
    let number = |node: &Node| node.as_i64().unwrap_or_default();
    let when = |ready: bool| if ready { ObjectState::Ready } else { ObjectState::Progressing };
    if object.node["metadata"]["deletionTimestamp"].is_set() {
        return (ObjectState::Progressing, "being deleted".to_owned());
    }
    let observed = number(&status["observedGeneration"]) >= number(&object.node["metadata"]["generation"]);
    match object.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let desired = spec["replicas"].as_i64().unwrap_or(1);
            let ready = number(&status["readyReplicas"]);
            let rolls = object.kind() == "Deployment"
                || (object.kind() == "StatefulSet" && spec["updateStrategy"]["type"].text() != "OnDelete");
            let partition = number(&spec["updateStrategy"]["rollingUpdate"]["partition"]);
            let updated = !rolls || number(&status["updatedReplicas"]) >= desired - partition.clamp(0, desired);
            let available = object.kind() != "Deployment" || number(&status["availableReplicas"]) >= desired;
            let old = object.kind() == "Deployment" && number(&status["replicas"]) > number(&status["updatedReplicas"]);
            let deadline = condition(object, "Progressing")["reason"].text() == "ProgressDeadlineExceeded";
            let done = observed && ready >= desired && updated && available && !old;
            let state = if deadline && !done { ObjectState::Failed } else { when(done) };
            (state, format!("{ready}/{desired} ready"))
        }
        "DaemonSet" => {
            let desired = number(&status["desiredNumberScheduled"]);
            let ready = number(&status["numberReady"]);
            let rolls = spec["updateStrategy"]["type"].text() != "OnDelete";
            let updated = !rolls || number(&status["updatedNumberScheduled"]) >= desired;
            (when(observed && ready >= desired && updated), format!("{ready}/{desired} ready"))
        }
        "Job" => job(object),
        "Pod" => {
            let phase = status["phase"].text();
            let ready = condition(object, "Ready")["status"].text() == "True" || phase == "Succeeded";
            (if phase == "Failed" { ObjectState::Failed } else { when(ready) }, phase.to_lowercase())
        }
        "PersistentVolumeClaim" => {
            let phase = status["phase"].text();
            let last = cluster.events(object).last();
            let waits = last.is_some_and(|event| event.reason == "WaitForFirstConsumer");
            match phase {
                "Lost" => (ObjectState::Failed, "lost".to_owned()),
                "Pending" if waits && !cluster.is_used(object) => {
                    (ObjectState::Ready, "waiting for first consumer".to_owned())
                }
                _ => (when(phase == "Bound"), phase.to_lowercase()),
            }
        }
        "Service" if spec["type"].text() == "LoadBalancer" => {
            let ready = !status["loadBalancer"]["ingress"].items().is_empty();
            (when(ready), if ready { "load balancer ready" } else { "waiting for load balancer" }.to_owned())
        }
        "Namespace" => (when(status["phase"].text() != "Terminating"), status["phase"].text().to_lowercase()),
        "CustomResourceDefinition" => {
            let established = condition(object, "Established")["status"].text() == "True";
            (when(established), if established { "established" } else { "not established" }.to_owned())
        }
        _ => (ObjectState::Ready, String::new()),
    }
}

fn job(object: &Object) -> (ObjectState, String) {
    let (spec, status) = (&object.node["spec"], &object.node["status"]);
    let number = |node: &Node| node.as_i64().unwrap_or_default();
    let is_true = |kind: &str| condition(object, kind)["status"].text() == "True";
    let completions = spec["completions"].as_i64().or_else(|| spec["parallelism"].as_i64()).unwrap_or(1);
    if is_true("Complete") {
        return (ObjectState::Ready, "complete".to_owned());
    }
    if is_true("Failed") {
        return (ObjectState::Failed, condition(object, "Failed")["reason"].text().to_owned());
    }
    if spec["suspend"].as_bool() == Some(true) {
        return (ObjectState::Ready, "suspended".to_owned());
    }
    let (succeeded, active) = (number(&status["succeeded"]), number(&status["active"]));
    let mut description = format!("{succeeded}/{completions} complete, {active} active");
    if number(&status["failed"]) > 0 {
        description.push_str(&format!(", {} failed", number(&status["failed"])));
    }
    (ObjectState::Progressing, description)
}
