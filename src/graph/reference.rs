//! Names of other objects: who needs whom.

use crate::graph::pod::{Container, MountSource};
use crate::graph::{Graph, kind_of};
use crate::node::Node;
use crate::object::Object;

/// How one object needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// A volume is made of it.
    Volume,
    /// A variable is read from it.
    Env,
    /// All variables are read from it.
    EnvFrom,
    /// The image is pulled with it.
    ImagePull,
    /// The pod runs as it.
    Account,
    /// The pod has its priority.
    Priority,
    /// The pod runs by it.
    Runtime,
    /// Traffic goes to it.
    Backend,
    /// Traffic is encrypted with it.
    Tls,
    /// It is scaled.
    Scale,
    /// It gives the pods their names.
    Governing,
    /// It is bound.
    Role,
    /// It is bound to.
    Subject,
}

/// A name of another object.
#[derive(Debug)]
pub struct Reference<'a> {
    /// The object that names it.
    pub from: &'a Object,
    /// Where the name stands.
    pub node: &'a Node,
    /// How it is needed.
    pub relation: Relation,
    /// The kind that is named.
    pub kind: &'static str,
    /// The namespace it is looked for in.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// Where the key stands that is needed of it.
    pub key: Option<&'a Node>,
    /// Whether it may be missing.
    pub optional: bool,
    /// The object, if it is among the manifests.
    pub found: Option<&'a Object>,
}

/// What is named, before it is looked up.
struct Wanted<'a> {
    relation: Relation,
    kind: &'static str,
    node: &'a Node,
    key: Option<&'a Node>,
    optional: bool,
}

impl<'a> Graph<'a> {
    pub(super) fn add_references(&mut self) {
        let mut references = Vec::new();
        for pod in &self.pods {
            let mut add =
                |wanted: Wanted<'a>| references.extend(self.reference(pod.object, pod.object.namespace(), wanted));
            pod_references(pod.spec, &mut add);
            for container in &pod.containers {
                container_references(container, &mut add);
            }
        }
        for object in self.objects {
            self.object_references(object, &mut references);
        }
        for reference in &references {
            if let Some(index) = reference.found.and_then(|found| self.number(found)) {
                self.used.insert(index);
            }
        }
        self.references = references;
    }

    fn reference(&self, from: &'a Object, namespace: &'a str, wanted: Wanted<'a>) -> Option<Reference<'a>> {
        let name = wanted.node.as_str().filter(|name| !name.is_empty())?;
        Some(Reference {
            from,
            node: wanted.node,
            relation: wanted.relation,
            kind: wanted.kind,
            namespace,
            name,
            key: wanted.key,
            optional: wanted.optional,
            found: self.find(wanted.kind, namespace, name),
        })
    }

    fn object_references(&self, object: &'a Object, references: &mut Vec<Reference<'a>>) {
        let node = &object.node;
        let spec = &node["spec"];
        let plain = |relation, kind, node| Wanted { relation, kind, node, key: None, optional: false };
        let mut add =
            |namespace: &'a str, wanted: Wanted<'a>| references.extend(self.reference(object, namespace, wanted));
        match kind_of(object) {
            Some("Ingress") => {
                let paths = spec["rules"].items().iter().flat_map(|rule| rule["http"]["paths"].items());
                for backend in paths.map(|path| &path["backend"]).chain([&spec["defaultBackend"]]) {
                    let mut wanted = plain(Relation::Backend, "Service", &backend["service"]["name"]);
                    let port = &backend["service"]["port"];
                    wanted.key = [&port["name"], &port["number"]].into_iter().find(|port| port.is_set());
                    add(object.namespace(), wanted);
                }
                for tls in spec["tls"].items() {
                    add(object.namespace(), plain(Relation::Tls, "Secret", &tls["secretName"]));
                }
            }
            Some("HorizontalPodAutoscaler") => {
                let target = &spec["scaleTargetRef"];
                let kind = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
                if let Some(kind) = kind.into_iter().find(|kind| *kind == target["kind"].text()) {
                    add(object.namespace(), plain(Relation::Scale, kind, &target["name"]));
                }
            }
            Some("StatefulSet") => {
                add(object.namespace(), plain(Relation::Governing, "Service", &spec["serviceName"]));
            }
            Some("RoleBinding" | "ClusterRoleBinding") => {
                let role = &node["roleRef"];
                if let Some(kind) = ["Role", "ClusterRole"].into_iter().find(|kind| *kind == role["kind"].text()) {
                    add(object.namespace(), plain(Relation::Role, kind, &role["name"]));
                }
                for subject in node["subjects"].items() {
                    if subject["kind"].text() == "ServiceAccount" {
                        let namespace = subject["namespace"].as_str().unwrap_or(object.namespace());
                        add(namespace, plain(Relation::Subject, "ServiceAccount", &subject["name"]));
                    }
                }
            }
            Some("ServiceAccount") => {
                for secret in node["imagePullSecrets"].items() {
                    add(object.namespace(), plain(Relation::ImagePull, "Secret", &secret["name"]));
                }
            }
            _ => {}
        }
    }
}

fn pod_references<'a>(spec: &'a Node, add: &mut impl FnMut(Wanted<'a>)) {
    let plain = |relation, kind, node| Wanted { relation, kind, node, key: None, optional: false };
    let account = &spec["serviceAccountName"];
    let account = if account.is_set() { account } else { &spec["serviceAccount"] };
    add(plain(Relation::Account, "ServiceAccount", account));
    add(plain(Relation::Priority, "PriorityClass", &spec["priorityClassName"]));
    add(plain(Relation::Runtime, "RuntimeClass", &spec["runtimeClassName"]));
    for secret in spec["imagePullSecrets"].items() {
        add(plain(Relation::ImagePull, "Secret", &secret["name"]));
    }
    for volume in spec["volumes"].items() {
        add(plain(Relation::Volume, "PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"]));
        let projected = volume["projected"]["sources"].items().iter();
        let sources = std::iter::once(volume).chain(projected);
        for source in sources {
            for (kind, source, field) in [
                ("ConfigMap", &source["configMap"], "name"),
                ("Secret", &source["secret"], if std::ptr::eq(source, volume) { "secretName" } else { "name" }),
            ] {
                let optional = source["optional"].as_bool() == Some(true);
                let wanted = Wanted { relation: Relation::Volume, kind, node: &source[field], key: None, optional };
                let items = source["items"].items();
                if items.is_empty() {
                    add(wanted);
                }
                for item in items {
                    let node = &source[field];
                    add(Wanted { relation: Relation::Volume, kind, node, key: Some(&item["key"]), optional });
                }
            }
        }
    }
}

fn container_references<'a>(container: &Container<'a>, add: &mut impl FnMut(Wanted<'a>)) {
    for entry in container.node["envFrom"].items() {
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            let source = &entry[field];
            let optional = source["optional"].as_bool() == Some(true);
            add(Wanted { relation: Relation::EnvFrom, kind, node: &source["name"], key: None, optional });
        }
    }
    for entry in container.node["env"].items() {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            let source = &entry["valueFrom"][field];
            let optional = source["optional"].as_bool() == Some(true);
            let key = Some(&source["key"]).filter(|key| key.is_set());
            add(Wanted { relation: Relation::Env, kind, node: &source["name"], key, optional });
        }
    }
    // A subPath needs its very key.
    for mount in container.mounts.iter().filter(|mount| !mount.sub_path.is_empty()) {
        if let MountSource::Files(_, parts) = &mount.source
            && let [part] = parts.as_slice()
            && part.items.items().is_empty()
            && !mount.sub_path.contains(['/', '$'])
        {
            let key = Some(&mount.node["subPath"]);
            add(Wanted { relation: Relation::Volume, kind: part.kind, node: part.name, key, optional: part.optional });
        }
    }
}
