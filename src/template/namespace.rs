//! `$namespace`: sets the namespace of objects from manifests.

use crate::kube::crd::CustomKinds;
use crate::kube::{Kind, KubernetesVersion, Scope};
use crate::node::{Node, Value};

/// Copies the objects and sets the namespace of those that are namespaced. References to them by the old namespace
/// (subjects of bindings, Services of webhooks and APIServices) are updated.
pub(super) fn set_namespace(objects: &[Node], namespace: &Node) -> Vec<Node> {
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
        update_references(object, &is_moved, namespace);
    }
    moved
}

/// Whether an object is namespaced. For a custom resource without its definition: whether it has a namespace.
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

/// Updates the fields that refer to a moved object by namespace and name.
fn update_references(node: &mut Node, is_moved: &dyn Fn(&str, &str, &str) -> bool, namespace: &Node) {
    match node["kind"].text() {
        "RoleBinding" | "ClusterRoleBinding" => {
            if let Some(Value::Sequence(subjects)) = node.get_mut("subjects").map(|subjects| &mut subjects.value) {
                for subject in subjects.make_mut() {
                    update_reference(subject, "ServiceAccount", is_moved, namespace);
                }
            }
        }
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            if let Some(Value::Sequence(webhooks)) = node.get_mut("webhooks").map(|webhooks| &mut webhooks.value) {
                for webhook in webhooks.make_mut() {
                    update_service_reference(webhook, &["clientConfig", "service"], is_moved, namespace);
                }
            }
        }
        "APIService" => update_service_reference(node, &["spec", "service"], is_moved, namespace),
        "CustomResourceDefinition" => {
            update_service_reference(
                node,
                &["spec", "conversion", "webhook", "clientConfig", "service"],
                is_moved,
                namespace,
            );
        }
        _ => {}
    }
}

fn update_service_reference(
    node: &mut Node,
    path: &[&str],
    is_moved: &dyn Fn(&str, &str, &str) -> bool,
    namespace: &Node,
) {
    match path {
        [] => update_reference(node, "Service", is_moved, namespace),
        [key, rest @ ..] => {
            if let Some(child) = node.get_mut(key) {
                update_service_reference(child, rest, is_moved, namespace);
            }
        }
    }
}

fn update_reference(reference: &mut Node, kind: &str, is_moved: &dyn Fn(&str, &str, &str) -> bool, namespace: &Node) {
    let named = reference["kind"].is_null() || reference["kind"].text() == kind;
    if named
        && is_moved(kind, reference["name"].text(), reference["namespace"].text())
        && let Value::Mapping(mapping) = &mut reference.value
    {
        mapping.set("namespace", namespace.clone());
    }
}
