//! Server-side apply by one field manager: the object after a changed manifest is applied.
//!
//! The server records the manager of each field. A field that the manager owns and that the new manifest lacks is removed with
//! everything below it; a field that it does not own (a default, or one set by a controller) stays. Lists that are maps or sets
//! are merged item by item, others are replaced. A null removes the owned fields of a struct and leaves the struct.

use foldhash::{HashMap, HashMapExt};

use super::shape::Shape;
use super::stored::{LAST_APPLIED, is_live};
use crate::node::{Mapping, Node, Value};
use crate::schema::ListKind;
use crate::yaml;

/// The object after apply, before defaulting. `live`: the object as it is [`stored`](super::stored()); `owned`: the manifest that
/// was applied last; `new`: the manifest that is applied now.
#[must_use]
pub fn applied(live: &Node, owned: &Node, new: &Node, shape: Shape<'_>) -> Node {
    let (Value::Mapping(before), Value::Mapping(_) | Value::Null) = (&live.value, &new.value) else {
        return merge_items(live, owned, new, shape);
    };
    if before.is_empty() || shape.is_atomic() {
        return new.clone();
    }
    let mut merged = Mapping::with_capacity(before.len().max(new.entries().len()));
    for entry in new.entries() {
        let key = entry.key.as_str();
        let value = match before.get(key) {
            Some(live) => applied(live, &owned[key], &entry.value, shape.field(key)),
            None => entry.value.clone(),
        };
        merged.push(entry.key.clone(), entry.key_span, value);
    }
    let kept = before.iter().filter(|entry| new.get(&entry.key).is_none() && owned.get(&entry.key).is_none());
    merged.extend(kept.cloned());
    Node { value: Value::Mapping(merged), origin: new.origin.clone() }
}

/// Merges lists that are maps or sets; replaces other lists and scalars.
fn merge_items(live: &Node, owned: &Node, new: &Node, shape: Shape<'_>) -> Node {
    let identity = shape.identity();
    let is_list = matches!(live.value, Value::Sequence(_)) && matches!(new.value, Value::Sequence(_) | Value::Null);
    if identity.kind == ListKind::Atomic || !is_list || live.items().is_empty() {
        return new.clone();
    }
    let by_name = |list: &'_ Node| -> HashMap<String, usize> {
        let names = list.items().iter().enumerate();
        names.filter_map(|(at, item)| Some((identity.of(item)?, at))).collect()
    };
    let (before, set) = (by_name(live), by_name(owned));
    let mut taken = HashMap::new();
    let mut merged = Vec::with_capacity(new.items().len());
    for item in new.items() {
        let name = identity.of(item).unwrap_or_default();
        let value = match before.get(&name) {
            Some(at) => {
                let owned = set.get(&name).map_or(Node::absent(), |at| &owned.items()[*at]);
                taken.insert(*at, ());
                applied(&live.items()[*at], owned, item, shape.items())
            }
            None => item.clone(),
        };
        merged.push(value);
    }
    let is_kept = |at: usize, item: &Node| {
        !taken.contains_key(&at) && identity.of(item).is_none_or(|name| !set.contains_key(&name))
    };
    let kept = live.items().iter().enumerate().filter(|(at, item)| is_kept(*at, item));
    merged.extend(kept.map(|(_, item)| item.clone()));
    Node { value: merged.into(), origin: new.origin.clone() }
}

/// The manifest that was applied last: that of the last-applied annotation, or the object without the fields that the server
/// assigns. `None` if the object was not read from a cluster, so that it is that manifest itself.
#[must_use]
pub fn owned(object: &Node) -> Option<Node> {
    if !is_live(object) {
        return None;
    }
    let annotations = &object["metadata"]["annotations"];
    let mut applied = yaml::read_json(annotations[LAST_APPLIED].text()).ok();
    // For its own annotation, `kubectl apply` writes empty annotations that the manifest does not have.
    if let Some(Value::Mapping(metadata)) =
        applied.as_mut().and_then(|node| node.get_mut("metadata")).map(|node| &mut node.value)
    {
        metadata.retain(|entry| entry.key != "annotations" || !entry.value.entries().is_empty());
    }
    Some(applied.filter(|node| matches!(node.value, Value::Mapping(_))).unwrap_or_else(|| unassigned(object)))
}

/// What the server and its controllers set: group and kind, the path, and the key or (with a trailing `*`) its prefix.
const ASSIGNED: &[(&str, &str, &[&str], &str)] = &[
    ("", "*", &["metadata", "annotations"], LAST_APPLIED),
    ("", "*", &["metadata"], "finalizers"),
    ("", "*", &["metadata"], "ownerReferences"),
    ("apps", "Deployment", &["metadata", "annotations"], "deployment.kubernetes.io/*"),
    ("apps", "ReplicaSet", &["metadata", "annotations"], "deployment.kubernetes.io/*"),
    ("apps", "DaemonSet", &["metadata", "annotations"], "deprecated.daemonset.template.generation"),
    ("", "PersistentVolumeClaim", &["metadata", "annotations"], "pv.kubernetes.io/*"),
    ("", "PersistentVolumeClaim", &["metadata", "annotations"], "volume.kubernetes.io/*"),
    ("", "PersistentVolumeClaim", &["metadata", "annotations"], "volume.beta.kubernetes.io/*"),
    ("", "PersistentVolumeClaim", &["spec"], "storageClassName"),
    ("", "PersistentVolumeClaim", &["spec"], "volumeName"),
    ("", "PersistentVolume", &["metadata", "annotations"], "pv.kubernetes.io/*"),
    ("", "PersistentVolume", &["spec"], "claimRef"),
    ("", "Pod", &["spec"], "nodeName"),
    ("", "Pod", &["spec"], "priority"),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec"], "extra"),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec"], "groups"),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec"], "uid"),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec"], "username"),
    ("", "Service", &["spec"], "clusterIP"),
    ("", "Service", &["spec"], "clusterIPs"),
    ("", "Service", &["spec"], "healthCheckNodePort"),
    ("", "Service", &["spec"], "ipFamilies"),
    ("", "Service", &["spec"], "ipFamilyPolicy"),
    ("", "Service", &["spec", "ports", "*"], "nodePort"),
    ("", "ServiceAccount", &[], "secrets"),
    ("batch", "Job", &["metadata", "labels"], "batch.kubernetes.io/*"),
    ("batch", "Job", &["metadata", "labels"], "controller-uid"),
    ("batch", "Job", &["metadata", "labels"], "job-name"),
    ("batch", "Job", &["metadata", "annotations"], "batch.kubernetes.io/*"),
    ("batch", "Job", &["spec"], "selector"),
    ("batch", "Job", &["spec", "template", "metadata", "labels"], "batch.kubernetes.io/*"),
    ("batch", "Job", &["spec", "template", "metadata", "labels"], "controller-uid"),
    ("batch", "Job", &["spec", "template", "metadata", "labels"], "job-name"),
];

fn unassigned(object: &Node) -> Node {
    let group = object["apiVersion"].text().rsplit_once('/').map_or("", |(group, _)| group);
    let kind = object["kind"].text();
    let mut bare = object.clone();
    for (in_group, in_kind, path, key) in ASSIGNED {
        if *in_kind == "*" || (*in_group, *in_kind) == (group, kind) {
            remove(&mut bare, path, key);
        }
    }
    if (group, kind) == ("", "Pod") {
        unmount_token(&mut bare);
    }
    bare
}

/// Removes the service account token volume, which admission mounts into each container of a Pod.
fn unmount_token(pod: &mut Node) {
    let Some(spec) = pod.get_mut("spec") else { return };
    let is_token = |volume: &Node| volume["name"].text().starts_with("kube-api-access-");
    retain(spec, "volumes", |volume| !is_token(volume));
    for list in ["initContainers", "containers"] {
        let Some(Value::Sequence(containers)) = spec.get_mut(list).map(|list| &mut list.value) else { continue };
        for container in containers.make_mut() {
            retain(container, "volumeMounts", |mount| !is_token(mount));
        }
    }
}

/// Removes items from a list, and the list if it becomes empty.
fn retain(node: &mut Node, list: &str, keep: impl Fn(&Node) -> bool) {
    let Value::Mapping(mapping) = &mut node.value else { return };
    let Some(items) = mapping.get(list).map(Node::items) else { return };
    let kept: Vec<Node> = items.iter().filter(|item| keep(item)).cloned().collect();
    if kept.is_empty() {
        mapping.remove(list);
    } else if kept.len() < items.len() {
        mapping.set(list, Node { value: kept.into(), origin: node.origin.clone() });
    }
}

/// Keeps the values of fields of a Service's spec that the manifest does not set.
fn keep(was: &Node, merged: &mut Node, fields: &[&str]) {
    let Some(Value::Mapping(spec)) = merged.get_mut("spec").map(|spec| &mut spec.value) else { return };
    let named = spec.get("clusterIP").is_some_and(|address| !address.text().is_empty());
    for field in fields {
        let is_free =
            spec.get(field).is_none_or(|value| value.is_null() || value.text().is_empty() && value.items().is_empty());
        let follows = *field == "clusterIPs" && named && spec.get("clusterIP") != was.get("clusterIP");
        if was[*field].is_set() && is_free && !follows && spec.get(field).and_then(Node::as_i64).is_none() {
            spec.set(field, was[*field].clone());
        }
    }
}

/// Keeps the node ports that the manifest does not set; names identify the ports.
fn keep_node_ports(was: &Node, merged: &mut Node) {
    let Some(Value::Sequence(ports)) =
        merged.get_mut("spec").and_then(|spec| spec.get_mut("ports")).map(|ports| &mut ports.value)
    else {
        return;
    };
    for port in ports.make_mut() {
        let before = was["ports"].items().iter().find(|before| before["name"].text() == port["name"].text());
        let is_free = port["nodePort"].as_i64().unwrap_or(0) == 0;
        if let (Some(before), true, Value::Mapping(port)) = (before, is_free, &mut port.value)
            && before["nodePort"].is_set()
        {
            port.set("nodePort", before["nodePort"].clone());
        }
    }
}

fn remove(node: &mut Node, path: &[&str], key: &str) {
    match (path, &mut node.value) {
        (["*", rest @ ..], Value::Sequence(items)) => {
            items.make_mut().iter_mut().for_each(|item| remove(item, rest, key));
        }
        ([field, rest @ ..], Value::Mapping(mapping)) => {
            let Some(inner) = mapping.get_mut(field) else { return };
            let was_empty = inner.entries().is_empty();
            remove(inner, rest, key);
            // The server created the mapping for the key.
            if !was_empty && matches!(&inner.value, Value::Mapping(inner) if inner.is_empty()) {
                mapping.remove(field);
            }
        }
        ([], Value::Mapping(mapping)) => {
            let gone = |name: &str| match key.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == key,
            };
            if mapping.iter().any(|entry| gone(&entry.key)) {
                mapping.retain(|entry| !gone(&entry.key));
            }
        }
        _ => {}
    }
}

/// Restates the allocation of a Service's addresses and ports (`pkg/registry/core/service`): allocated values stay unless the
/// new manifest sets others, and fields that do not apply to the type are removed unless it sets them. `live`: the Service as
/// it is stored; `new`: the manifest that is applied.
pub(crate) fn allocate(live: &Node, merged: &mut Node, new: &Node) {
    if (new["apiVersion"].text(), new["kind"].text()) != ("v1", "Service") {
        return;
    }
    let spec = &new["spec"];
    let kind = match merged["spec"]["type"].text() {
        "" => "ClusterIP",
        kind => kind,
    }
    .to_owned();
    let outside = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    let was = &live["spec"];
    if kind != "ExternalName" && was["type"].text() != "ExternalName" {
        keep(was, merged, &["clusterIP", "clusterIPs", "ipFamilies"]);
    }
    if outside && matches!(was["type"].text(), "NodePort" | "LoadBalancer") {
        keep_node_ports(was, merged);
        if spec["externalTrafficPolicy"].text() == "Local" && was["externalTrafficPolicy"].text() == "Local" {
            keep(was, merged, &["healthCheckNodePort"]);
        }
    }
    let mut gone: Vec<&[&str]> = Vec::new();
    if !outside {
        gone.push(&["spec", "ports", "*", "nodePort"]);
        if spec["externalIPs"].items().is_empty() {
            gone.push(&["spec", "externalTrafficPolicy"]);
        }
    }
    if kind != "LoadBalancer" {
        gone.extend([&["spec", "allocateLoadBalancerNodePorts"][..], &["spec", "loadBalancerClass"]]);
    }
    let local = spec["externalTrafficPolicy"].text() == "Local";
    if kind != "LoadBalancer" || !local {
        gone.push(&["spec", "healthCheckNodePort"]);
    }
    if kind == "ExternalName" {
        let inner = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"];
        for field in inner.iter().filter(|field| spec[**field].is_null()) {
            remove(merged, &["spec"], field);
        }
    }
    let given = |path: &[&str]| match path {
        [spec, ports, "*", port] => new[*spec][*ports].items().iter().any(|item| item[*port].is_set()),
        path => new.at(path).is_set(),
    };
    for path in gone.into_iter().filter(|path| !given(path)) {
        if let [path @ .., key] = path {
            remove(merged, path, key);
        }
    }
}
