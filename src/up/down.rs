//! `down`: deletes the objects that `up` applied.

use crate::finding::ObjectRef;
use crate::programs::{Programs, RunError};
use crate::suggest;
use crate::up::{Error, Inventory, Kubectl, Progress, Target, engine};

/// Deletes the kind cluster of a profile.
///
/// # Errors
/// If the profile has no kind cluster of its own, or kind fails.
pub fn cluster(target: &Target, programs: &Programs, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
    let Some(cluster) = &target.cluster else {
        return Err(Error::Unable(format!("profile `{}` has no kind cluster of its own to delete", target.profile())));
    };
    programs.run(&engine::delete(cluster))?;
    progress(Progress::Step(format!("kind cluster {cluster} deleted")));
    Ok(())
}

/// Deletes the objects in the inventory of a profile; PersistentVolumeClaims only with `data`.
///
/// # Errors
/// If a program cannot be run, fails or is interrupted.
pub fn objects(
    target: &Target,
    data: bool,
    programs: &Programs,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Error> {
    let mut step = |text: String| progress(Progress::Step(text));
    let kubectl = Kubectl { programs, context: Some(target.context.clone()) };
    if !kubectl.contexts()?.contains(&target.context) {
        step(format!("nothing to delete: the kubeconfig has no context {}", target.context));
        return Ok(());
    }
    let (profile, namespace) = (target.profile(), &target.namespace);
    let listed = kubectl.get("configmap", &Inventory::name(profile), namespace)?;
    let Some(inventory) = listed.and_then(|object| Inventory::read(profile, &object)) else {
        step(format!("nothing to delete: no inventory of `plimsoll up {profile}` in namespace {namespace}"));
        return Ok(());
    };
    let (claims, others): (Vec<ObjectRef>, Vec<ObjectRef>) =
        inventory.objects.iter().cloned().partition(|id| id.kind == "PersistentVolumeClaim");
    let mut others: Vec<ObjectRef> = others.into_iter().filter(|id| id.kind != "Namespace").collect();
    others.reverse();
    kubectl.delete(&others, true)?;
    if !others.is_empty() {
        step(format!("{} deleted", suggest::count(others.len(), "object")));
    }
    let claims = claims_of(&kubectl, &inventory, &claims)?;
    if data && !claims.is_empty() {
        kubectl.delete(&claims, true)?;
        step(format!("{} deleted", suggest::count(claims.len(), "PersistentVolumeClaim")));
    } else if !claims.is_empty() {
        let names: Vec<&str> = claims.iter().map(|id| id.name.as_str()).collect();
        let names = suggest::list(names, "and");
        step(format!("kept with its data: PersistentVolumeClaim {names}; use --data to delete it"));
        // The kept claims remain in the inventory.
        return Inventory { objects: claims, ..inventory }.write(&kubectl);
    }
    kubectl.delete(&[inventory.id()], true)?;
    if inventory.created_namespace {
        step(delete_namespace(&kubectl, namespace)?);
    }
    Ok(())
}

/// The existing claims that the inventory lists or that its StatefulSets created.
fn claims_of(kubectl: &Kubectl<'_>, inventory: &Inventory, listed: &[ObjectRef]) -> Result<Vec<ObjectRef>, RunError> {
    let namespace = format!("--namespace={}", inventory.namespace);
    let names = kubectl.run(["get", "persistentvolumeclaims", &namespace, "--output=name"])?;
    let names = names.lines().filter_map(|line| line.split_once('/')).map(|(_, name)| name);
    let is_listed = |name: &&str| {
        let mut ordinals = inventory.claims.iter().filter_map(|prefix| name.strip_prefix(prefix.as_str()));
        ordinals.any(|ordinal| ordinal.parse::<u32>().is_ok()) || listed.iter().any(|id| id.name == **name)
    };
    let id = |name: &str| ObjectRef {
        api_version: "v1".into(),
        kind: "PersistentVolumeClaim".into(),
        namespace: inventory.namespace.as_str().into(),
        name: name.into(),
    };
    Ok(names.filter(is_listed).map(id).collect())
}

/// Whether an object exists in every namespace, or is only an event or a metric.
fn is_in_any_namespace(name: &str) -> bool {
    const IN_ANY: &[&str] =
        &["configmap/kube-root-ca.crt", "configmap/openshift-service-ca.crt", "serviceaccount/default"];
    let kind = name.split('/').next().unwrap_or_default();
    IN_ANY.contains(&name)
        || matches!(kind, "event" | "event.events.k8s.io" | "podmetrics.metrics.k8s.io" | "pod.metrics.k8s.io")
}

/// Deletes the namespace unless it contains other objects. Returns a message with the result.
fn delete_namespace(kubectl: &Kubectl<'_>, namespace: &str) -> Result<String, RunError> {
    let kinds = kubectl.run(["api-resources", "--verbs=list,delete", "--namespaced", "--output=name"])?;
    let kinds: Vec<&str> = kinds.lines().collect();
    let in_namespace = format!("--namespace={namespace}");
    let left = kubectl.run(["get", &kinds.join(","), &in_namespace, "--ignore-not-found", "--output=name"])?;
    let left: Vec<&str> = left.lines().filter(|name| !name.trim().is_empty() && !is_in_any_namespace(name)).collect();
    if let [first, ..] = left.as_slice() {
        let more = left.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Ok(format!("namespace {namespace} kept: it contains {first}{more}"));
    }
    kubectl.run(["delete", "namespace", namespace, "--ignore-not-found"])?;
    Ok(format!("namespace {namespace} deleted"))
}
