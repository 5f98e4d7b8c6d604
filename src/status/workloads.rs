//! Why a workload, Job, Service, autoscaler or claim is not as it should be, beyond its pods.

use crate::node::Node;
use crate::object::Object;
use crate::status::admission::{self, after};
use crate::status::cause::{Cause, Prospect, below, item, path};
use crate::status::cluster::{Cluster, Template, condition, selects};
use crate::status::pods::{self, Pod};
use crate::status::state::State;
use crate::status::{containers, rules, schedule, volumes};

/// Why a controller cannot create pods, in the words of the API server; nothing where it has all that it wants.
#[must_use]
pub(super) fn not_created<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let status = &object.node["status"];
    let number = |node: &Node| node.as_i64();
    let (wanted, have) = match object.kind() {
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
    if have >= wanted {
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

/// Why a Job has failed, or goes on failing.
#[must_use]
pub(super) fn job<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let failed = condition(object, "Failed");
    let top = cluster.top(object);
    let template = Template::of(cluster, top).or_else(|| Template::of(cluster, object))?;
    let pods: Vec<&Object> = cluster.owned(object, "Pod");
    if failed["status"].text() != "True" {
        return retried(cluster, object, &pods);
    }
    let (reason, message) = (failed["reason"].text(), failed["message"].text());
    let of_pod = pods.iter().rev().find_map(|pod| pods::cause(cluster, &Pod::new(cluster, pod)?));
    let of_pod = of_pod.or_else(|| gone(cluster, object, &template));
    let in_job = |field: &str| {
        let mut place = template.path.clone();
        // Out of `template.spec`, to the Job's own spec.
        place.0.truncate(place.0.len().saturating_sub(2));
        below(&place, &[field])
    };
    let (field, text) = match reason {
        "DeadlineExceeded" => {
            (in_job("activeDeadlineSeconds"), format!("{} did not complete within activeDeadlineSeconds", object.id))
        }
        "PodFailurePolicy" => (in_job("podFailurePolicy"), format!("{} failed by its pod failure policy", object.id)),
        _ => match template.written["containers"].items().len() {
            1 => (item(&below(&template.path, &["containers"]), 0), format!("{} has failed", object.id)),
            _ => (template.path.clone(), format!("{} has failed", object.id)),
        },
    };
    let cause = match of_pod {
        // A program that is only slow is not to blame for the deadline.
        Some(cause) if reason != "DeadlineExceeded" || cause.stage != crate::status::cause::Stage::Wait => cause,
        _ => {
            let rule = if reason == "DeadlineExceeded" { &rules::JOB_DEADLINE } else { &rules::JOB_FAILED };
            let help = match reason {
                "DeadlineExceeded" => "raise activeDeadlineSeconds, or look why it takes so long",
                _ => "look at the log of its last pod; delete the Job to run it again",
            };
            let log = last_log(cluster, object);
            Cause::new(rule, &template.object.id, field, text).help(help).log(&log)
        }
    };
    Some(cause.words("job controller", &format!("{reason}: {message}")).prospect(Prospect::None).affecting(&top.id))
}

/// What the pods of a Job logged, whose objects are gone.
fn last_log<'a>(cluster: &Cluster<'a>, job: &Object) -> Vec<&'a str> {
    let mut names = cluster.record.logs.keys().filter(|name| {
        name.strip_prefix(job.name()).is_some_and(|rest| rest.starts_with('-')) && !name.ends_with("/previous")
    });
    let name = names.next_back().and_then(|name| name.split_once('/'));
    name.map_or_else(Vec::new, |(pod, container)| cluster.log(pod, container, false))
}

/// A Job whose pods have failed and that has none that runs at present.
fn retried<'a>(cluster: &Cluster<'a>, object: &'a Object, pods: &[&'a Object]) -> Option<Cause> {
    let done = condition(object, "Complete")["status"].text() == "True"
        || condition(object, "SuccessCriteriaMet")["status"].text() == "True";
    let failed = object.node["status"]["failed"].as_i64().unwrap_or_default();
    if done || failed == 0 {
        return None;
    }
    let runs = |pod: &&&Object| matches!(pod.node["status"]["phase"].text(), "Running" | "Pending" | "Succeeded");
    let newest = pods.last()?;
    if runs(&newest) && failed < 3 {
        return None;
    }
    let last = pods.iter().rev().find(|pod| pod.node["status"]["phase"].text() == "Failed")?;
    let cause = pods::cause(cluster, &Pod::new(cluster, last)?)?;
    Some(cause.prospect(Prospect::Open))
}

/// The cause in the events of pods that a Job's controller has deleted.
fn gone<'a>(cluster: &Cluster<'a>, job: &'a Object, template: &Template<'a>) -> Option<Cause> {
    let mut events: Vec<_> = cluster.events_of_gone_pods(job).filter(|event| event.warning).collect();
    events.sort_by_key(|event| event.last);
    // A pod that never was, as far as it is needed to read what events say of it.
    let pod = Pod { object: template.object, top: template.object, template: template.clone() };
    events.iter().rev().find_map(|event| {
        let spec = template.container_node(&event.container);
        let init = template.written["initContainers"].items().iter().any(|init| init["name"].text() == event.container);
        let container = pods::Container { name: &event.container, spec, status: Node::absent(), init };
        match event.reason.as_str() {
            "FailedScheduling" => schedule::reason(cluster, &pod, &event.message, cluster.patience)
                .map(|cause| cause.words("scheduler", &event.message)),
            "FailedMount" | "FailedAttachVolume" => volumes::from_message(cluster, &pod, &event.reason, &event.message),
            _ => containers::from_event(cluster, &pod, container, event),
        }
    })
}

/// A CronJob whose schedule cannot be used.
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
    let message = format!("the {} of {} cannot be used", if zone { "time zone" } else { "schedule" }, object.id);
    Some(Cause::new(&rules::CRON_SCHEDULE, &object.id, field, message).words("cronjob controller", &event.message))
}

/// A DaemonSet that no node matches.
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
    Some(cause.help("label a node, or change the selector: kubectl get nodes --show-labels"))
}

/// A Service that reaches no pods although they are there, or whose load balancer does not come.
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
            // Its workload may be on its way, or have been rejected.
            let applied = cluster.manifests.unwrap_or_default().iter().filter_map(Object::pod_template);
            if applied.map(|template| &template["metadata"]["labels"]).any(|labels| selects(object, labels)) {
                return None;
            }
            // Workloads alone: pods bear their labels as well.
            let near = cluster.first_workload(object.namespace());
            let wanted = words(spec["selector"].entries());
            let help = match near.and_then(|other| Some((other, &other.pod_template()?["metadata"]["labels"]))) {
                Some((other, labels)) => {
                    let keys = labels.entries().iter().filter(|label| spec["selector"].get(&label.key).is_some());
                    let has: Vec<String> = keys.map(|label| format!("{}: {}", label.key, label.value.text())).collect();
                    let has = if has.is_empty() { words(labels.entries()) } else { has.join(", ") };
                    format!("the selector requires `{wanted}`; the pods of {} have `{has}`", other.id)
                }
                None => format!("no workload of the namespace has pods labelled `{wanted}`"),
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
        let message = format!("no load balancer is provided for Service `{}`", object.name());
        let cause = Cause::new(&rules::LOAD_BALANCER, &object.id, path("spec.type"), message)
            .help("the cluster has to run a load balancer controller; on kind use type NodePort")
            .words("service controller", event.map_or("", |event| &event.message));
        return Some(cause);
    }
    None
}

/// A named target port that no selected pod has.
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
            [] => "give the port's number, or name the container's port".to_owned(),
            names => format!("the pods have {}", crate::suggest::list(names, "and")),
        };
        let field = below(&item(&path("spec.ports"), at), &["targetPort"]);
        let message =
            format!("Service `{}` forwards to port `{name}`, and no pod has a port of that name", service.name());
        return Some(Cause::new(&rules::TARGET_PORT, &service.id, field, message).help(help));
    }
    None
}

fn words(labels: &[crate::node::Entry]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("{}: {}", label.key, label.value.text())).collect();
    labels.join(", ")
}

/// An Ingress whose backend or class is not there.
#[must_use]
pub(super) fn ingress<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let spec = &object.node["spec"];
    let backend = |field: crate::path::FieldPath, backend: &Node| {
        let name = backend["service"]["name"].text();
        if name.is_empty() || !cluster.knows("Service") {
            return None;
        }
        let Some(service) = cluster.get("Service", object.namespace(), name) else {
            let names =
                cluster.all("Service").filter(|service| service.namespace() == object.namespace()).map(Object::name);
            let help =
                crate::suggest::nearest(name, names).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            let message = format!("Service `{name}`, to which {} forwards, not found", object.id);
            let field = below(&field, &["service", "name"]);
            return Some(Cause::new(&rules::BACKEND, &object.id, field, message).help(help));
        };
        let port = &backend["service"]["port"];
        let fits = |own: &&Node| {
            let by_name = !port["name"].text().is_empty() && own["name"].text() == port["name"].text();
            by_name || (port["number"].as_i64().is_some() && own["port"].as_i64() == port["number"].as_i64())
        };
        if service.node["spec"]["ports"].items().iter().any(|own| fits(&own)) {
            return None;
        }
        let message = format!("Service `{name}` has no such port as {} forwards to", object.id);
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
        if class.is_empty() || !cluster.knows("IngressClass") || cluster.get("IngressClass", "", class).is_some() {
            return None;
        }
        let message = format!("IngressClass `{class}` not found");
        let cause = Cause::new(&rules::INGRESS_CLASS, &object.id, path("spec.ingressClassName"), message);
        Some(cause.help("name one that exists: kubectl get ingressclasses"))
    })
}

/// An autoscaler that cannot work.
#[must_use]
pub(super) fn autoscaler<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Option<Cause> {
    let able = condition(object, "AbleToScale");
    let target = &object.node["spec"]["scaleTargetRef"];
    if able["status"].text() == "False" && able["reason"].text() == "FailedGetScale" {
        let message =
            format!("{} `{}`, which {} scales, not found", target["kind"].text(), target["name"].text(), object.id);
        let cause = Cause::new(&rules::SCALE_TARGET, &object.id, path("spec.scaleTargetRef"), message);
        return Some(cause.words("autoscaler", able["message"].text()));
    }
    let active = condition(object, "ScalingActive");
    let reason = active["reason"].text();
    let young = cluster.age(&active["lastTransitionTime"]) < cluster.patience;
    if active["status"].text() != "False" || reason == "ScalingDisabled" || (young && cluster.patience > 0) {
        return None;
    }
    let words = active["message"].text();
    if let Some(rest) = after(words, "missing request for ") {
        let resource = admission::until(rest, &[' ']);
        let container = after(rest, "in container ").map_or("", |rest| admission::until(rest, &[' ']));
        let scaled = cluster.get(target["kind"].text(), object.namespace(), target["name"].text());
        if let Some(template) = scaled.and_then(|scaled| Template::of(cluster, scaled)) {
            let field = below(&template.container(container), &["resources", "requests", resource]);
            let message = format!("{} scales by {resource}, and container `{container}` requests none", object.id);
            let cause = Cause::new(&rules::METRICS, &template.object.id, field, message);
            return Some(
                cause.help(format!("set a request of {resource}")).words("autoscaler", words).affecting(&object.id),
            );
        }
    }
    let message = format!("{} gets no metrics, so it does not scale", object.id);
    let help = if words.contains("metrics.k8s.io") || words.contains("metrics API") {
        "install the metrics server, or remove the autoscaler"
    } else {
        "look whether the metric exists"
    };
    Some(Cause::new(&rules::METRICS, &object.id, path("spec.metrics"), message).help(help).words("autoscaler", words))
}

/// A namespace that is being deleted.
#[must_use]
pub(super) fn namespace(object: &Object) -> Option<Cause> {
    if object.node["status"]["phase"].text() != "Terminating" {
        return None;
    }
    let conditions = object.node["status"]["conditions"].items();
    let is_told =
        |condition: &&Node| condition["status"].text() == "True" && condition["type"].text().starts_with("Namespace");
    let words = conditions.iter().rev().find(is_told).map_or("", |condition| condition["message"].text());
    let message = format!("namespace `{}` is being deleted", object.name());
    let help = "wait until it is gone, then apply again; a finalizer may hold something in it";
    Some(
        Cause::new(&rules::NAMESPACE_TERMINATING, &object.id, path(""), message)
            .help(help)
            .words("namespace controller", words),
    )
}

/// A controller that is not ready, and whose pods do not say why.
#[must_use]
pub(super) fn stalled(object: &Object, state: State, words: &str) -> Option<Cause> {
    if object.node["spec"]["paused"].as_bool() == Some(true) {
        let message = format!("the rollout of {} is paused", object.id);
        let cause = Cause::new(&rules::PAUSED, &object.id, path("spec.paused"), message);
        return Some(cause.help(format!(
            "resume it: kubectl -n {} rollout resume deployment/{}",
            object.namespace(),
            object.name()
        )));
    }
    if state != State::Failed {
        return None;
    }
    let told = condition(object, "Progressing")["message"].text();
    let message = format!("{} does not become ready: {words}", object.id);
    Some(Cause::new(&rules::NOT_READY, &object.id, path(""), message).words("deployment controller", told))
}
