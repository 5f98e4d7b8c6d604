//! The namespace of manifests that are taken as they are.

use crate::kube::crd::CustomKinds;
use crate::kube::{Kind, KubernetesVersion, Scope};
use crate::node::{Node, Value};

/// Copies of the objects, those that live in namespaces in this one; and what names one of them by its old namespace (the
/// subjects of bindings, the Services of webhooks and APIServices) names it there.
pub(super) fn put(objects: &[Node], namespace: &Node) -> Vec<Node> {
    let definitions: Vec<&Node> =
        objects.iter().filter(|node| node["kind"].text() == "CustomResourceDefinition").collect();
    let custom = CustomKinds::new(definitions.iter().copied());
    let is_moved = |kind: &str, name: &str, old: &str| {
        objects.iter().any(|object| {
            let metadata = &object["metadata"];
            object["kind"].text() == kind && metadata["name"].text() == name && metadata["namespace"].text() == old
        })
    };
    let mut moved = objects.to_vec();
    for object in &mut moved {
        if is_namespaced(object, &definitions, &custom)
            && let Some(Value::Mapping(metadata)) = object.get_mut("metadata").map(|metadata| &mut metadata.value)
        {
            metadata.set("namespace", namespace.clone());
        }
        references(object, &is_moved, namespace);
    }
    moved
}

/// Whether objects of its kind live in namespaces. Of a custom kind without its definition the object itself says so.
fn is_namespaced(object: &Node, definitions: &[&Node], custom: &CustomKinds<'_>) -> bool {
    let (api_version, kind) = (object["apiVersion"].text(), object["kind"].text());
    if let Some(found) = KubernetesVersion::all().find_map(|version| Kind::find(api_version, kind, version)) {
        return found.scope == Scope::Namespaced;
    }
    if custom.find(api_version, kind).is_some() {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let definition = definitions.iter().find(|definition| {
            let spec = &definition["spec"];
            spec["group"].text() == group && spec.at(&["names", "kind"]).text() == kind
        });
        return definition.is_some_and(|definition| definition.at(&["spec", "scope"]).text() != "Cluster");
    }
    object.at(&["metadata", "namespace"]).is_set()
}

/// Follows what was moved in the fields that name a namespace beside a name.
fn references(node: &mut Node, is_moved: &dyn Fn(&str, &str, &str) -> bool, namespace: &Node) {
    match node["kind"].text() {
        "RoleBinding" | "ClusterRoleBinding" => {
            if let Some(Value::Sequence(subjects)) = node.get_mut("subjects").map(|subjects| &mut subjects.value) {
                for subject in subjects.make_mut() {
                    follow(subject, "ServiceAccount", is_moved, namespace);
                }
            }
        }
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            if let Some(Value::Sequence(webhooks)) = node.get_mut("webhooks").map(|webhooks| &mut webhooks.value) {
                for webhook in webhooks.make_mut() {
                    service(webhook, &["clientConfig", "service"], is_moved, namespace);
                }
            }
        }
        "APIService" => service(node, &["spec", "service"], is_moved, namespace),
        "CustomResourceDefinition" => {
            service(node, &["spec", "conversion", "webhook", "clientConfig", "service"], is_moved, namespace);
        }
        _ => {}
    }
}

fn service(node: &mut Node, path: &[&str], is_moved: &dyn Fn(&str, &str, &str) -> bool, namespace: &Node) {
    match path {
        [] => follow(node, "Service", is_moved, namespace),
        [key, rest @ ..] => {
            if let Some(child) = node.get_mut(key) {
                service(child, rest, is_moved, namespace);
            }
        }
    }
}

fn follow(reference: &mut Node, kind: &str, is_moved: &dyn Fn(&str, &str, &str) -> bool, namespace: &Node) {
    let named = reference["kind"].is_null() || reference["kind"].text() == kind;
    if named
        && is_moved(kind, reference["name"].text(), reference["namespace"].text())
        && let Value::Mapping(mapping) = &mut reference.value
    {
        mapping.set("namespace", namespace.clone());
    }
}
