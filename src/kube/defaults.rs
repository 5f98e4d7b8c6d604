//! Defaults that depend on other fields; all others are in the schemas.
//!
//! From the defaulting of each API group (`pkg/apis/*/*/defaults.go`) and, where noted, from `pkg/registry`, by type.

use super::version::KubernetesVersion;
use crate::formats::go::encode_base64;
use crate::node::{Mapping, Node, Value};
use crate::source::Span;

/// The fields of a volume that are not sources.
const NAME: &str = "name";

fn text(mapping: &Mapping, field: &str) -> String {
    mapping.get(field).map(Node::text).unwrap_or_default().to_owned()
}

fn has(mapping: &Mapping, field: &str) -> bool {
    mapping.get(field).is_some_and(Node::is_set)
}

fn node(value: impl Into<Value>) -> Node {
    Node::new(value, Span::NONE)
}

/// Sets an absent field.
fn fill(mapping: &mut Mapping, field: &str, value: impl Into<Value>) {
    if !has(mapping, field) {
        mapping.set(field, node(value));
    }
}

/// A mapping of these entries.
fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut mapping = Mapping::new();
    entries.into_iter().for_each(|(key, value)| mapping.push(key, Span::NONE, node(value)));
    Value::Mapping(mapping)
}

fn list(texts: &[&str]) -> Value {
    Value::Sequence(texts.iter().map(|text| node(*text)).collect())
}

/// The mutable mapping of a field.
fn within<'m>(mapping: &'m mut Mapping, field: &str) -> Option<&'m mut Mapping> {
    match &mut mapping.get_mut(field)?.value {
        Value::Mapping(inner) => Some(inner),
        _ => None,
    }
}

/// Calls a function with each item of a list of mappings.
fn each(mapping: &mut Mapping, field: &str, mut change: impl FnMut(&mut Mapping)) {
    let Some(Value::Sequence(items)) = mapping.get_mut(field).map(|node| &mut node.value) else { return };
    for item in items.make_mut() {
        if let Value::Mapping(item) = &mut item.value {
            change(item);
        }
    }
}

/// Applies the defaults of a struct that depend on its other fields. `given`: the struct as written.
pub(super) fn fields(name: &str, given: &Node, own: &mut Mapping) {
    match name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => {
            let policy = pull_policy(&text(own, "image"));
            fill(own, "imagePullPolicy", policy);
        }
        "core.v1.ImageVolumeSource" => {
            let policy = pull_policy(&text(own, "reference"));
            fill(own, "pullPolicy", policy);
        }
        "core.v1.Volume" if own.iter().all(|entry| entry.key == NAME) => {
            fill(own, "emptyDir", Mapping::new());
        }
        // The deprecated name of the field has the same value.
        "core.v1.PodSpec" => {
            let names = [text(own, "serviceAccountName"), text(own, "serviceAccount")];
            if let Some(account) = names.into_iter().find(|name| !name.is_empty()) {
                own.set("serviceAccountName", node(account.clone()));
                own.set("serviceAccount", node(account));
            }
        }
        "core.v1.ServiceSpec" => service(own),
        "core.v1.LimitRangeItem" => limit_range(own),
        "core.v1.PersistentVolumeClaimSpec" => claim(own),
        "apps.v1.DeploymentStrategy" if text(own, "type") == "RollingUpdate" => {
            fill(own, "rollingUpdate", map([("maxUnavailable", "25%".into()), ("maxSurge", "25%".into())]));
        }
        "apps.v1.DaemonSetUpdateStrategy" if text(own, "type") == "RollingUpdate" => {
            fill(own, "rollingUpdate", map([("maxUnavailable", 1.into()), ("maxSurge", 0.into())]));
        }
        "apps.v1.StatefulSetUpdateStrategy" if given["type"].text().is_empty() => {
            fill(own, "rollingUpdate", map([("partition", 0.into())]));
        }
        "apps.v1.StatefulSetSpec" => each(own, "volumeClaimTemplates", |claim| {
            fill(claim, "apiVersion", "v1");
            fill(claim, "kind", "PersistentVolumeClaim");
            claim.remove("status");
        }),
        "rbac.v1.Subject" => {
            if matches!(text(own, "kind").as_str(), "User" | "Group") {
                fill(own, "apiGroup", "rbac.authorization.k8s.io");
            }
        }
        "networking.v1.NetworkPolicySpec" => {
            let types: &[&str] = if has(own, "egress") { &["Ingress", "Egress"] } else { &["Ingress"] };
            fill(own, "policyTypes", list(types));
        }
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => {
            let target = map([("type", "Utilization".into()), ("averageUtilization", 80.into())]);
            let resource = map([("name", "cpu".into()), ("target", target)]);
            let metric = map([("type", "Resource".into()), ("resource", resource)]);
            fill(own, "metrics", vec![node(metric)]);
        }
        "autoscaling.v2.HorizontalPodAutoscalerBehavior" => autoscaling(own),
        "storage.v1.CSIDriverSpec" => fill(own, "volumeLifecycleModes", list(&["Persistent"])),
        "resource.v1.ExactDeviceRequest"
        | "resource.v1.DeviceSubRequest"
        | "resource.v1beta2.ExactDeviceRequest"
        | "resource.v1beta2.DeviceSubRequest"
        | "resource.v1beta1.DeviceSubRequest"
            if text(own, "allocationMode") == "ExactCount" =>
        {
            fill(own, "count", 1);
        }
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames" => {
            let kind = text(own, "kind");
            if !kind.is_empty() {
                fill(own, "singular", kind.to_lowercase());
                fill(own, "listKind", format!("{kind}List"));
            }
        }
        _ => {}
    }
}

/// `Always` for an image with neither tag nor digest, or with the tag `latest`.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !digest && !image.is_empty() => "Always",
        _ => "IfNotPresent",
    }
}

fn service(own: &mut Mapping) {
    let kind = text(own, "type");
    let inside = matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer");
    match text(own, "sessionAffinity").as_str() {
        "None" => _ = own.remove("sessionAffinityConfig"),
        "ClientIP" => {
            let given = own.get("sessionAffinityConfig").map(|config| &config["clientIP"]["timeoutSeconds"]);
            if !given.is_some_and(Node::is_set) {
                let timeout = map([("timeoutSeconds", 10_800.into())]);
                own.set("sessionAffinityConfig", node(map([("clientIP", timeout)])));
            }
        }
        _ => {}
    }
    each(own, "ports", |port| {
        let target = port.get("targetPort").cloned().unwrap_or_default();
        if (target.is_null() || target.text().is_empty() && target.as_i64().is_none())
            && let Some(number) = port.get("port").cloned()
        {
            port.set("targetPort", node(number.value));
        }
    });
    if kind == "NodePort" || kind == "LoadBalancer" || kind == "ClusterIP" && has(own, "externalIPs") {
        fill(own, "externalTrafficPolicy", "Cluster");
    }
    if inside {
        fill(own, "internalTrafficPolicy", "Cluster");
        let headless = text(own, "clusterIP") == "None";
        // A headless Service without a selector has the IP families of the cluster (`pkg/registry/core/service/storage`).
        let families = own.get("ipFamilies").map_or(0, |families| families.items().len());
        if families < 2 && (!headless || has(own, "selector")) {
            fill(own, "ipFamilyPolicy", "SingleStack");
        }
        let address = text(own, "clusterIP");
        if !address.is_empty() {
            fill(own, "clusterIPs", list(&[address.as_str()]));
        } else if let Some(first) = own.get("clusterIPs").map(|all| all[0].text().to_owned())
            && !first.is_empty()
        {
            own.set("clusterIP", node(first));
        }
    }
    if kind == "LoadBalancer" {
        fill(own, "allocateLoadBalancerNodePorts", true);
    }
}

/// Copies the quantities of `from` that `to` lacks.
fn amounts(own: &mut Mapping, from: &str, to: &str) {
    let Some(Value::Mapping(amounts)) = own.get(from).map(|node| node.value.clone()) else { return };
    fill(own, to, Mapping::new());
    if let Some(to) = within(own, to) {
        amounts.iter().for_each(|entry| fill(to, &entry.key, entry.value.value.clone()));
    }
}

fn limit_range(own: &mut Mapping) {
    if text(own, "type") == "Container" {
        amounts(own, "max", "default");
        amounts(own, "default", "defaultRequest");
        amounts(own, "min", "defaultRequest");
    }
}

/// `dataSource` and `dataSourceRef` of a claim have the same value (`pkg/registry/core/persistentvolumeclaim`).
fn claim(own: &mut Mapping) {
    match (own.get("dataSource").cloned(), own.get("dataSourceRef").cloned()) {
        (Some(source), None) => own.set("dataSourceRef", node(source.value)),
        (None, Some(source)) if source["namespace"].is_null() => own.set("dataSource", node(source.value)),
        // Another namespace needs a feature gate that is off by default.
        (None, Some(_)) => _ = own.remove("dataSourceRef"),
        _ => {}
    }
}

fn autoscaling(own: &mut Mapping) {
    let policy = |kind: &'static str, value: i64| {
        node(map([("type", kind.into()), ("value", value.into()), ("periodSeconds", 15.into())]))
    };
    for (field, window, policies) in [
        ("scaleUp", Some(0), vec![policy("Pods", 4), policy("Percent", 100)]),
        ("scaleDown", None, vec![policy("Percent", 100)]),
    ] {
        fill(own, field, Mapping::new());
        let Some(rules) = within(own, field) else { continue };
        if let Some(window) = window {
            fill(rules, "stabilizationWindowSeconds", window);
        }
        fill(rules, "selectPolicy", "Max");
        fill(rules, "policies", policies);
    }
}

/// Applies the defaults that only objects have, not templates.
pub(super) fn object(own: &mut Mapping, _version: KubernetesVersion) {
    match (text(own, "apiVersion").as_str(), text(own, "kind").as_str()) {
        ("v1", "Secret") => secret(own),
        ("v1", "Namespace") => namespace(own),
        ("v1", "Pod") => {
            if let Some(spec) = within(own, "spec") {
                pod(spec);
            }
        }
        ("v1", "ReplicationController") => {
            let labels = own.get("spec").map(|spec| spec.at(&["template", "metadata", "labels"]).value.clone());
            if let (Some(labels @ Value::Mapping(_)), Some(spec)) = (labels, within(own, "spec")) {
                fill(spec, "selector", labels.clone());
                label(own, labels);
            }
        }
        ("batch/v1", "Job") => {
            let labels = own.get("spec").map(|spec| spec.at(&["template", "metadata", "labels"]).value.clone());
            if let Some(labels @ Value::Mapping(_)) = labels {
                label(own, labels);
            }
            if let Some(spec) = within(own, "spec") {
                job(spec);
            }
        }
        _ => {}
    }
}

/// Copies the labels of the template to an object without labels.
fn label(own: &mut Mapping, labels: Value) {
    if let Some(metadata) = within(own, "metadata") {
        fill(metadata, "labels", labels);
    }
}

/// Moves `stringData` into `data`.
fn secret(own: &mut Mapping) {
    let Some(texts) = own.remove("stringData") else { return };
    fill(own, "data", Mapping::new());
    if let Some(data) = within(own, "data") {
        for entry in texts.entries() {
            let value = Value::from(encode_base64(entry.value.text().as_bytes()));
            data.set(&entry.key, Node { value, origin: entry.value.origin.clone() });
        }
    }
}

fn namespace(own: &mut Mapping) {
    let name = own.get("metadata").map(|metadata| metadata["name"].text().to_owned()).unwrap_or_default();
    if let Some(metadata) = within(own, "metadata")
        && !name.is_empty()
    {
        fill(metadata, "labels", Mapping::new());
        if let Some(labels) = within(metadata, "labels") {
            labels.set("kubernetes.io/metadata.name", node(name));
        }
    }
    fill(own, "spec", Mapping::new());
    if let Some(spec) = within(own, "spec") {
        fill(spec, "finalizers", list(&["kubernetes"]));
    }
}

/// Applies the defaults of a Pod that is not a template, those of admission included.
fn pod(spec: &mut Mapping) {
    fill(spec, "enableServiceLinks", true);
    fill(spec, "serviceAccountName", "default");
    fill(spec, "serviceAccount", "default");
    fill(spec, "preemptionPolicy", "PreemptLowerPriority");
    tolerations(spec);
    let host = spec.get("hostNetwork").and_then(Node::as_bool) == Some(true);
    for field in ["containers", "initContainers"] {
        each(spec, field, |container| {
            if let Some(resources) = within(container, "resources") {
                amounts(resources, "limits", "requests");
            }
            if host {
                each(container, "ports", |port| {
                    if let Some(number) = port.get("containerPort").map(|number| number.value.clone()) {
                        fill(port, "hostPort", number);
                    }
                });
            }
        });
    }
}

/// Adds the tolerations of nodes that are not ready (`plugin/pkg/admission/defaulttolerationseconds`).
fn tolerations(spec: &mut Mapping) {
    let mut all = spec.get("tolerations").map(|all| all.items().to_vec()).unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = all.iter().any(|toleration| {
            (toleration["key"].text().is_empty() || toleration["key"].text() == key)
                && matches!(toleration["effect"].text(), "" | "NoExecute")
        });
        if !is_tolerated {
            all.push(node(map([
                ("key", key.into()),
                ("operator", "Exists".into()),
                ("effect", "NoExecute".into()),
                ("tolerationSeconds", 300.into()),
            ])));
        }
    }
    spec.set("tolerations", node(all));
}

fn job(spec: &mut Mapping) {
    if !has(spec, "parallelism") {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    let limit = if has(spec, "backoffLimitPerIndex") { i64::from(i32::MAX) } else { 6 };
    fill(spec, "backoffLimit", limit);
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "manualSelector", false);
    let replaced = if has(spec, "podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    fill(spec, "podReplacementPolicy", replaced);
}
