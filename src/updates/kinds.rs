//! What each kind does not let change.

use super::{Change, Refusal};
use crate::formats::quantity::Quantity;
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::source::Span;
use crate::validation::selector;

type Say<'s> = &'s mut dyn FnMut(Refusal);

/// How an immutable field that was changed is helped.
const ANEW: &str = "delete and re-create the object, or give the new one another name";

/// Reports what a kind does not let change.
pub(super) fn refuse(object: &Object, change: &Change<'_, '_>, say: Say<'_>) {
    let spec = change.get("spec");
    match (object.group(), object.kind()) {
        ("", "ConfigMap") => frozen(change, &["data", "binaryData"], say),
        ("", "Secret") => secret(change, say),
        ("", "PersistentVolumeClaim") => claim(&spec, say),
        ("", "PersistentVolume") => volume(&spec, say),
        ("", "Pod") => pod(&spec, say),
        ("", "ResourceQuota") => quota(&spec.get("scopes"), say),
        ("", "Service") => service(&spec, say),
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => fixed(&spec, &["selector"], say),
        ("apps", "StatefulSet") => stateful_set(&spec, say),
        ("apps", "ControllerRevision") => fixed(change, &["data"], say),
        ("batch", "Job") => job(object, &spec, say),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => role(&change.get("roleRef"), say),
        ("scheduling.k8s.io", "PriorityClass") => fixed(change, &["value", "preemptionPolicy"], say),
        ("networking.k8s.io", "IngressClass") => fixed(&spec, &["controller"], say),
        ("node.k8s.io", "RuntimeClass") => fixed(change, &["handler"], say),
        ("storage.k8s.io", "StorageClass") => {
            fixed(change, &["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"], say);
        }
        ("storage.k8s.io", "VolumeAttributesClass") => fixed(change, &["driverName", "parameters"], say),
        ("storage.k8s.io", "CSIDriver") => fixed(&spec, &["attachRequired", "volumeLifecycleModes"], say),
        ("discovery.k8s.io", "EndpointSlice") => fixed(change, &["addressType"], say),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            fixed(&spec, &["group", "scope"], say);
            fixed(&spec.get("names"), &["kind", "plural"], say);
            stored_versions(change, &spec.get("versions"), say);
        }
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate")
        | ("certificates.k8s.io", "CertificateSigningRequest") => whole(&spec, say),
        _ => {}
    }
}

/// Versions in which objects may be stored stay served or not, but stay. A manifest shows only the last of them, its status all.
fn stored_versions(change: &Change<'_, '_>, versions: &Change<'_, '_>, say: Say<'_>) {
    let is_storage = |version: &&Node| version["storage"].as_bool() == Some(true);
    let last = versions.old.node.items().iter().filter(is_storage).map(|version| version["name"].text());
    let known = &change.old.node["status"]["storedVersions"];
    let mut stored: Vec<&str> = known.items().iter().map(Node::text).collect();
    for name in last {
        if !stored.contains(&name) {
            stored.push(name);
        }
    }
    for (index, name) in stored.into_iter().enumerate() {
        if versions.new.node.items().iter().all(|version| version["name"].text() != name) {
            let message = format!("`{name}` is missing from `spec.versions`: it was a storage version");
            let help =
                "keep it with `served: false` until all objects are migrated and `status.storedVersions` lacks it";
            let mut refusal = versions.refusal(message, help);
            refusal.field = format!("status.storedVersions[{index}]");
            say(refusal);
        }
    }
}

/// Fields that must stay what they are.
fn fixed(change: &Change<'_, '_>, fields: &[&'static str], say: Say<'_>) {
    for field in fields {
        let change = change.get(field);
        if change.old.node != change.new.node {
            say(change.refusal(format!("`{}` cannot be changed", change.new), ANEW));
        }
    }
}

/// A struct that must stay what it is, refused as a whole.
fn whole(change: &Change<'_, '_>, say: Say<'_>) {
    if change.old.node != change.new.node {
        say(change.refusal(format!("`{}` cannot be changed", change.new), ANEW));
    }
}

/// Data that must stay what it is once the object is immutable, and the mark itself.
fn frozen(change: &Change<'_, '_>, fields: &[&'static str], say: Say<'_>) {
    let mark = change.get("immutable");
    if !mark.old.is_true() {
        return;
    }
    let help = "rename the changed object, and update the references to it";
    if !mark.new.is_true() {
        say(mark.refusal("an immutable object stays immutable", help));
    }
    for field in fields {
        let change = change.get(field);
        if change.old.node != change.new.node {
            say(change.refusal(format!("`{field}` of an immutable object cannot be changed"), help));
        }
    }
}

fn secret(change: &Change<'_, '_>, say: Say<'_>) {
    let kind = change.get("type");
    let (old, new) = (kind.old.text(), kind.new.text());
    if old != new {
        say(kind.refusal(format!("the type of a Secret cannot be changed from `{old}` to `{new}`"), ANEW));
    }
    frozen(change, &["data"], say);
}

/// A mapping without some of its keys.
fn without(node: &Node, keys: &[&str]) -> Node {
    let mut rest = Mapping::new();
    for entry in node.entries().iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
        rest.push(entry.key.clone(), entry.key_span, entry.value.clone());
    }
    Node { value: Value::Mapping(rest), origin: node.origin.clone() }
}

/// A struct of which only some fields may change; the server names the struct, we also the field.
fn only(change: &Change<'_, '_>, free: &[&str], what: &str, say: Say<'_>) {
    let (old, new) = (without(change.old.node, free), without(change.new.node, free));
    let keys = old.entries().iter().chain(new.entries().iter().filter(|entry| old.get(&entry.key).is_none()));
    for entry in keys {
        let (before, after) = (&old[entry.key.as_str()], &new[entry.key.as_str()]);
        if before != after {
            let message = format!("`{}.{}` of {what} cannot be changed", change.new, entry.key);
            let mut refusal = change.refusal(message, ANEW);
            let place = change.new.node[entry.key.as_str()].origin.span;
            if !place.is_none() {
                refusal.span = place;
            }
            refusal.old_span = before.origin.span;
            say(refusal);
        }
    }
}

fn stateful_set(spec: &Change<'_, '_>, say: Say<'_>) {
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
    only(spec, &free, "a StatefulSet", say);
    let claims = spec.get("volumeClaimTemplates");
    if claims.old.node != claims.new.node {
        let mut refusal = claims.refusal("`spec.volumeClaimTemplates` of a StatefulSet cannot be changed", ANEW);
        refusal.field = "spec".to_owned();
        say(refusal);
    }
}
fn job(object: &Object, spec: &Change<'_, '_>, say: Say<'_>) {
    generated_labels(object, &spec.get("template").get("metadata"), say);
    fixed(spec, &["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"], say);
    completions(spec, say);
    let selected = spec.get("selector");
    let generated = |node: &Node| node.is_null() || selector::is_empty(node);
    let both = generated(selected.old.node) && generated(selected.new.node);
    if !both && selected.old.node != selected.new.node {
        say(selected.refusal("the selector of a Job cannot be changed", ANEW));
    }
    let template = spec.get("template");
    let fits = if spec.get("suspend").old.is_true() {
        unscheduled(template.old.node) == unscheduled(template.new.node)
    } else {
        template.old.node == template.new.node
    };
    if !fits {
        let help = "a Job runs once: give the changed one another name";
        let mut refusal = template.refusal("the pod template of a Job cannot be changed", help);
        if let Some((old, new)) = first_difference(template.old.node, template.new.node) {
            refusal.old_span = old;
            refusal.span = if new.is_none() { refusal.span } else { new };
        }
        say(refusal);
    }
}

/// A Job's controller finds its pods by labels that the server put beside those of the template: they go with the mapping.
fn generated_labels(object: &Object, metadata: &Change<'_, '_>, say: Say<'_>) {
    let given = object.pod_template().map(|template| &template["metadata"]);
    // A null takes the mapping away as well.
    let stays = given.is_some_and(|metadata| metadata.get("labels").is_some());
    if !metadata.old.node["labels"].entries().is_empty() && !stays {
        let message = "the labels that the API server added to the pods of a Job would be removed with the others";
        say(metadata.get("labels").refusal(message, "leave the labels of the pod template as they are"));
    }
}

/// How many pods must succeed changes only in an indexed Job, together with how many run at once.
fn completions(spec: &Change<'_, '_>, say: Say<'_>) {
    let (all, at_once, mode) = (spec.get("completions"), spec.get("parallelism"), spec.get("completionMode"));
    let (old, new) = (all.old.number(), all.new.number());
    let together = mode.new.text() == "Indexed" && new.is_some() && new == at_once.new.number();
    if old != new && !together {
        say(all.refusal("the completions of a Job cannot be changed", ANEW));
    }
}

/// A pod template without what a suspended Job may change.
fn unscheduled(template: &Node) -> Node {
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

/// The places of the first difference of two trees.
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

fn claim(spec: &Change<'_, '_>, say: Say<'_>) {
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    let amount = |node: &Node| Quantity::of(&node["storage"]);
    // A bound claim may grow where its class allows it, so growth is not refused as such.
    let grown = matches!((amount(requests.old.node), amount(requests.new.node)), (Some(old), Some(new)) if new > old);
    let mut free = vec!["volumeAttributesClassName"];
    for field in ["storageClassName", "volumeName"] {
        if spec.old.node[field].text().is_empty() {
            free.push(field);
        }
    }
    // Both name the same source; the server fills in the one that is absent.
    if spec.old.node["dataSource"].is_set() != spec.old.node["dataSourceRef"].is_set() {
        free.extend(["dataSource", "dataSourceRef"]);
    }
    if grown {
        free.push("resources");
        let bare = |node: &Node| without(&node["requests"], &["storage"]);
        let (old, new) = (resources.old.node, resources.new.node);
        if bare(old) != bare(new) || old["limits"] != new["limits"] {
            say(resources.refusal("only the requested storage of a claim can be increased", ANEW));
        }
    }
    only(spec, &free, "a claim", &mut |mut refusal| {
        refusal.field = "spec".to_owned();
        say(refusal);
    });
}

/// A volume's source, and the rules for where it is.
fn volume(spec: &Change<'_, '_>, say: Say<'_>) {
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
    only(spec, FREE, "a volume", &mut |mut refusal| {
        refusal.field = "spec.persistentvolumesource".to_owned();
        say(refusal);
    });
    fixed(spec, &["volumeMode"], say);
    let affinity = spec.get("nodeAffinity");
    if affinity.old.is_set() && affinity.old.node != affinity.new.node {
        say(affinity.refusal("the node affinity of a volume cannot be changed", ANEW));
    }
}

/// Of a Pod only images, tolerations that are added, and two times may change.
fn pod(spec: &Change<'_, '_>, say: Say<'_>) {
    let help = "delete and re-create the Pod";
    let lists = ["initContainers", "containers"];
    let mut counted = false;
    for list in lists {
        let change = spec.get(list);
        if change.old.node.items().len() != change.new.node.items().len() {
            counted = true;
            say(change.refusal("containers of a Pod cannot be added or removed", help));
        }
    }
    let gates = |node: &Node| node["schedulingGates"].items().to_vec();
    let (held, holds) = (gates(spec.old.node), gates(spec.new.node));
    let mut free = vec!["tolerations", "activeDeadlineSeconds", "ephemeralContainers", "terminationGracePeriodSeconds"];
    // Gates can be taken away; while there are some, it can be said more closely where the pod is to run.
    if holds.iter().all(|gate| held.contains(gate)) {
        free.push("schedulingGates");
    }
    if !held.is_empty() {
        free.push("affinity");
        let selected = &spec.new.node["nodeSelector"];
        if spec.old.node["nodeSelector"].entries().iter().all(|entry| selected.get(&entry.key) == Some(&entry.value)) {
            free.push("nodeSelector");
        }
    }
    let images = |node: &Node| -> Node {
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
    let (old, new) = (images(spec.old.node), images(spec.new.node));
    // How long something is tolerated may change.
    let tolerations = |node: &Node| -> Vec<Node> {
        node["tolerations"].items().iter().map(|toleration| without(toleration, &["tolerationSeconds"])).collect()
    };
    let (tolerated, tolerates) = (tolerations(spec.old.node), tolerations(spec.new.node));
    let tolerated = tolerated.iter().all(|toleration| tolerates.contains(toleration));
    if counted || (old == new && tolerated) {
        return;
    }
    let mut refusal = spec.refusal("only the images of a Pod can be changed, and tolerations added", help);
    if let Some((old, new)) = first_difference(&old, &new) {
        refusal.old_span = old;
        refusal.span = if new.is_none() { refusal.span } else { new };
    }
    say(refusal);
}

/// The scopes of a quota, in any order.
fn quota(scopes: &Change<'_, '_>, say: Say<'_>) {
    let (old, new) = (scopes.old.node.items(), scopes.new.node.items());
    let within = |some: &[Node], all: &[Node]| some.iter().all(|scope| all.contains(scope));
    if !within(old, new) || !within(new, old) {
        say(scopes.refusal("the scopes of a quota cannot be changed", ANEW));
    }
}

fn role(role: &Change<'_, '_>, say: Say<'_>) {
    let parts = |node: &Node| ["kind", "name"].map(|part| node[part].text().to_owned());
    if parts(role.old.node) != parts(role.new.node) {
        say(role.refusal("the role of a binding cannot be changed", ANEW));
    }
}

fn service(spec: &Change<'_, '_>, say: Say<'_>) {
    let kind = spec.get("type");
    let external = |text: &str| text == "ExternalName";
    if !external(kind.old.text()) && !external(kind.new.text()) {
        let (address, addresses) = (spec.get("clusterIP"), spec.get("clusterIPs"));
        let first = |node: &Node, list: &Node| {
            if node.text().is_empty() { list[0].text().to_owned() } else { node.text().to_owned() }
        };
        let old = first(address.old.node, addresses.old.node);
        let new = first(address.new.node, addresses.new.node);
        // An address the new object does not name stays; one the old did not name was given by the server.
        if !new.is_empty() && new != old {
            let mut refusal = address.refusal("the address of a Service cannot be changed", ANEW);
            refusal.field = "spec.clusterIPs[0]".to_owned();
            say(refusal);
        }
        let families = spec.get("ipFamilies");
        let (old, new) = (&families.old.node[0], &families.new.node[0]);
        if old.is_set() && new.is_set() && old.text() != new.text() {
            let mut refusal = families.refusal("the first address family of a Service cannot be changed", ANEW);
            refusal.field = "spec.ipFamilies[0]".to_owned();
            say(refusal);
        }
    }
    let balanced = |text: &str| text == "LoadBalancer";
    if balanced(kind.old.text()) && balanced(kind.new.text()) {
        fixed(spec, &["loadBalancerClass"], say);
        let (port, policy) = (spec.get("healthCheckNodePort"), spec.get("externalTrafficPolicy"));
        let local = policy.old.text() == "Local" && policy.new.text() == "Local";
        let given = port.new.number().unwrap_or(0);
        if local && given != 0 && port.old.number() != Some(given) {
            say(port.refusal("the health check port of a Service cannot be changed", ANEW));
        }
    }
}
