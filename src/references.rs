//! Which fields name other objects: one table, for giving objects new names and for looking them up.

use std::sync::LazyLock;

use ecow::EcoString;

use crate::node::{Node, Value};
use crate::object::{self, Object};

/// Who has the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'k> {
    /// Every pod and pod template; the path starts at its `spec`.
    Pod,
    /// Every container of a pod, whichever list it stands in.
    Container,
    /// Objects of one kind.
    Kind(&'k str),
}

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
    /// The API server calls it: a webhook, or an API of its own.
    Webhook,
}

/// What a field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// An object of this kind.
    Named(&'static str),
    /// An object of the kind that stands beside the name, under this key.
    Beside(&'static str),
}

/// A field that names another object, and how that is needed; `None` where clusters often bring their own, so that
/// nothing can be said of one that is missing. `[]` goes through a list.
struct Row(Holder<'static>, &'static str, Target, Option<Relation>);

use Holder::{Container, Kind, Pod};
use Relation::{
    Account, Backend, Env, EnvFrom, Governing, ImagePull, Priority, Role, Runtime, Scale, Subject, Tls, Volume, Webhook,
};
use Target::{Beside, Named};

/// All fields that name an object in the same namespace, in that beside the name, or one that is cluster-wide.
/// (Kubernetes API reference 1.36: the `…Ref`, `…Name` and `…Source` types of these kinds.)
const ROWS: &[Row] = &[
    Row(Container, "env[].valueFrom.configMapKeyRef.name", Named("ConfigMap"), Some(Env)),
    Row(Container, "env[].valueFrom.secretKeyRef.name", Named("Secret"), Some(Env)),
    Row(Container, "envFrom[].configMapRef.name", Named("ConfigMap"), Some(EnvFrom)),
    Row(Container, "envFrom[].secretRef.name", Named("Secret"), Some(EnvFrom)),
    Row(Pod, "imagePullSecrets[].name", Named("Secret"), Some(ImagePull)),
    Row(Pod, "priorityClassName", Named("PriorityClass"), Some(Priority)),
    Row(Pod, "runtimeClassName", Named("RuntimeClass"), Some(Runtime)),
    Row(Pod, "serviceAccount", Named("ServiceAccount"), Some(Account)),
    Row(Pod, "serviceAccountName", Named("ServiceAccount"), Some(Account)),
    Row(Pod, "volumes[].configMap.name", Named("ConfigMap"), Some(Volume)),
    Row(Pod, "volumes[].csi.nodePublishSecretRef.name", Named("Secret"), None),
    Row(Pod, "volumes[].persistentVolumeClaim.claimName", Named("PersistentVolumeClaim"), Some(Volume)),
    Row(Pod, "volumes[].projected.sources[].configMap.name", Named("ConfigMap"), Some(Volume)),
    Row(Pod, "volumes[].projected.sources[].secret.name", Named("Secret"), Some(Volume)),
    Row(Pod, "volumes[].secret.secretName", Named("Secret"), Some(Volume)),
    Row(Kind("APIService"), "spec.service.name", Named("Service"), Some(Webhook)),
    Row(Kind("ClusterRoleBinding"), "roleRef.name", Beside("kind"), Some(Role)),
    Row(Kind("ClusterRoleBinding"), "subjects[].name", Beside("kind"), Some(Subject)),
    Row(
        Kind("CustomResourceDefinition"),
        "spec.conversion.webhook.clientConfig.service.name",
        Named("Service"),
        Some(Webhook),
    ),
    Row(Kind("HorizontalPodAutoscaler"), "spec.scaleTargetRef.name", Beside("kind"), Some(Scale)),
    Row(Kind("Ingress"), "spec.defaultBackend.service.name", Named("Service"), Some(Backend)),
    Row(Kind("Ingress"), "spec.ingressClassName", Named("IngressClass"), None),
    Row(Kind("Ingress"), "spec.rules[].http.paths[].backend.service.name", Named("Service"), Some(Backend)),
    Row(Kind("Ingress"), "spec.tls[].secretName", Named("Secret"), Some(Tls)),
    Row(Kind("MutatingWebhookConfiguration"), "webhooks[].clientConfig.service.name", Named("Service"), Some(Webhook)),
    Row(Kind("PersistentVolumeClaim"), "spec.storageClassName", Named("StorageClass"), None),
    Row(Kind("PersistentVolumeClaim"), "spec.volumeName", Named("PersistentVolume"), None),
    Row(Kind("RoleBinding"), "roleRef.name", Beside("kind"), Some(Role)),
    Row(Kind("RoleBinding"), "subjects[].name", Beside("kind"), Some(Subject)),
    Row(Kind("ServiceAccount"), "imagePullSecrets[].name", Named("Secret"), Some(ImagePull)),
    Row(Kind("ServiceAccount"), "secrets[].name", Named("Secret"), None),
    Row(Kind("StatefulSet"), "spec.serviceName", Named("Service"), Some(Governing)),
    Row(Kind("StatefulSet"), "spec.volumeClaimTemplates[].spec.storageClassName", Named("StorageClass"), None),
    Row(
        Kind("ValidatingWebhookConfiguration"),
        "webhooks[].clientConfig.service.name",
        Named("Service"),
        Some(Webhook),
    ),
];

/// The lists of a pod spec that hold containers.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// A row with its path taken apart.
struct Steps {
    holder: Holder<'static>,
    steps: Vec<&'static str>,
    target: Target,
    relation: Option<Relation>,
}

static STEPS: LazyLock<Vec<Steps>> = LazyLock::new(|| {
    let taken_apart = |Row(holder, path, target, relation): &Row| Steps {
        holder: *holder,
        steps: path.split('.').collect(),
        target: *target,
        relation: *relation,
    };
    ROWS.iter().map(taken_apart).collect()
});

fn rows(holder: Holder<'_>) -> impl Iterator<Item = &'static Steps> {
    STEPS.iter().filter(move |row| row.holder == holder)
}

/// A name of another object.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    /// How the other is needed; `None` where clusters often bring it.
    pub relation: Option<Relation>,
    /// The kind that is named.
    pub kind: &'a str,
    /// The name, which is a text.
    pub node: &'a Node,
    /// The mapping it stands in: what else is said of the other stands there.
    pub beside: &'a Node,
}

/// Finds the names of other objects in an object of a kind, in the `spec` of a pod or in a container of it.
pub fn names<'a>(node: &'a Node, holder: Holder<'_>, found: &mut dyn FnMut(Name<'a>)) {
    rows(holder).for_each(|row| row.walk(node, &row.steps, found));
}

impl Steps {
    fn walk<'a>(&self, node: &'a Node, steps: &[&str], found: &mut dyn FnMut(Name<'a>)) {
        let Some((step, rest)) = steps.split_first() else { return };
        if let Some(list) = step.strip_suffix("[]") {
            return node[list].items().iter().for_each(|item| self.walk(item, rest, found));
        }
        let Some(below) = node.get(step) else { return };
        if !rest.is_empty() {
            self.walk(below, rest, found);
        } else if below.as_str().is_some() {
            found(Name { relation: self.relation, kind: self.target.kind(node), node: below, beside: node });
        }
    }

    fn walk_mut(&self, node: &mut Node, steps: &[&str], change: &mut dyn FnMut(&str, &mut EcoString)) {
        let Some((step, rest)) = steps.split_first() else { return };
        let (step, is_list) = step.strip_suffix("[]").map_or((*step, false), |list| (list, true));
        let kind = if rest.is_empty() { EcoString::from(self.target.kind(node)) } else { EcoString::new() };
        let Some(below) = node.get_mut(step) else { return };
        match &mut below.value {
            Value::String(name) if rest.is_empty() => change(&kind, name),
            Value::Sequence(items) if is_list => {
                items.make_mut().iter_mut().for_each(|item| self.walk_mut(item, rest, change));
            }
            _ if !is_list => self.walk_mut(below, rest, change),
            _ => {}
        }
    }

    /// What it does not lead to is not changed, so that it stays shared with its copies.
    fn change(&self, node: &mut Node, change: &mut dyn FnMut(&str, &mut EcoString)) {
        let mut leads = false;
        self.walk(node, &self.steps, &mut |_| leads = true);
        if leads {
            self.walk_mut(node, &self.steps, change);
        }
    }
}

impl Target {
    /// The kind that a name stands for which stands in `beside`.
    fn kind(self, beside: &Node) -> &str {
        match self {
            Self::Named(kind) => kind,
            Self::Beside(key) => beside[key].text(),
        }
    }
}

/// Finds the names of other objects in a whole object, its pods' included.
pub fn all_names<'a>(object: &'a Object, found: &mut dyn FnMut(Name<'a>)) {
    names(&object.node, Kind(object.kind()), found);
    let Some(spec) = object.pod_spec() else { return };
    names(spec, Pod, found);
    object::containers(spec).for_each(|container| names(container.node, Container, found));
}

/// Visits what [`all_names`] finds: the kind that is named, and the name, which may be changed.
pub fn change_names(object: &mut Object, change: &mut dyn FnMut(&str, &mut EcoString)) {
    rows(Kind(&object.id.kind)).for_each(|row| row.change(&mut object.node, change));
    let Some(path) = object.pod_place().map(|place| place.keys) else { return };
    let mut way = path.iter().chain(&["spec"]);
    let Some(spec) = way.try_fold(&mut object.node, |node, step| node.get_mut(step)) else { return };
    rows(Pod).for_each(|row| row.change(spec, change));
    for list in CONTAINERS {
        if let Some(Value::Sequence(containers)) = spec.get_mut(list).map(|list| &mut list.value) {
            for container in containers.make_mut() {
                rows(Container).for_each(|row| row.change(container, change));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    #[test]
    fn every_row_is_reached() {
        // One object of each kind, with each field of the table.
        for Row(holder, path, target, _) in ROWS {
            let kind = match holder {
                Kind(kind) => kind,
                _ => "CronJob",
            };
            let mut field = "name-here".to_owned();
            for (at, step) in path.split('.').rev().enumerate() {
                let beside = if at == 0 && *target == Beside("kind") { ", kind: Thing" } else { "" };
                field = match step.strip_suffix("[]") {
                    Some(list) => format!("{{{list}: [{field}]}}"),
                    None => format!("{{{step}: {field}{beside}}}"),
                };
            }
            let text = match holder {
                Kind(_) => format!("{}, kind: {kind}}}", field.strip_suffix('}').unwrap()),
                Pod => format!(
                    "{{apiVersion: batch/v1, kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {field}}}}}}}}}}}"
                ),
                Container => format!(
                    "{{apiVersion: batch/v1, kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {{initContainers: [{field}]}}}}}}}}}}}}"
                ),
            };
            let sources = Sources::new();
            let file = sources.add("x.yaml", text.as_str());
            let loaded = load(&sources, file, Dialect::Strict);
            assert_eq!(loaded.findings, [], "{text}");
            let (mut found, mut seen) = (Vec::new(), Vec::new());
            let mut object = Object::new(loaded.documents[0].clone());
            all_names(&object, &mut |name| found.push((name.kind.to_owned(), EcoString::from(name.node.text()))));
            change_names(&mut object, &mut |kind, name| seen.push((kind.to_owned(), name.clone())));
            assert_eq!(found, seen, "{text}");
            let named = match target {
                Named(kind) => *kind,
                Beside(_) => "Thing",
            };
            assert_eq!(seen, [(named.to_owned(), EcoString::from("name-here"))], "{text}");
        }
    }
}
