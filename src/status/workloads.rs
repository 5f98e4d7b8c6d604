//! Why a workload, Job, Service, Ingress, autoscaler or namespace is not ready, apart from the causes of its pods.

use crate::node::Node;
use crate::object::Object;
use crate::status::admission::{self, after};
use crate::status::cause::{Cause, Recovery, below, item, path};
use crate::status::cluster::{Cluster, Template, condition, selects};
use crate::status::pods::{self, Pod};
use crate::status::state::ObjectState;
use crate::status::{containers, rules, schedule, volumes};

/// Returns why a controller cannot create pods; `None` if it has created all of them.
#[must_use]
pub(super) fn not_created<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let status = &object.node["status"];
    let number = |node: &Node| node.as_i64();
    let (desired, current) = match object.kind() {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => {
            (number(&object.node["spec"]["replicas"]).unwrap_or(1), number(&status["replicas"]).unwrap_or(0))
        }
        "DaemonSet" => (
            number(&status["desiredNumberScheduled"]).unwrap_or(0),
            number(&status["currentNumberScheduled"]).unwrap_or(0),
        ),
        "Job" => {
            let done = condition(object, "Complete")["status"].text() == "True";
            let active = number(&status["active"]).unwrap_or(0) + number(&status["succeeded"]).unwrap_or(0);
            (i64::from(!done), active)
        }
        _ => return None,
    };
    if current >= desired {
        return None;
    }
    let failure = condition(object, "ReplicaFailure");
    if failure["status"].text() == "True" {
        return Some(admission::cause(cluster, object, failure["message"].text()));
    }
    let sets = cluster.owned(object, "ReplicaSet");
    let set = sets.iter().rev().find(|set| condition(set, "ReplicaFailure")["status"].text() == "True");
    if let Some(set) = set {
        return Some(admission::cause(cluster, object, condition(set, "ReplicaFailure")["message"].text()));
    }
    let newest = sets.last().copied();
    let event =
        [Some(object), newest].into_iter().flatten().find_map(|object| cluster.event(object, &["FailedCreate"]))?;
    let message = event.message.split_once("Error creating: ").map_or(event.message.as_str(), |(_, rest)| rest);
    Some(admission::cause(cluster, object, message))
}

/// Returns why a Job has failed or keeps failing.
#[must_use]
pub(super) fn job<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let failed = condition(object, "Failed");
    let top = cluster.top(object);
    let template = Template::of(cluster, top).or_else(|| Template::of(cluster, object))?;
    let pods: Vec<&Object> = cluster.owned(object, "Pod");
    if failed["status"].text() != "True" {
        return retrying(cluster, object, &pods);
    }
    let (reason, message) = (failed["reason"].text(), failed["message"].text());
    let of_pod = pods.iter().rev().find_map(|pod| pods::cause(cluster, &Pod::new(cluster, pod)?));
    let of_pod = of_pod.or_else(|| from_deleted_pods(cluster, object, &template));
    let in_job = |field: &str| {
        let mut path = template.path.clone();
        // From `spec.template.spec` up to the spec of the Job.
        path.0.truncate(path.0.len().saturating_sub(2));
        below(&path, &[field])
    };
    let (field, text) = match reason {
        "DeadlineExceeded" => {
            (in_job("activeDeadlineSeconds"), format!("{} was active longer than specified deadline", object.id))
        }
        "PodFailurePolicy" => {
            (in_job("podFailurePolicy"), format!("{} failed due to its pod failure policy", object.id))
        }
        _ => match template.written["containers"].items().len() {
            1 => (item(&below(&template.path, &["containers"]), 0), format!("{} has failed", object.id)),
            _ => (template.path.clone(), format!("{} has failed", object.id)),
        },
    };
    let cause = match of_pod {
        // A container that only waits does not explain why the deadline was exceeded.
        Some(cause) if reason != "DeadlineExceeded" || cause.stage != crate::status::cause::Stage::Wait => cause,
        _ => {
            let rule = if reason == "DeadlineExceeded" { &rules::JOB_DEADLINE } else { &rules::JOB_FAILED };
            let help = match reason {
                "DeadlineExceeded" => "raise activeDeadlineSeconds, or find out why the Job takes so long",
                _ => "check the log of its last pod; to run the Job again, delete it first",
            };
            let log = last_log(cluster, object);
            Cause::new(rule, &template.object.id, field, text).help(help).log(&log)
        }
    };
    Some(
        cause
            .quote("job-controller", &format!("{reason}: {message}"))
            .recovery(Recovery::Impossible)
            .affecting(&top.id),
    )
}

/// The last log lines of a Job's deleted pods.
fn last_log<'a>(cluster: &Cluster<'a>, job: &Object) -> Vec<&'a str> {
    let mut names = cluster.record.logs.keys().filter(|name| {
        name.strip_prefix(job.name()).is_some_and(|rest| rest.starts_with('-')) && !name.ends_with("/previous")
    });
    let name = names.next_back().and_then(|name| name.split_once('/'));
    name.map_or_else(Vec::new, |(pod, container)| cluster.log(pod, container, false))
}

/// The cause of a Job that has not failed yet, but whose pods have failed repeatedly.
fn retrying<'a>(cluster: &Cluster<'a>, object: &'a Object, pods: &[&'a Object]) -> Option<Cause> {
    let done = condition(object, "Complete")["status"].text() == "True"
        || condition(object, "SuccessCriteriaMet")["status"].text() == "True";
    let failed = object.node["status"]["failed"].as_i64().unwrap_or_default();
    if done || failed == 0 {
        return None;
    }
    let is_alive = |pod: &&&Object| matches!(pod.node["status"]["phase"].text(), "Running" | "Pending" | "Succeeded");
    let newest = pods.last()?;
    if is_alive(&newest) && failed < 3 {
        return None;
    }
    let last = pods.iter().rev().find(|pod| pod.node["status"]["phase"].text() == "Failed")?;
    let cause = pods::cause(cluster, &Pod::new(cluster, last)?)?;
    Some(cause.recovery(Recovery::Possible))
}

/// The cause in the events of pods that the Job controller has deleted.
fn from_deleted_pods<'a>(cluster: &Cluster<'a>, job: &'a Object, template: &Template<'a>) -> Option<Cause> {
    let mut events: Vec<_> = cluster.events_of_deleted_pods(job).filter(|event| event.warning).collect();
    events.sort_by_key(|event| event.last);
    // A stand-in for the deleted pod, to interpret its events.
    let pod = Pod { object: template.object, top: template.object, template: template.clone() };
    events.iter().rev().find_map(|event| {
        let spec = template.container_node(&event.container);
        let init = template.written["initContainers"].items().iter().any(|init| init["name"].text() == event.container);
        let container = pods::Container { name: &event.container, spec, status: Node::absent(), init };
        match event.reason.as_str() {
            "FailedScheduling" => schedule::reason(cluster, &pod, &event.message, cluster.patience)
                .map(|cause| cause.quote("scheduler", &event.message)),
            "FailedMount" | "FailedAttachVolume" => volumes::from_message(cluster, &pod, &event.reason, &event.message),
            _ => containers::from_event(cluster, &pod, container, event),
        }
    })
}

/// The cause of a CronJob that cannot create Jobs.
#[must_use]
pub(super) fn cron_job<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let event =
        cluster.event(object, &["UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone", "FailedCreate"])?;
    let zone = event.reason == "UnknownTimeZone";
    if event.reason == "FailedCreate" {
        let message = event.message.split_once("Error creating job: ").map_or(event.message.as_str(), |(_, rest)| rest);
        return Some(admission::cause(cluster, object, message));
    }
    let field = path(if zone { "spec.timeZone" } else { "spec.schedule" });
    let message = format!("invalid {} of {}", if zone { "time zone" } else { "schedule" }, object.id);
    Some(Cause::new(&rules::CRON_SCHEDULE, &object.id, field, message).quote("cronjob-controller", &event.message))
}

/// The cause of a DaemonSet whose node selector matches no node.
#[must_use]
pub(super) fn daemon_set<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let status = &object.node["status"];
    let template = Template::of(cluster, object)?;
    let selects_nodes =
        template.written["nodeSelector"].is_set() || template.written["affinity"]["nodeAffinity"].is_set();
    let young = cluster.age(&object.node["metadata"]["creationTimestamp"]) < cluster.patience.min(30);
    if status["desiredNumberScheduled"].as_i64() != Some(0) || !selects_nodes || young {
        return None;
    }
    let field = if template.written["nodeSelector"].is_set() { "nodeSelector" } else { "affinity" };
    let message = format!("no node matches the node selector of {}", object.id);
    let cause = Cause::new(&rules::NODE_SELECTOR, &object.id, below(&template.path, &[field]), message);
    Some(cause.help("label a node, or change the node selector: kubectl get nodes --show-labels"))
}

/// The cause of a Service that selects no pods, has an unknown target port or gets no load balancer.
#[must_use]
pub(super) fn service<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let spec = &object.node["spec"];
    let young = cluster.age(&object.node["metadata"]["creationTimestamp"]) < cluster.patience.min(20);
    if spec["type"].text() == "ExternalName" || young {
        return None;
    }
    let selector = spec["selector"].entries();
    if !selector.is_empty() {
        let selected = cluster.selected(object);
        if selected.is_empty() {
            // Its workload may not exist yet, or may have been rejected.
            let applied = cluster.manifests.unwrap_or_default().iter().filter_map(Object::pod_template);
            if applied.map(|template| &template["metadata"]["labels"]).any(|labels| selects(object, labels)) {
                return None;
            }
            // Pods have the labels of their workload, so only workloads are suggested.
            let near = cluster.first_workload(object.namespace());
            let selector = format_labels(spec["selector"].entries());
            let help = match near.and_then(|other| Some((other, &other.pod_template()?["metadata"]["labels"]))) {
                Some((other, labels)) => {
                    let keys = labels.entries().iter().filter(|label| spec["selector"].get(&label.key).is_some());
                    let has: Vec<String> = keys.map(|label| format!("{}: {}", label.key, label.value.text())).collect();
                    let has = if has.is_empty() { format_labels(labels.entries()) } else { has.join(", ") };
                    format!("change the selector `{selector}` or the labels; the pods of {} have `{has}`", other.id)
                }
                None => format!("add a workload whose pods have the labels `{selector}`; the namespace has none"),
            };
            let message = format!("Service `{}` selects no pods", object.name());
            return Some(Cause::new(&rules::SERVICE_NOTHING, &object.id, path("spec.selector"), message).help(help));
        }
        if let Some(cause) = target_port(object, &selected) {
            return Some(cause);
        }
    }
    let pending = object.node["status"]["loadBalancer"]["ingress"].items().is_empty();
    let old = cluster.age(&object.node["metadata"]["creationTimestamp"]) >= cluster.patience;
    if spec["type"].text() == "LoadBalancer" && pending && old {
        let event = cluster.event(object, &["SyncLoadBalancerFailed", "AllocationFailed"]);
        let message = format!("Service `{}` has no load balancer", object.name());
        let cause = Cause::new(&rules::LOAD_BALANCER, &object.id, path("spec.type"), message)
            .help("install a load balancer controller, or use type NodePort, for example on kind")
            .quote("service-controller", event.map_or("", |event| &event.message));
        return Some(cause);
    }
    None
}

/// The cause of a named target port that no selected pod has.
fn target_port(service: &Object, selected: &[&Object]) -> Option<Cause> {
    for (at, port) in service.node["spec"]["ports"].items().iter().enumerate() {
        let name = port["targetPort"].text();
        if name.is_empty() || name.parse::<u16>().is_ok() {
            continue;
        }
        let ports = || {
            let specs = selected.iter().filter_map(|object| object.pod_spec());
            let containers =
                specs.flat_map(|spec| spec["containers"].items().iter().chain(spec["initContainers"].items()));
            containers.flat_map(|container| container["ports"].items())
        };
        if ports().any(|port| port["name"].text() == name) {
            continue;
        }
        let mut names: Vec<&str> = ports().map(|port| port["name"].text()).filter(|name| !name.is_empty()).collect();
        names.dedup();
        let help = match names.as_slice() {
            [] => "use the number of the port, or name the port of the container".to_owned(),
            names => format!("use a port name of the pods: {}", crate::suggest::list(names, "or")),
        };
        let field = below(&item(&path("spec.ports"), at), &["targetPort"]);
        let message =
            format!("target port `{name}` of Service `{}` not found: no pod has a port with that name", service.name());
        return Some(Cause::new(&rules::TARGET_PORT, &service.id, field, message).help(help));
    }
    None
}

fn format_labels(labels: &[crate::node::Entry]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("{}: {}", label.key, label.value.text())).collect();
    labels.join(", ")
}

/// The cause of an Ingress whose backend or class does not exist.
#[must_use]
pub(super) fn ingress<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let spec = &object.node["spec"];
    let backend = |field: crate::path::FieldPath, backend: &Node| {
        let name = backend["service"]["name"].text();
        if name.is_empty() || !cluster.has_kind("Service") {
            return None;
        }
        let Some(service) = cluster.get("Service", object.namespace(), name) else {
            let names =
                cluster.all("Service").filter(|service| service.namespace() == object.namespace()).map(Object::name);
            let help =
                crate::suggest::nearest(name, names).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            let message = format!("backend Service `{name}` of {} not found", object.id);
            let field = below(&field, &["service", "name"]);
            return Some(Cause::new(&rules::BACKEND, &object.id, field, message).help(help));
        };
        let port = &backend["service"]["port"];
        let matches = |own: &&Node| {
            let by_name = !port["name"].text().is_empty() && own["name"].text() == port["name"].text();
            by_name || (port["number"].as_i64().is_some() && own["port"].as_i64() == port["number"].as_i64())
        };
        if service.node["spec"]["ports"].items().iter().any(|own| matches(&own)) {
            return None;
        }
        let message = format!("backend port of {} not found in Service `{name}`", object.id);
        Some(Cause::new(&rules::BACKEND, &object.id, below(&field, &["service", "port"]), message))
    };
    let rules_of = spec["rules"].items().iter().enumerate().flat_map(|(rule, node)| {
        let paths = node["http"]["paths"].items().iter().enumerate();
        paths.map(move |(at, path_node)| {
            let list = below(&item(&path("spec.rules"), rule), &["http", "paths"]);
            (below(&item(&list, at), &["backend"]), &path_node["backend"])
        })
    });
    let all = std::iter::once((path("spec.defaultBackend"), &spec["defaultBackend"])).chain(rules_of);
    let found = all.into_iter().find_map(|(field, node)| backend(field, node));
    found.or_else(|| {
        let class = spec["ingressClassName"].text();
        if class.is_empty() || !cluster.has_kind("IngressClass") || cluster.get("IngressClass", "", class).is_some() {
            return None;
        }
        let message = format!("IngressClass `{class}` not found");
        let cause = Cause::new(&rules::INGRESS_CLASS, &object.id, path("spec.ingressClassName"), message);
        Some(cause.help("use an existing one: kubectl get ingressclasses"))
    })
}

/// The cause of a HorizontalPodAutoscaler that cannot scale.
#[must_use]
pub(super) fn autoscaler<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let able = condition(object, "AbleToScale");
    let target = &object.node["spec"]["scaleTargetRef"];
    if able["status"].text() == "False" && able["reason"].text() == "FailedGetScale" {
        let message =
            format!("scale target {} `{}` of {} not found", target["kind"].text(), target["name"].text(), object.id);
        let cause = Cause::new(&rules::SCALE_TARGET, &object.id, path("spec.scaleTargetRef"), message);
        return Some(cause.quote("horizontal-pod-autoscaler", able["message"].text()));
    }
    let active = condition(object, "ScalingActive");
    let reason = active["reason"].text();
    let young = cluster.age(&active["lastTransitionTime"]) < cluster.patience;
    if active["status"].text() != "False" || reason == "ScalingDisabled" || (young && cluster.patience > 0) {
        return None;
    }
    let reported = active["message"].text();
    if let Some(rest) = after(reported, "missing request for ") {
        let resource = admission::until(rest, &[' ']);
        let container = after(rest, "in container ").map_or("", |rest| admission::until(rest, &[' ']));
        let scaled = cluster.get(target["kind"].text(), object.namespace(), target["name"].text());
        if let Some(template) = scaled.and_then(|scaled| Template::of(cluster, scaled)) {
            let field = below(&template.container(container), &["resources", "requests", resource]);
            let message =
                format!("missing request for {resource} in container `{container}`, which {} scales by", object.id);
            let cause = Cause::new(&rules::METRICS, &template.object.id, field, message);
            return Some(
                cause
                    .help(format!("set resources.requests.{resource}"))
                    .quote("horizontal-pod-autoscaler", reported)
                    .affecting(&object.id),
            );
        }
    }
    let message = format!("{} is unable to get metrics, so it does not scale", object.id);
    let help = if reported.contains("metrics.k8s.io") || reported.contains("metrics API") {
        "install metrics-server, or remove the HorizontalPodAutoscaler"
    } else {
        "check that the metric exists"
    };
    let cause = Cause::new(&rules::METRICS, &object.id, path("spec.metrics"), message).help(help);
    Some(cause.quote("horizontal-pod-autoscaler", reported))
}

/// The cause of a namespace that is being deleted.
#[must_use]
pub(super) fn namespace(object: &Object) -> Option<Cause> {
    if object.node["status"]["phase"].text() != "Terminating" {
        return None;
    }
    let conditions = object.node["status"]["conditions"].items();
    let is_reported =
        |condition: &&Node| condition["status"].text() == "True" && condition["type"].text().starts_with("Namespace");
    let reported = conditions.iter().rev().find(is_reported).map_or("", |condition| condition["message"].text());
    let message = format!("namespace `{}` is being terminated", object.name());
    let help = "wait until it is deleted, then apply again; a finalizer may block the deletion of an object in it";
    Some(
        Cause::new(&rules::NAMESPACE_TERMINATING, &object.id, path(""), message)
            .help(help)
            .quote("namespace-controller", reported),
    )
}

/// The cause of a workload that is not ready although none of its pods has a cause.
#[must_use]
pub(super) fn stalled(object: &Object, state: ObjectState, description: &str) -> Option<Cause> {
    if object.node["spec"]["paused"].as_bool() == Some(true) {
        let message = format!("the rollout of {} is paused", object.id);
        let cause = Cause::new(&rules::PAUSED, &object.id, path("spec.paused"), message);
        return Some(cause.help(format!(
            "resume it: kubectl -n {} rollout resume deployment/{}",
            object.namespace(),
            object.name()
        )));
    }
    if state != ObjectState::Failed {
        return None;
    }
    let reported = condition(object, "Progressing")["message"].text();
    let message = format!("{} did not become ready: {description}", object.id);
    Some(Cause::new(&rules::NOT_READY, &object.id, path(""), message).quote("deployment-controller", reported))
}
