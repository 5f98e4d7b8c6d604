//! Why a pod is not scheduled.

use crate::formats::quantity::Quantity;
use crate::path::FieldPath;
use crate::status::admission::{after, until};
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::{Cluster, Template, condition};
use crate::status::pods::Pod;
use crate::status::{rules, volumes};

/// The seconds that the provisioning of a volume may take before the pod is considered stuck.
const PROVISIONING_SECONDS: i64 = 30;

/// Returns why a pod is not scheduled; `None` if it is, or if no scheduler has processed it yet.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let scheduled = condition(pod.object, "PodScheduled");
    let spec = &pod.object.node["spec"];
    if scheduled["status"].text() == "True" {
        return None;
    }
    let (id, path) = (&pod.template.object.id, &pod.template.path);
    let event = cluster.event(pod.object, &["FailedScheduling"]);
    if scheduled["reason"].text() == "SchedulingGated" {
        let gates: Vec<&str> = spec["schedulingGates"].items().iter().map(|gate| gate["name"].text()).collect();
        let message = format!("scheduling is blocked due to non-empty scheduling gates: `{}`", gates.join("`, `"));
        let cause = Cause::new(&rules::SCHEDULING_GATED, id, below(path, &["schedulingGates"]), message);
        return Some(
            cause
                .help("run the controller that removes the gate, or remove the gate from the manifest")
                .quote("scheduler", scheduled["message"].text()),
        );
    }
    let message = match (scheduled["message"].text(), event) {
        ("", Some(event)) => event.message.as_str(),
        (message, _) => message,
    };
    if message.is_empty() {
        return unprocessed(cluster, pod);
    }
    let reasons = message.split(" preemption: ").next().unwrap_or(message);
    reason(cluster, pod, reasons, cluster.age(&scheduled["lastTransitionTime"]))
        .map(|cause| cause.quote("scheduler", message))
}

/// Returns why neither a scheduler nor a kubelet has processed a pod.
fn unprocessed<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let spec = &pod.object.node["spec"];
    let age = cluster.age(&pod.object.node["metadata"]["creationTimestamp"]);
    if age < PROVISIONING_SECONDS.min(cluster.patience) || pod.object.node["status"]["startTime"].is_set() {
        return None;
    }
    let (id, path) = (&pod.template.object.id, &pod.template.path);
    if pod.template.written["nodeName"].is_set() {
        let node = spec["nodeName"].text();
        let message = format!(
            "the pod is assigned to node `{node}`, which does not run it: the node does not exist or is not ready"
        );
        let help = "remove nodeName, or use a node that is ready: kubectl get nodes";
        return Some(Cause::new(&rules::NODE_MISSING, id, below(path, &["nodeName"]), message).help(help));
    }
    let scheduler = spec["schedulerName"].text();
    if scheduler != "default-scheduler" && !scheduler.is_empty() {
        let message = format!("no scheduler named `{scheduler}` has processed the pod");
        let help = "remove schedulerName, or run that scheduler";
        return Some(Cause::new(&rules::SCHEDULER_MISSING, id, below(path, &["schedulerName"]), message).help(help));
    }
    if spec["nodeName"].is_set() {
        return None;
    }
    let message = "no scheduler has processed the pod";
    let cause = Cause::new(&rules::UNSCHEDULABLE, id, path.clone(), message);
    Some(cause.help("check that the scheduler is running: kubectl -n kube-system get pods"))
}

/// Returns the cause in a message of the scheduler: `0/1 nodes are available: 1 Insufficient cpu, …`.
pub(super) fn reason<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, message: &str, age: i64) -> Option<Cause> {
    let (id, path, written) = (&pod.template.object.id, &pod.template.path, pod.template.written);
    let cause = |rule, field, message: String| Cause::new(rule, id, field, message);
    if let Some(rest) = after(message, "persistentvolumeclaim \"") {
        return volumes::claim_of_pod(cluster, pod, until(rest, &['"']), message);
    }
    let claim_phrases = [
        "unbound immediate PersistentVolumeClaims",
        "didn't find available persistent volumes",
        "non-existent pv",
        "bound to non-existent",
    ];
    if claim_phrases.iter().any(|phrase| message.contains(phrase)) {
        return volumes::unbound(cluster, pod, age >= PROVISIONING_SECONDS.min(cluster.patience));
    }
    if message.contains("volume node affinity conflict") {
        let field = volumes::first_claim(pod).unwrap_or_else(|| below(path, &["volumes"]));
        let message = "volume node affinity conflict: the volume of a claim is bound to a node that cannot run the pod"
            .to_owned();
        return Some(
            cause(&rules::VOLUME_NODE, field, message)
                .help("make room on that node, or delete the claim if its data is not needed"),
        );
    }
    if message.contains("resourceclaim") || message.contains("resource claim") || message.contains("ResourceClaim") {
        let message = "a resource claim of the pod does not exist or cannot be allocated".to_owned();
        return Some(cause(&rules::RESOURCE_CLAIM, below(path, &["resourceClaims"]), message));
    }
    // If nodes are unavailable for several reasons, those that only concern the pod come first.
    if message.contains("node affinity/selector")
        || message.contains("node selector")
        || message.contains("didn't match node")
    {
        let field = if written["nodeSelector"].is_set() {
            below(path, &["nodeSelector"])
        } else {
            below(path, &["affinity", "nodeAffinity"])
        };
        let labels: Vec<String> = written["nodeSelector"]
            .entries()
            .iter()
            .map(|entry| format!("{}={}", entry.key, entry.value.text()))
            .collect();
        let message = match labels.as_slice() {
            [] => "no node matches the node affinity of the pod".to_owned(),
            labels => format!("no node matches the node selector `{}`", labels.join(",")),
        };
        let help = "label a node, or change the node selector: kubectl get nodes --show-labels";
        return Some(cause(&rules::NODE_SELECTOR, field, message).help(help));
    }
    if let Some(resource) = after(message, "Insufficient ").map(|rest| until(rest, &[',', ' ']).trim_end_matches('.')) {
        let field = largest_request(&pod.template, resource);
        let request = field_string(&pod.template, &field);
        let request = if request.is_empty() { String::new() } else { format!(" ({request})") };
        let message = format!("insufficient {resource}: no node has as much available as the pod requests{request}");
        let help = format!("request less {resource}, or use nodes with more of it: kubectl describe nodes");
        return Some(cause(&rules::RESOURCES_INSUFFICIENT, field, message).help(help));
    }
    if message.contains("anti-affinity") || message.contains("pod affinity") || message.contains("affinity rules") {
        let kind = if message.contains("anti-affinity") { "podAntiAffinity" } else { "podAffinity" };
        let field = below(path, &["affinity", kind]);
        let field = if written["affinity"][kind].is_set() { field } else { below(path, &["affinity"]) };
        let message = match kind {
            "podAntiAffinity" => "no node satisfies the pod's anti-affinity rules",
            _ => "no node satisfies the pod's affinity rules",
        };
        let help = "use preferredDuringSchedulingIgnoredDuringExecution, fewer replicas, or more nodes";
        return Some(cause(&rules::POD_AFFINITY, field, message.to_owned()).help(help));
    }
    if message.contains("topology spread") {
        let message = "no node satisfies the pod's topology spread constraints".to_owned();
        let help = "use whenUnsatisfiable: ScheduleAnyway, or label the nodes with the topology key";
        return Some(cause(&rules::TOPOLOGY_SPREAD, below(path, &["topologySpreadConstraints"]), message).help(help));
    }
    if message.contains("free ports") {
        let (field, port) = host_port(cluster, pod);
        let message = format!("no node has a free host port{port}");
        let help = "use a different host port, or a Service of type NodePort";
        return Some(cause(&rules::HOST_PORT_TAKEN, field, message).help(help));
    }
    if message.contains("taint") {
        let taint = after(message, "taint {").map_or("", |rest| until(rest, &['}'])).trim().trim_end_matches(':');
        if taint.starts_with("node.kubernetes.io/")
            || message.contains("{node.cloudprovider.kubernetes.io/uninitialized")
        {
            let cause = cause(
                &rules::NODE_UNAVAILABLE,
                path.clone(),
                format!("no ready nodes: the nodes have the taint `{taint}`"),
            );
            return Some(cause.help("check the nodes: kubectl describe nodes"));
        }
        let message = match taint {
            "" => "the nodes have untolerated taints".to_owned(),
            taint => format!("the nodes have the untolerated taint `{taint}`"),
        };
        let help = "add a toleration, or remove the taint: kubectl describe nodes";
        return Some(cause(&rules::TAINT, below(path, &["tolerations"]), message).help(help));
    }
    if message.contains("unschedulable") || message.contains("no nodes available") || message.contains("Too many pods")
    {
        let message = if message.contains("Too many pods") {
            "too many pods: all nodes run the maximum number of pods"
        } else {
            "no nodes available to schedule pods: all nodes are unschedulable (cordoned), or there are none"
        };
        let help = "add or uncordon a node: kubectl get nodes; kubectl uncordon NODE";
        return Some(cause(&rules::NODE_UNAVAILABLE, path.clone(), message.to_owned()).help(help));
    }
    Some(cause(&rules::UNSCHEDULABLE, path.clone(), "the scheduler found no node for the pod".to_owned()))
}

/// The field with the largest request of a resource among the containers.
#[must_use]
pub(super) fn largest_request(template: &Template<'_>, resource: &str) -> FieldPath {
    let mut best: Option<(Option<Quantity>, FieldPath)> = None;
    for list in ["containers", "initContainers"] {
        for (at, container) in template.written[list].items().iter().enumerate() {
            // Without a request, the limit is the request.
            for kind in ["requests", "limits"] {
                let value = &container["resources"][kind][resource];
                let amount = Quantity::of(value);
                if value.is_set() && best.as_ref().is_none_or(|(most, _)| amount > *most) {
                    let field = below(&item(&below(&template.path, &[list]), at), &["resources", kind, resource]);
                    best = Some((amount, field));
                }
                if value.is_set() {
                    break;
                }
            }
        }
    }
    best.map_or_else(
        || match template.written["resources"]["requests"].is_set() {
            true => below(&template.path, &["resources", "requests", resource]),
            false => below(&item(&below(&template.path, &["containers"]), 0), &["resources", "requests", resource]),
        },
        |(_, field)| field,
    )
}

/// The value of a field of the template's pod spec as a string.
fn field_string(template: &Template<'_>, field: &FieldPath) -> String {
    let rest = FieldPath(field.0.iter().skip(template.path.0.len()).cloned().collect());
    rest.resolve(template.written).map_or_else(String::new, |node| match node.as_i64() {
        Some(number) => number.to_string(),
        None => node.text().to_owned(),
    })
}

/// The first host port of the pod that another pod already uses, else its first host port.
fn host_port<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> (FieldPath, String) {
    let used: Vec<i64> = cluster
        .all("Pod")
        .filter(|other| other.node["spec"]["nodeName"].is_set())
        .flat_map(|other| other.node["spec"]["containers"].items())
        .flat_map(|container| container["ports"].items())
        .filter_map(|port| port["hostPort"].as_i64())
        .collect();
    let mut first = None;
    for (at, container) in pod.template.written["containers"].items().iter().enumerate() {
        for (index, port) in container["ports"].items().iter().enumerate() {
            let number = port["hostPort"].as_i64().or_else(|| {
                let host = pod.template.written["hostNetwork"].as_bool() == Some(true);
                port["containerPort"].as_i64().filter(|_| host)
            });
            let Some(number) = number else { continue };
            let list = below(&item(&below(&pod.template.path, &["containers"]), at), &["ports"]);
            let field = if port["hostPort"].is_set() { "hostPort" } else { "containerPort" };
            let found = (below(&item(&list, index), &[field]), format!(" {number}"));
            if used.contains(&number) {
                return found;
            }
            first.get_or_insert(found);
        }
    }
    first.unwrap_or_else(|| (below(&pod.template.path, &["containers"]), String::new()))
}
