//! References to other objects by name.

use crate::graph::Graph;
use crate::graph::pod::{Container, MountSource};
use crate::node::Node;
use crate::object::{Object, containers};
use crate::project::OwnReference;
use crate::references::{Holder, KINDS, ReferencedName, Relation, names, own_names};

/// A reference to another object.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// The object with the reference.
    pub from: &'a Object,
    /// The node with the name.
    pub node: &'a Node,
    /// How the referenced object is used.
    pub relation: Relation,
    /// The referenced kind.
    pub kind: &'static str,
    /// The referenced namespace.
    pub namespace: &'a str,
    /// The referenced name.
    pub name: &'a str,
    /// The node with the referenced key, if the reference is to a key.
    pub key: Option<&'a Node>,
    /// Whether the reference is optional.
    pub optional: bool,
    /// The referenced object, if it is among the manifests.
    pub found: Option<&'a Object>,
}

impl<'a> Graph<'a> {
    pub(super) fn add_references(&mut self, own: &'a [OwnReference]) {
        let mut references = Vec::new();
        for pod in &self.pods {
            names(pod.spec, Holder::Pod, &mut |name| self.add_named(pod.object, name, &mut references));
            for container in &pod.containers {
                let mut add = |name| self.add_named(pod.object, name, &mut references);
                names(container.node, Holder::Container, &mut add);
                self.add_sub_paths(pod.object, container, &mut references);
            }
        }
        for object in self.objects {
            let mut add = |name| self.add_named(object, name, &mut references);
            names(&object.node, Holder::Kind(object.kind(), object.group()), &mut add);
            own_names(object, own, &mut add);
            for template in object.pod_templates().into_iter().filter(|template| template.partial) {
                names(template.spec, Holder::Pod, &mut add);
                containers(template.spec).for_each(|container| names(container.node, Holder::Container, &mut add));
            }
        }
        for reference in &references {
            if let Some(index) = reference.found.and_then(|found| self.index_of(found)) {
                self.used.insert(index);
            }
        }
        self.references = references;
    }

    /// Adds the reference of a field, or one for each referenced key.
    fn add_named(&self, from: &'a Object, named: ReferencedName<'a>, references: &mut Vec<Reference<'a>>) {
        let ReferencedName { node, beside, name, .. } = named;
        let Some(relation) = named.relation else { return };
        let Some((kind, _)) = KINDS.iter().find(|(kind, _)| *kind == named.kind) else { return };
        // `serviceAccount` is only used if `serviceAccountName` is not set.
        let account = &beside["serviceAccountName"];
        let is_hidden = relation == Relation::Account && account.is_set() && !std::ptr::eq(account, node);
        if is_hidden || name.is_empty() {
            return;
        }
        let namespace = named.namespace.unwrap_or(from.namespace());
        let reference = Reference {
            from,
            node,
            relation,
            kind,
            namespace,
            name,
            key: None,
            optional: beside["optional"].as_bool() == Some(true),
            found: self.find_from(from, kind, namespace, name),
        };
        let mut add = |key| references.push(Reference { key, ..reference });
        match relation {
            Relation::Volume if !beside["items"].items().is_empty() => {
                beside["items"].items().iter().for_each(|item| add(Some(&item["key"])));
            }
            Relation::Env => add(Some(&beside["key"]).filter(|key| key.is_set())),
            Relation::Webhook => add(Some(&beside["port"]).filter(|port| port.is_set())),
            Relation::Backend => {
                let port = &beside["port"];
                let mut written = [&port["name"], &port["number"], port].into_iter();
                add(written.find(|port| port.as_i64().is_some() || port.as_str().is_some()));
            }
            _ => add(None),
        }
    }

    /// A mount with `subPath` refers to a key.
    fn add_sub_paths(&self, from: &'a Object, container: &Container<'a>, references: &mut Vec<Reference<'a>>) {
        for mount in container.mounts.iter().filter(|mount| !mount.sub_path.is_empty()) {
            if let MountSource::Files(_, parts) = &mount.source
                && let [part] = parts.as_slice()
                && part.items.items().is_empty()
                && !mount.sub_path.contains(['/', '$'])
                && !part.name.text().is_empty()
            {
                references.push(Reference {
                    from,
                    node: part.name,
                    relation: Relation::Volume,
                    kind: part.kind,
                    namespace: from.namespace(),
                    name: part.name.text(),
                    key: Some(&mount.node["subPath"]),
                    optional: part.optional,
                    found: self.find_from(from, part.kind, from.namespace(), part.name.text()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Services;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    /// The kinds, names and keys of the references in a YAML stream.
    fn references(text: &str) -> Vec<String> {
        let objects: Vec<Object> =
            load_text(text, FileId(0), Dialect::Kubectl).documents.into_iter().map(Object::new).collect();
        let services = Services::default();
        let graph = Graph::build(&objects, &services, &[], &[]);
        let format =
            |found: &Reference<'_>| format!("{}/{} {}", found.kind, found.name, found.key.map_or("", Node::text));
        graph.references.iter().map(format).collect()
    }

    #[test]
    fn the_deprecated_service_account_field_is_used_if_the_new_one_is_not_set() {
        let pod = |fields: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{{fields}}}\n");
        assert_eq!(references(&pod("serviceAccount: old")), ["ServiceAccount/old "]);
        assert_eq!(references(&pod("serviceAccount: old, serviceAccountName: new")), ["ServiceAccount/new "]);
        assert_eq!(references(&pod("serviceAccountName: ''")), [""; 0]);
    }

    #[test]
    fn each_referenced_key_is_a_reference() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    \
                    envFrom: [{secretRef: {name: all}}]\n    \
                    env: [{name: A, valueFrom: {configMapKeyRef: {name: env, key: k}}}]\n    \
                    volumeMounts: [{name: whole, mountPath: /x, subPath: file}]\n  volumes:\n  \
                    - {name: some, secret: {secretName: s, items: [{key: a, path: a}, {key: b, path: b}]}}\n  \
                    - {name: whole, configMap: {name: m}}\n  - {name: d, csi: {driver: x, nodePublishSecretRef: {name: s}}}\n";
        let expected =
            ["ConfigMap/m ", "Secret/s a", "Secret/s b", "ConfigMap/env k", "Secret/all ", "ConfigMap/m file"];
        assert_eq!(references(text), expected);
    }

    #[test]
    fn subjects_have_namespaces_and_users_are_not_references() {
        let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a, namespace: n}\n\
                    roleRef: {kind: Role, name: r}\n\
                    subjects: [{kind: User, name: u}, {kind: ServiceAccount, name: s, namespace: other}]\n";
        assert_eq!(references(text), ["Role/r ", "ServiceAccount/s "]);
    }
}
