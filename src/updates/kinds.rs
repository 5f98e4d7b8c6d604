//! The immutable fields of each kind.

use super::{FieldPair, Rejection};
use crate::formats::quantity::Quantity;
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::source::Span;
use crate::validation::selector;

type ReportRejection<'s> = &'s mut dyn FnMut(Rejection);

/// The help text for a changed immutable field.
const RECREATE_HELP: &str = "delete and re-create the object, or give it a different name";

/// Reports changes of immutable fields.
pub(super) fn validate(object: &Object, change: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let spec = change.get("spec");
    match (object.group(), object.kind()) {
        ("", "ConfigMap") => immutable_data(change, &["data", "binaryData"], report),
        ("", "Secret") => secret(change, report),
        ("", "PersistentVolumeClaim") => claim(&spec, report),
        ("", "PersistentVolume") => volume(&spec, report),
        ("", "Pod") => pod(&spec, report),
        ("", "ResourceQuota") => quota(&spec.get("scopes"), report),
        ("", "Service") => service(&spec, report),
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => immutable_fields(&spec, &["selector"], report),
        ("apps", "StatefulSet") => stateful_set(&spec, report),
        ("apps", "ControllerRevision") => immutable_fields(change, &["data"], report),
        ("batch", "Job") => job(object, &spec, report),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => role(&change.get("roleRef"), report),
        ("scheduling.k8s.io", "PriorityClass") => immutable_fields(change, &["value", "preemptionPolicy"], report),
        ("networking.k8s.io", "IngressClass") => immutable_fields(&spec, &["controller"], report),
        ("node.k8s.io", "RuntimeClass") => immutable_fields(change, &["handler"], report),
        ("storage.k8s.io", "StorageClass") => {
            immutable_fields(change, &["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"], report);
        }
        ("storage.k8s.io", "VolumeAttributesClass") => immutable_fields(change, &["driverName", "parameters"], report),
        ("storage.k8s.io", "CSIDriver") => immutable_fields(&spec, &["attachRequired", "volumeLifecycleModes"], report),
        ("discovery.k8s.io", "EndpointSlice") => immutable_fields(change, &["addressType"], report),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            immutable_fields(&spec, &["group", "scope"], report);
            immutable_fields(&spec.get("names"), &["kind", "plural"], report);
            stored_versions(change, &spec.get("versions"), report);
        }
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate")
        | ("certificates.k8s.io", "CertificateSigningRequest") => immutable_struct(&spec, report),
        _ => {}
    }
}

/// Versions in which objects may be stored must not be removed. They are those in the status, and the current storage
/// version.
fn stored_versions(change: &FieldPair<'_, '_>, versions: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let is_storage = |version: &&Node| version["storage"].as_bool() == Some(true);
    let current = versions.old.node.items().iter().filter(is_storage).map(|version| version["name"].text());
    let in_status = &change.old.node["status"]["storedVersions"];
    let mut stored: Vec<&str> = in_status.items().iter().map(Node::text).collect();
    for name in current {
        if !stored.contains(&name) {
            stored.push(name);
        }
    }
    for (index, name) in stored.into_iter().enumerate() {
        if versions.new.node.items().iter().all(|version| version["name"].text() != name) {
            let message = format!("storage version `{name}` must appear in `spec.versions`");
            let help = "keep it with `served: false` until all objects are migrated and it is removed from `status.storedVersions`";
            let mut rejection = versions.rejection(message, help);
            rejection.field = format!("status.storedVersions[{index}]");
            report(rejection);
        }
    }
}

/// Reports fields that changed although they are immutable.
fn immutable_fields(change: &FieldPair<'_, '_>, fields: &[&'static str], report: ReportRejection<'_>) {
    for field in fields {
        let change = change.get(field);
        if change.old.node != change.new.node {
            report(change.rejection(format!("`{}` is immutable", change.new), RECREATE_HELP));
        }
    }
}

/// Reports an immutable struct that changed.
fn immutable_struct(change: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    if change.old.node != change.new.node {
        report(change.rejection(format!("`{}` is immutable", change.new), RECREATE_HELP));
    }
}

/// Reports changes of an object with `immutable: true`.
fn immutable_data(change: &FieldPair<'_, '_>, fields: &[&'static str], report: ReportRejection<'_>) {
    let mark = change.get("immutable");
    if !mark.old.is_true() {
        return;
    }
    let help = "rename the changed object and update the references to it";
    if !mark.new.is_true() {
        report(mark.rejection("`immutable` cannot be unset", help));
    }
    for field in fields {
        let change = change.get(field);
        if change.old.node != change.new.node {
            report(change.rejection(format!("`{field}` is immutable when `immutable` is set"), help));
        }
    }
}

fn secret(change: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let kind = change.get("type");
    let (old, new) = (kind.old.text(), kind.new.text());
    if old != new {
        report(
            kind.rejection(
                format!("the type of a Secret is immutable: cannot change `{old}` to `{new}`"),
                RECREATE_HELP,
            ),
        );
    }
    immutable_data(change, &["data"], report);
}

/// A copy of a mapping without some keys.
fn without(node: &Node, keys: &[&str]) -> Node {
    let mut rest = Mapping::new();
    for entry in node.entries().iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
        rest.push(entry.key.clone(), entry.key_span, entry.value.clone());
    }
    Node { value: Value::Mapping(rest), origin: node.origin.clone() }
}

/// Reports changed fields of a struct that are not among `free`, the mutable ones. The API server only names the
/// struct.
fn mutable_only(change: &FieldPair<'_, '_>, free: &[&str], owner: &str, report: ReportRejection<'_>) {
    let (old, new) = (without(change.old.node, free), without(change.new.node, free));
    let keys = old.entries().iter().chain(new.entries().iter().filter(|entry| old.get(&entry.key).is_none()));
    for entry in keys {
        let (before, after) = (&old[entry.key.as_str()], &new[entry.key.as_str()]);
        if before != after {
            let message = format!("`{}.{}` of {owner} is immutable", change.new, entry.key);
            let mut rejection = change.rejection(message, RECREATE_HELP);
            let span = change.new.node[entry.key.as_str()].origin.span;
            if !span.is_none() {
                rejection.span = span;
            }
            rejection.old_span = before.origin.span;
            report(rejection);
        }
    }
}

fn stateful_set(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let free = [
        "minReadySeconds",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "replicas",
        "revisionHistoryLimit",
        "template",
        "updateStrategy",
        "volumeClaimTemplates",
    ];
    mutable_only(spec, &free, "a StatefulSet", report);
    let claims = spec.get("volumeClaimTemplates");
    if claims.old.node != claims.new.node {
        let mut rejection =
            claims.rejection("`spec.volumeClaimTemplates` of a StatefulSet is immutable", RECREATE_HELP);
        rejection.field = "spec".to_owned();
        report(rejection);
    }
}
fn job(object: &Object, spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    generated_labels(object, &spec.get("template").get("metadata"), report);
    immutable_fields(
        spec,
        &["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"],
        report,
    );
    completions(spec, report);
    let selected = spec.get("selector");
    let generated = |node: &Node| node.is_null() || selector::is_empty(node);
    let both = generated(selected.old.node) && generated(selected.new.node);
    if !both && selected.old.node != selected.new.node {
        report(selected.rejection("`spec.selector` of a Job is immutable", RECREATE_HELP));
    }
    let template = spec.get("template");
    let is_unchanged = if spec.get("suspend").old.is_true() {
        without_scheduling(template.old.node) == without_scheduling(template.new.node)
    } else {
        template.old.node == template.new.node
    };
    if !is_unchanged {
        let help = "give the changed Job a different name, or delete the old one first";
        let mut rejection = template.rejection("`spec.template` of a Job is immutable", help);
        if let Some((old, new)) = first_difference(template.old.node, template.new.node) {
            rejection.old_span = old;
            rejection.span = if new.is_none() { rejection.span } else { new };
        }
        report(rejection);
    }
}

/// Reports removed labels of the pod template. The API server adds the labels with which the Job controller finds the
/// pods, and they would be removed as well.
fn generated_labels(object: &Object, metadata: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let given = object.pod_template().map(|template| &template["metadata"]);
    // A null also removes the mapping.
    let is_kept = given.is_some_and(|metadata| metadata.get("labels").is_some());
    if !metadata.old.node["labels"].entries().is_empty() && !is_kept {
        let message = "the labels that the API server added to the pod template of the Job would be removed";
        report(metadata.get("labels").rejection(message, "keep the labels of the pod template"));
    }
}

/// The completions of a Job can only be changed for an indexed Job, together with the parallelism.
fn completions(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let (all, at_once, mode) = (spec.get("completions"), spec.get("parallelism"), spec.get("completionMode"));
    let (old, new) = (all.old.number(), all.new.number());
    let is_scaled = mode.new.text() == "Indexed" && new.is_some() && new == at_once.new.number();
    if old != new && !is_scaled {
        report(all.rejection("`spec.completions` of a Job is immutable", RECREATE_HELP));
    }
}

/// A pod template without the scheduling directives that are mutable for a suspended Job.
fn without_scheduling(template: &Node) -> Node {
    let mut bare = without(template, &["metadata", "spec"]);
    let mut spec = without(&template["spec"], &["nodeSelector", "tolerations", "schedulingGates", "affinity"]);
    if let Some(containers) = spec.get_mut("containers")
        && let Value::Sequence(items) = &mut containers.value
    {
        items.make_mut().iter_mut().for_each(|item| *item = without(item, &["resources"]));
    }
    if let Value::Mapping(mapping) = &mut bare.value {
        mapping.push("spec", Span::NONE, spec);
    }
    bare
}

/// The locations of the first difference between two trees.
fn first_difference(old: &Node, new: &Node) -> Option<(Span, Span)> {
    for entry in old.entries().iter().chain(new.entries()) {
        let (before, after) = (&old[entry.key.as_str()], &new[entry.key.as_str()]);
        if before != after {
            return first_difference(before, after).or(Some((before.origin.span, after.origin.span)));
        }
    }
    let pair = old.items().iter().zip(new.items()).find(|(old, new)| old != new)?;
    first_difference(pair.0, pair.1).or(Some((pair.0.origin.span, pair.1.origin.span)))
}

fn claim(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    let amount = |node: &Node| Quantity::of(&node["storage"]);
    // A bound claim can be expanded if its StorageClass allows it.
    let grown = matches!((amount(requests.old.node), amount(requests.new.node)), (Some(old), Some(new)) if new > old);
    let mut free = vec!["volumeAttributesClassName"];
    for field in ["storageClassName", "volumeName"] {
        if spec.old.node[field].text().is_empty() {
            free.push(field);
        }
    }
    // Both fields have the same source; the API server sets the missing one.
    if spec.old.node["dataSource"].is_set() != spec.old.node["dataSourceRef"].is_set() {
        free.extend(["dataSource", "dataSourceRef"]);
    }
    if grown {
        free.push("resources");
        let bare = |node: &Node| without(&node["requests"], &["storage"]);
        let (old, new) = (resources.old.node, resources.new.node);
        if bare(old) != bare(new) || old["limits"] != new["limits"] {
            report(
                resources
                    .rejection("only the requested storage of a PersistentVolumeClaim can be increased", RECREATE_HELP),
            );
        }
    }
    mutable_only(spec, &free, "a PersistentVolumeClaim", &mut |mut rejection| {
        rejection.field = "spec".to_owned();
        report(rejection);
    });
}

/// Reports changes of the source, the volume mode and the node affinity of a PersistentVolume.
fn volume(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    const FREE: &[&str] = &[
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    mutable_only(spec, FREE, "a PersistentVolume", &mut |mut rejection| {
        rejection.field = "spec.persistentvolumesource".to_owned();
        report(rejection);
    });
    immutable_fields(spec, &["volumeMode"], report);
    let affinity = spec.get("nodeAffinity");
    if affinity.old.is_set() && affinity.old.node != affinity.new.node {
        report(affinity.rejection("`spec.nodeAffinity` of a PersistentVolume is immutable", RECREATE_HELP));
    }
}

/// Reports changes of a Pod other than of images, added tolerations and two durations.
fn pod(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let help = "delete and re-create the Pod";
    let lists = ["initContainers", "containers"];
    let mut count_differs = false;
    for list in lists {
        let change = spec.get(list);
        if change.old.node.items().len() != change.new.node.items().len() {
            count_differs = true;
            report(change.rejection("pod updates may not add or remove containers", help));
        }
    }
    let gates = |node: &Node| node["schedulingGates"].items().to_vec();
    let (old_gates, new_gates) = (gates(spec.old.node), gates(spec.new.node));
    let mut free = vec!["tolerations", "activeDeadlineSeconds", "ephemeralContainers", "terminationGracePeriodSeconds"];
    // Gates can be removed. While a pod is gated, its node affinity and node selector can be tightened.
    if new_gates.iter().all(|gate| old_gates.contains(gate)) {
        free.push("schedulingGates");
    }
    if !old_gates.is_empty() {
        free.push("affinity");
        let selected = &spec.new.node["nodeSelector"];
        if spec.old.node["nodeSelector"].entries().iter().all(|entry| selected.get(&entry.key) == Some(&entry.value)) {
            free.push("nodeSelector");
        }
    }
    let immutable_part = |node: &Node| -> Node {
        let mut bare = without(node, &free);
        for list in lists {
            if let Some(list) = bare.get_mut(list)
                && let Value::Sequence(items) = &mut list.value
            {
                items.make_mut().iter_mut().for_each(|item| *item = without(item, &["image"]));
            }
        }
        bare
    };
    let (old, new) = (immutable_part(spec.old.node), immutable_part(spec.new.node));
    // `tolerationSeconds` is mutable.
    let tolerations = |node: &Node| -> Vec<Node> {
        node["tolerations"].items().iter().map(|toleration| without(toleration, &["tolerationSeconds"])).collect()
    };
    let (old_tolerations, new_tolerations) = (tolerations(spec.old.node), tolerations(spec.new.node));
    let tolerations_kept = old_tolerations.iter().all(|toleration| new_tolerations.contains(toleration));
    if count_differs || (old == new && tolerations_kept) {
        return;
    }
    let mut rejection =
        spec.rejection("pod updates may not change fields other than images and added tolerations", help);
    if let Some((old, new)) = first_difference(&old, &new) {
        rejection.old_span = old;
        rejection.span = if new.is_none() { rejection.span } else { new };
    }
    report(rejection);
}

/// Reports changed scopes of a ResourceQuota, regardless of their order.
fn quota(scopes: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let (old, new) = (scopes.old.node.items(), scopes.new.node.items());
    let is_subset = |some: &[Node], all: &[Node]| some.iter().all(|scope| all.contains(scope));
    if !is_subset(old, new) || !is_subset(new, old) {
        report(scopes.rejection("`spec.scopes` of a ResourceQuota is immutable", RECREATE_HELP));
    }
}

fn role(role: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let reference = |node: &Node| ["kind", "name"].map(|key| node[key].text().to_owned());
    if reference(role.old.node) != reference(role.new.node) {
        report(role.rejection("cannot change `roleRef`", RECREATE_HELP));
    }
}

fn service(spec: &FieldPair<'_, '_>, report: ReportRejection<'_>) {
    let kind = spec.get("type");
    let is_external = |text: &str| text == "ExternalName";
    if !is_external(kind.old.text()) && !is_external(kind.new.text()) {
        let (address, addresses) = (spec.get("clusterIP"), spec.get("clusterIPs"));
        let first = |node: &Node, list: &Node| {
            if node.text().is_empty() { list[0].text().to_owned() } else { node.text().to_owned() }
        };
        let old = first(address.old.node, addresses.old.node);
        let new = first(address.new.node, addresses.new.node);
        // If the new object has no address, the server keeps the old one, which it may have allocated.
        if !new.is_empty() && new != old {
            let mut rejection =
                address.rejection("`spec.clusterIP` of a Service may not change once set", RECREATE_HELP);
            rejection.field = "spec.clusterIPs[0]".to_owned();
            report(rejection);
        }
        let families = spec.get("ipFamilies");
        let (old, new) = (&families.old.node[0], &families.new.node[0]);
        if old.is_set() && new.is_set() && old.text() != new.text() {
            let mut rejection =
                families.rejection("the primary IP family of a Service may not change once set", RECREATE_HELP);
            rejection.field = "spec.ipFamilies[0]".to_owned();
            report(rejection);
        }
    }
    let is_load_balancer = |text: &str| text == "LoadBalancer";
    if is_load_balancer(kind.old.text()) && is_load_balancer(kind.new.text()) {
        immutable_fields(spec, &["loadBalancerClass"], report);
        let (port, policy) = (spec.get("healthCheckNodePort"), spec.get("externalTrafficPolicy"));
        let is_local = policy.old.text() == "Local" && policy.new.text() == "Local";
        let given = port.new.number().unwrap_or(0);
        if is_local && given != 0 && port.old.number() != Some(given) {
            report(port.rejection("`spec.healthCheckNodePort` of a Service may not change once set", RECREATE_HELP));
        }
    }
}
