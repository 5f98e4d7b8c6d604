//! Which fields name other objects: one table, for giving objects new names and for looking them up.

use std::sync::LazyLock;

use ecow::EcoString;

use crate::node::{Node, Value};

/// Who has the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Every pod and pod template; the path starts at its `spec`.
    Pod,
    /// Every container of a pod, whichever list it stands in.
    Container,
    /// Objects of one kind.
    Kind(&'static str),
}

/// What a field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// An object of this kind.
    Kind(&'static str),
    /// An object of the kind that stands beside the name, under this key.
    Beside(&'static str),
}

/// A field that names another object. `[]` goes through a list.
struct Row(Holder, &'static str, Target);

use Holder::{Container, Kind, Pod};

/// All fields that name an object in the same namespace, or one that is cluster-wide.
/// (Kubernetes API reference 1.36: the `…Ref`, `…Name` and `…Source` types of these kinds.)
const ROWS: &[Row] = &[
    Row(Container, "env[].valueFrom.configMapKeyRef.name", Target::Kind("ConfigMap")),
    Row(Container, "env[].valueFrom.secretKeyRef.name", Target::Kind("Secret")),
    Row(Container, "envFrom[].configMapRef.name", Target::Kind("ConfigMap")),
    Row(Container, "envFrom[].secretRef.name", Target::Kind("Secret")),
    Row(Pod, "imagePullSecrets[].name", Target::Kind("Secret")),
    Row(Pod, "priorityClassName", Target::Kind("PriorityClass")),
    Row(Pod, "runtimeClassName", Target::Kind("RuntimeClass")),
    Row(Pod, "serviceAccountName", Target::Kind("ServiceAccount")),
    Row(Pod, "volumes[].configMap.name", Target::Kind("ConfigMap")),
    Row(Pod, "volumes[].csi.nodePublishSecretRef.name", Target::Kind("Secret")),
    Row(Pod, "volumes[].persistentVolumeClaim.claimName", Target::Kind("PersistentVolumeClaim")),
    Row(Pod, "volumes[].projected.sources[].configMap.name", Target::Kind("ConfigMap")),
    Row(Pod, "volumes[].projected.sources[].secret.name", Target::Kind("Secret")),
    Row(Pod, "volumes[].secret.secretName", Target::Kind("Secret")),
    Row(Kind("ClusterRoleBinding"), "roleRef.name", Target::Beside("kind")),
    Row(Kind("ClusterRoleBinding"), "subjects[].name", Target::Beside("kind")),
    Row(Kind("HorizontalPodAutoscaler"), "spec.scaleTargetRef.name", Target::Beside("kind")),
    Row(Kind("Ingress"), "spec.defaultBackend.service.name", Target::Kind("Service")),
    Row(Kind("Ingress"), "spec.ingressClassName", Target::Kind("IngressClass")),
    Row(Kind("Ingress"), "spec.rules[].http.paths[].backend.service.name", Target::Kind("Service")),
    Row(Kind("Ingress"), "spec.tls[].secretName", Target::Kind("Secret")),
    Row(Kind("PersistentVolumeClaim"), "spec.storageClassName", Target::Kind("StorageClass")),
    Row(Kind("PersistentVolumeClaim"), "spec.volumeName", Target::Kind("PersistentVolume")),
    Row(Kind("RoleBinding"), "roleRef.name", Target::Beside("kind")),
    Row(Kind("RoleBinding"), "subjects[].name", Target::Beside("kind")),
    Row(Kind("ServiceAccount"), "imagePullSecrets[].name", Target::Kind("Secret")),
    Row(Kind("ServiceAccount"), "secrets[].name", Target::Kind("Secret")),
    Row(Kind("StatefulSet"), "spec.serviceName", Target::Kind("Service")),
    Row(Kind("StatefulSet"), "spec.volumeClaimTemplates[].spec.storageClassName", Target::Kind("StorageClass")),
];

/// The lists of a pod spec that hold containers.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Where a workload keeps its pod spec. The key is the kind.
const POD_SPECS: &[(&str, &[&str])] = &[
    ("CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
    ("DaemonSet", &["spec", "template", "spec"]),
    ("Deployment", &["spec", "template", "spec"]),
    ("Job", &["spec", "template", "spec"]),
    ("Pod", &["spec"]),
    ("PodTemplate", &["template", "spec"]),
    ("ReplicaSet", &["spec", "template", "spec"]),
    ("ReplicationController", &["spec", "template", "spec"]),
    ("StatefulSet", &["spec", "template", "spec"]),
];

/// The rows with their paths taken apart.
static STEPS: LazyLock<Vec<(Holder, Vec<&str>, Target)>> = LazyLock::new(|| {
    ROWS.iter().map(|Row(holder, path, target)| (*holder, path.split('.').collect(), *target)).collect()
});

/// Visits each name of another object in an object: the kind that is named, and the name, which may be changed.
pub fn visit(object: &mut Node, visit: &mut dyn FnMut(&str, &mut EcoString)) {
    let kind = EcoString::from(object["kind"].text());
    let mut each = |node: &mut Node, is_holder: &dyn Fn(&Holder) -> bool| {
        for (_, steps, target) in STEPS.iter().filter(|(holder, ..)| is_holder(holder)) {
            if leads(node, steps) {
                descend(node, steps, *target, visit);
            }
        }
    };
    each(object, &|holder| matches!(holder, Kind(known) if *known == kind));
    let Some((_, steps)) = POD_SPECS.iter().find(|(known, _)| *known == kind) else { return };
    let Some(spec) = steps.iter().try_fold(object, |node, step| node.get_mut(step)) else { return };
    each(spec, &|holder| *holder == Pod);
    for list in CONTAINERS {
        if let Some(Value::Sequence(containers)) = spec.get_mut(list).map(|list| &mut list.value) {
            containers.make_mut().iter_mut().for_each(|container| each(container, &|holder| *holder == Container));
        }
    }
}

/// Whether steps lead to a text. What they do not lead to is not changed, so that it stays shared with its copies.
fn leads(node: &Node, steps: &[&str]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return node.as_str().is_some() };
    match step.strip_suffix("[]") {
        None => node.get(step).is_some_and(|below| leads(below, rest)),
        Some(list) => node[list].items().iter().any(|item| leads(item, rest)),
    }
}

fn descend(node: &mut Node, steps: &[&str], target: Target, visit: &mut dyn FnMut(&str, &mut EcoString)) {
    let Some((step, rest)) = steps.split_first() else { return };
    let (step, list) = step.strip_suffix("[]").map_or((*step, false), |step| (step, true));
    let beside: EcoString;
    let kind = match target {
        Target::Kind(kind) => kind,
        Target::Beside(key) => {
            beside = node[key].text().into();
            &beside
        }
    };
    let Some(below) = node.get_mut(step) else { return };
    match &mut below.value {
        Value::String(name) if rest.is_empty() => visit(kind, name),
        Value::Sequence(items) if list => {
            items.make_mut().iter_mut().for_each(|item| descend(item, rest, target, visit));
        }
        _ if !list => descend(below, rest, target, visit),
        _ => {}
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
        for Row(holder, path, target) in ROWS {
            let kind = match holder {
                Kind(kind) => kind,
                _ => "CronJob",
            };
            let mut field = "name-here".to_owned();
            for (at, step) in path.split('.').rev().enumerate() {
                let beside = if at == 0 && *target == Target::Beside("kind") { ", kind: Thing" } else { "" };
                field = match step.strip_suffix("[]") {
                    Some(list) => format!("{{{list}: [{field}]}}"),
                    None => format!("{{{step}: {field}{beside}}}"),
                };
            }
            let text = match holder {
                Kind(_) => format!("{}, kind: {kind}}}", field.strip_suffix('}').unwrap()),
                Pod => format!("{{kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {field}}}}}}}}}}}"),
                Container => format!(
                    "{{kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {{initContainers: [{field}]}}}}}}}}}}}}"
                ),
            };
            let sources = Sources::new();
            let file = sources.add("x.yaml", text.as_str());
            let loaded = load(&sources, file, Dialect::Strict);
            assert_eq!(loaded.findings, [], "{text}");
            let mut seen = Vec::new();
            visit(&mut loaded.documents[0].clone(), &mut |kind, name| seen.push((kind.to_owned(), name.clone())));
            let named = match target {
                Target::Kind(kind) => *kind,
                Target::Beside(_) => "Thing",
            };
            assert_eq!(seen, [(named.to_owned(), EcoString::from("name-here"))], "{text}");
        }
    }
}
