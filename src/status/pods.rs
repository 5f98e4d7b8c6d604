//! Why a pod is not ready.

use crate::node::Node;
use crate::object::Object;
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::{Cluster, Template, condition};
use crate::status::record::Event;
use crate::status::{containers, probes, rules, schedule, volumes};

/// A pod with its top-level owner.
#[derive(Debug, Clone)]
pub(super) struct Pod<'a> {
    /// The pod.
    pub(super) object: &'a Object,
    /// Its top-level owner, or the pod itself.
    pub(super) top: &'a Object,
    /// The template that it was created from.
    pub(super) template: Template<'a>,
}

/// A container of a pod, with its status.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its entry in the spec of the pod.
    pub(super) spec: &'a Node,
    /// Its status; absent until the kubelet has processed the pod.
    pub(super) status: &'a Node,
    /// Whether it is an init container that must run to completion, not a sidecar.
    pub(super) init: bool,
}

impl<'a> Pod<'a> {
    /// Finds the owner and the template of a pod.
    #[must_use]
    pub(super) fn new(cluster: &Cluster<'a>, object: &'a Object) -> Option<Self> {
        let top = cluster.top(object);
        let template = Template::of(cluster, top).or_else(|| Template::of(cluster, object))?;
        Some(Self { object, top, template })
    }

    /// The containers in the order in which they start.
    #[must_use]
    pub(super) fn containers(&self) -> Vec<Container<'a>> {
        let node = &self.object.node;
        let of = |list: &'static str, statuses: &'static str, init: bool| {
            let statuses = node["status"][statuses].items();
            node["spec"][list].items().iter().map(move |spec| {
                let name = spec["name"].text();
                let status = statuses.iter().find(|status| status["name"].text() == name).unwrap_or(Node::absent());
                // An init container with restart policy `Always` is a sidecar.
                let init = init && spec["restartPolicy"].text() != "Always";
                Container { name, spec, status, init }
            })
        };
        of("initContainers", "initContainerStatuses", true)
            .chain(of("containers", "containerStatuses", false))
            .collect()
    }

    fn is_ready(&self) -> bool {
        condition(self.object, "Ready")["status"].text() == "True"
    }
}

/// Returns why a pod is not ready; `None` if it is ready, has completed or is still progressing.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let status = &pod.object.node["status"];
    let deleted = &pod.object.node["metadata"]["deletionTimestamp"];
    if deleted.is_set() {
        return deletion_stuck(cluster, pod.object);
    }
    let cause = match status["phase"].text() {
        "Succeeded" => None,
        "Failed" => failed(cluster, pod),
        _ => schedule::cause(cluster, pod).or_else(|| scheduled(cluster, pod)),
    };
    cause.map(|cause| cause.affecting(&pod.top.id))
}

/// Returns why a scheduled pod is not ready.
fn scheduled<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let containers = pod.containers();
    for container in &containers {
        if let Some(cause) = containers::cause(cluster, pod, *container) {
            return Some(cause);
        }
        // The containers after an init container start when it has completed.
        if container.init && container.status["ready"].as_bool() != Some(true) {
            break;
        }
    }
    let creating = |container: &Container<'_>| {
        let state = &container.status["state"];
        let reason = state["waiting"]["reason"].text();
        let started = state["running"].is_set() || state["terminated"].is_set();
        !started && matches!(reason, "ContainerCreating" | "PodInitializing" | "")
    };
    if containers.iter().all(creating)
        && let Some(cause) = volumes::mount(cluster, pod).or_else(|| sandbox(cluster, pod))
    {
        return Some(cause);
    }
    if let Some(cause) = probes::cause(cluster, pod, &containers) {
        return Some(cause);
    }
    if pod.top.kind() == "Job" || pod.top.kind() == "CronJob" {
        return containers.iter().find_map(|container| probes::job(cluster, pod, *container));
    }
    if pod.is_ready() {
        return None;
    }
    gate(cluster, pod)
}

/// Returns why the kubelet terminated or rejected a pod.
fn failed<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let status = &pod.object.node["status"];
    let (reason, message) = (status["reason"].text(), status["message"].text());
    let id = &pod.template.object.id;
    let spec = &pod.template.path;
    let cause = match reason {
        "Evicted" => {
            let resource =
                if message.contains("ephemeral") || message.contains("emptyDir") || message.contains("EmptyDir") {
                    "ephemeral-storage"
                } else if message.contains("memory") {
                    "memory"
                } else {
                    "ephemeral-storage"
                };
            let named = crate::status::admission::after(message, "ontainer ")
                .map(|rest| rest.split([' ', ',']).next().unwrap_or_default())
                .filter(|name| pod.containers().iter().any(|container| container.name == *name));
            let single = pod.template.written["containers"].items().len() == 1;
            let volume = crate::status::admission::after(message, "EmptyDir volume \"")
                .and_then(|rest| rest.split('"').next())
                .and_then(|name| {
                    pod.template.written["volumes"].items().iter().position(|volume| volume["name"].text() == name)
                });
            let field = match (volume, named) {
                (Some(at), _) => below(&item(&below(spec, &["volumes"]), at), &["emptyDir", "sizeLimit"]),
                (None, Some(name)) => below(&pod.template.container(name), &["resources", "limits", resource]),
                (None, None) if single => {
                    let container = item(&below(spec, &["containers"]), 0);
                    below(&container, &["resources", "limits", resource])
                }
                (None, None) => spec.clone(),
            };
            let node_low = message.contains("The node was low on resource");
            let reason = if node_low { "the node was low on" } else { "it exceeded its limit of" };
            let help = if node_low {
                format!("request as much {resource} as the pod needs, or use nodes with more of it")
            } else {
                format!("raise the {resource} limit, or reduce the usage")
            };
            Cause::new(&rules::EVICTED, id, field, format!("the kubelet evicted the pod: {reason} {resource}"))
                .help(help)
        }
        "DeadlineExceeded" => Cause::new(
            &rules::POD_DEADLINE,
            id,
            below(spec, &["activeDeadlineSeconds"]),
            "the pod was active longer than `activeDeadlineSeconds` allows",
        )
        .help("raise activeDeadlineSeconds, or make the program finish sooner"),
        "SysctlForbidden" => Cause::new(
            &rules::SYSCTL,
            id,
            below(spec, &["securityContext", "sysctls"]),
            format!("forbidden sysctl: {message}"),
        )
        .help("remove the sysctl, or allow it with the kubelet flag --allowed-unsafe-sysctls"),
        "NodeAffinity" | "NodeSelectorMismatching" | "UnexpectedAdmissionError" | "PodOSNotSupported" | "NodeName" => {
            let field = if reason == "NodeAffinity" && spec_has(pod, "nodeName") { "nodeName" } else { "nodeSelector" };
            let field = below(spec, &[field]);
            Cause::new(&rules::POD_REJECTED, id, field, format!("the kubelet rejected the pod: {reason}"))
        }
        reason if reason.starts_with("OutOf") => {
            let resource = &reason["OutOf".len()..];
            let field = schedule::largest_request(&pod.template, resource);
            Cause::new(&rules::RESOURCES_INSUFFICIENT, id, field, format!("insufficient {resource} on the node"))
                .help(format!("request less {resource}, or use nodes with more of it"))
        }
        "" | "Completed" | "Error" => return containers::of_failed_pod(cluster, pod),
        "NodeLost" | "Terminated" | "NodeShutdown" | "Shutdown" | "Preempting" => return None,
        reason => Cause::new(&rules::POD_REJECTED, id, spec.clone(), format!("the kubelet rejected the pod: {reason}")),
    };
    Some(cause.quote("kubelet", message))
}

fn spec_has(pod: &Pod<'_>, field: &str) -> bool {
    pod.template.written[field].is_set()
}

/// Whether the kubelet has made progress since an event: it mounts volumes and creates the sandbox before it pulls
/// images.
pub(super) fn is_past<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, event: &Event) -> bool {
    let later = cluster.event(pod.object, &["Pulling", "Pulled", "Created", "Started"]);
    later.is_some_and(|later| later.last >= event.last)
}

/// Returns why the node cannot create the sandbox of a pod: network, runtime class, cgroups.
fn sandbox<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let event = cluster.event(pod.object, &["FailedCreatePodSandBox", "FailedCreatePodSandbox"])?;
    if is_past(cluster, pod, event) {
        return None;
    }
    let (id, spec, message) = (&pod.template.object.id, &pod.template.path, event.message.as_str());
    let cause =
        if message.contains("runtime for") || message.contains("RuntimeHandler") || message.contains("RuntimeClass") {
            let name = pod.template.written["runtimeClassName"].text();
            let message = format!("the node has no runtime handler for RuntimeClass `{name}`");
            Cause::new(&rules::RUNTIME_CLASS_MISSING, id, below(spec, &["runtimeClassName"]), message)
                .help("use a RuntimeClass whose handler the node supports, or remove the field")
        } else if message.contains("OOM-killed") {
            let field = below(&item(&below(spec, &["containers"]), 0), &["resources", "limits", "memory"]);
            Cause::new(&rules::MEMORY_TOO_SMALL, id, field, "the memory limit is too low to start the pod")
                .help("raise the memory limit")
        } else if message.contains("sysctl") {
            let field = below(spec, &["securityContext", "sysctls"]);
            Cause::new(&rules::SYSCTL, id, field, "the node cannot set a sysctl of the pod").help("remove the sysctl")
        } else {
            Cause::new(&rules::SANDBOX, id, spec.clone(), "failed to create the pod sandbox")
                .help("check the network plugin and the container runtime of the node")
        };
    Some(cause.quote("kubelet", message))
}

/// Returns the readiness gate that keeps a pod with ready containers from being ready.
fn gate<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let ready = condition(pod.object, "Ready");
    let gates = pod.object.node["spec"]["readinessGates"].items();
    let is_unmet = |gate: &&Node| condition(pod.object, gate["conditionType"].text())["status"].text() != "True";
    let gate = gates.iter().find(is_unmet).filter(|_| ready["reason"].text() == "ReadinessGatesNotReady")?;
    let name = gate["conditionType"].text();
    if cluster.age(&ready["lastTransitionTime"]).max(cluster.age(&pod.object.node["status"]["startTime"]))
        < cluster.patience
    {
        return None;
    }
    let written = pod.template.written["readinessGates"].items();
    let at = written.iter().position(|gate| gate["conditionType"].text() == name);
    let list = below(&pod.template.path, &["readinessGates"]);
    let field = at.map_or_else(|| list.clone(), |at| item(&list, at));
    let message = format!("the pod condition `{name}` of a readiness gate is not `True`");
    let cause = Cause::new(&rules::READINESS_GATE, &pod.template.object.id, field, message);
    Some(
        cause
            .help("run the controller that sets the condition, or remove the readiness gate")
            .quote("kubelet", ready["message"].text()),
    )
}

/// Returns the finalizers that have blocked the deletion of an object for too long.
#[must_use]
pub(super) fn deletion_stuck<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let metadata = &object.node["metadata"];
    let finalizers: Vec<&str> = metadata["finalizers"].items().iter().map(Node::text).collect();
    // Deletion may take a minute, even if the patience is shorter.
    if cluster.age(&metadata["deletionTimestamp"]) < cluster.patience.max(60) || finalizers.is_empty() {
        return None;
    }
    let noun = if finalizers.len() == 1 { "finalizer" } else { "finalizers" };
    let message = format!("the deletion of {} is blocked by the {noun} `{}`", object.id, finalizers.join("`, `"));
    let field = crate::status::cause::path("metadata.finalizers");
    let cause = Cause::new(&rules::STUCK_DELETING, &object.id, field, message);
    Some(cause.help("check that the controller which removes the finalizer is running"))
}
