//! Why a volume is not available: claims, storage classes, mounts.

use crate::finding::ObjectRef;
use crate::node::Node;
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::admission::{after, first_line, until};
use crate::status::cause::{Cause, below, item, path};
use crate::status::cluster::Cluster;
use crate::status::pods::{Pod, is_past};
use crate::status::{references, rules};

/// The object, the path and the value of the spec of a claim: in the claim itself, or in the template of its
/// StatefulSet.
fn claim_spec<'a>(cluster: &Cluster<'a>, claim: &'a Object) -> (ObjectRef, FieldPath, &'a Node) {
    match cluster.claim_template(claim) {
        Some((set, at)) if cluster.manifest(&claim.id).is_none() => {
            let field = below(&item(&path("spec.volumeClaimTemplates"), at), &["spec"]);
            (set.id.clone(), field, &set.node["spec"]["volumeClaimTemplates"][at]["spec"])
        }
        _ => (claim.id.clone(), path("spec"), &claim.node["spec"]),
    }
}

/// Returns why a claim is not bound; `None` if it is, or if it waits for its first consumer.
#[must_use]
pub(super) fn claim<'a>(cluster: &Cluster<'a>, claim: &'a Object) -> Option<Cause> {
    let status = &claim.node["status"];
    let (id, spec, node) = claim_spec(cluster, claim);
    let cause = |rule, fields: &[&str], message: String| Cause::new(rule, &id, below(&spec, fields), message);
    let name = claim.name();
    let conditions = status["conditions"].items();
    if let Some(resize) = cluster.event(claim, &["VolumeResizeFailed", "ExternalExpandingFailed"])
        && conditions.iter().any(|condition| condition["type"].text().contains("Resiz"))
    {
        let found = cause(
            &rules::CLAIM_RESIZE,
            &["resources", "requests", "storage"],
            format!("failed to resize the volume of PersistentVolumeClaim `{name}`"),
        );
        return Some(found.quote("persistentvolume-controller", &resize.message));
    }
    match status["phase"].text() {
        "Lost" => {
            let volume = claim.node["spec"]["volumeName"].text();
            let message =
                format!("PersistentVolumeClaim `{name}` is lost: PersistentVolume `{volume}` no longer exists");
            return Some(
                cause(&rules::CLAIM_LOST, &["volumeName"], message).help("delete the claim and apply it again"),
            );
        }
        "Pending" | "" => {}
        _ => return None,
    }
    let event = cluster.events(claim).iter().rev().find(|event| event.warning || event.reason == "FailedBinding")?;
    Some(pending_cause(name, node, &event.message, cause).quote("persistentvolume-controller", &event.message))
}

fn pending_cause(
    name: &str,
    spec: &Node,
    message: &str,
    cause: impl Fn(&'static rules::CauseRule, &[&str], String) -> Cause,
) -> Cause {
    let class = spec["storageClassName"].text();
    if message.contains("storageclass.storage.k8s.io") && message.contains("not found") {
        let class = after(message, "storageclass.storage.k8s.io \"").map_or(class, |rest| until(rest, &['"']));
        let message = format!("StorageClass `{class}` not found");
        return cause(&rules::STORAGE_CLASS_MISSING, &["storageClassName"], message)
            .help("use an existing one, or remove the field to use the default one: kubectl get storageclasses");
    }
    if message.contains("no storage class is set") {
        let message =
            format!("PersistentVolumeClaim `{name}` has no storageClassName, and there is no default StorageClass");
        return cause(&rules::STORAGE_CLASS_MISSING, &["storageClassName"], message)
            .help("set it to an existing StorageClass: kubectl get storageclasses");
    }
    let (fields, why): (&[&str], String) = if message.contains("ccess mode")
        || message.contains("ReadWrite")
        || message.contains("accessModes")
    {
        (&["accessModes"], format!("unsupported access modes of PersistentVolumeClaim `{name}`"))
    } else if message.contains("too small") || message.contains("capacity") {
        (
            &["resources", "requests", "storage"],
            format!("the volume is smaller than PersistentVolumeClaim `{name}` requests"),
        )
    } else if message.contains("volumeMode") {
        (&["volumeMode"], format!("unsupported volume mode of PersistentVolumeClaim `{name}`"))
    } else if message.contains("already bound") {
        (&["volumeName"], format!("the volume of PersistentVolumeClaim `{name}` is already bound to a different claim"))
    } else {
        (&[], format!("no volume provisioned for PersistentVolumeClaim `{name}`: {}", first_line(message)))
    };
    cause(&rules::CLAIM_PENDING, fields, why)
}

/// Returns the cause in a message of the scheduler about a claim of a pod: `persistentvolumeclaim "data" not found`.
pub(super) fn claim_of_pod<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, name: &str, message: &str) -> Option<Cause> {
    if let Some(object) = cluster.get("PersistentVolumeClaim", pod.object.namespace(), name) {
        if let Some(cause) = claim(cluster, object) {
            return Some(cause);
        }
        if message.contains("is being deleted") {
            let message = format!("PersistentVolumeClaim `{name}` is being deleted");
            return Some(
                Cause::new(&rules::CLAIM_MISSING, &object.id, path(""), message)
                    .help("apply it again after it has been deleted"),
            );
        }
        // The message of the scheduler is older than the claim.
        return None;
    }
    let field = claim_volume(pod, name);
    let namespace = pod.object.namespace();
    let message = format!("PersistentVolumeClaim `{name}` not found in namespace `{namespace}`");
    let cause = Cause::new(&rules::CLAIM_MISSING, &pod.template.object.id, field, message);
    Some(cause.help(format!("create the claim, or use an existing one: kubectl -n {namespace} get pvc")))
}

/// The field of the volume that refers to a claim.
fn claim_volume(pod: &Pod<'_>, name: &str) -> FieldPath {
    let volumes = below(&pod.template.path, &["volumes"]);
    let at = pod.template.written["volumes"].items().iter().position(|volume| {
        let claim = volume["persistentVolumeClaim"]["claimName"].text() == name;
        // The name of an ephemeral volume's claim is that of the pod followed by that of the volume.
        claim || (volume["ephemeral"].is_set() && name.ends_with(&format!("-{}", volume["name"].text())))
    });
    match at {
        Some(at) if pod.template.written["volumes"][at]["ephemeral"].is_set() => {
            below(&item(&volumes, at), &["ephemeral"])
        }
        Some(at) => below(&item(&volumes, at), &["persistentVolumeClaim", "claimName"]),
        None => volumes,
    }
}

/// The field of the first claim of a pod.
pub(super) fn first_claim(pod: &Pod<'_>) -> Option<FieldPath> {
    let name = claims(pod).into_iter().next()?;
    Some(claim_volume(pod, name))
}

fn claims<'a>(pod: &Pod<'a>) -> Vec<&'a str> {
    let volumes = pod.object.node["spec"]["volumes"].items();
    let names = volumes.iter().map(|volume| volume["persistentVolumeClaim"]["claimName"].text());
    names.filter(|name| !name.is_empty()).collect()
}

/// The cause of a pod with unbound claims. `stuck` is whether it has waited for so long that a claim without an error
/// is reported.
pub(super) fn unbound<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, stuck: bool) -> Option<Cause> {
    let namespace = pod.object.namespace();
    let objects = claims(pod).into_iter().filter_map(|name| cluster.get("PersistentVolumeClaim", namespace, name));
    let objects: Vec<&Object> = objects.collect();
    if let Some(cause) = objects.iter().find_map(|object| claim(cluster, object)) {
        return Some(cause);
    }
    let pending = objects.into_iter().find(|object| object.node["status"]["phase"].text() != "Bound");
    if !stuck {
        return None;
    }
    let Some(pending) = pending else {
        let field = first_claim(pod).unwrap_or_else(|| below(&pod.template.path, &["volumes"]));
        let message = "the pod has unbound PersistentVolumeClaims";
        return Some(Cause::new(&rules::CLAIM_PENDING, &pod.template.object.id, field, message));
    };
    let (id, spec, node) = claim_spec(cluster, pending);
    let event = cluster.events(pending).last();
    let class = node["storageClassName"].text();
    let class =
        if class.is_empty() { "the default StorageClass".to_owned() } else { format!("StorageClass `{class}`") };
    let message = format!("no volume provisioned for PersistentVolumeClaim `{}` by {class}", pending.name());
    let cause = Cause::new(&rules::CLAIM_PENDING, &id, below(&spec, &["storageClassName"]), message)
        .help("check that the provisioner of the StorageClass is running: kubectl get storageclasses");
    Some(cause.quote("persistentvolume-controller", event.map_or("", |event| &event.message)))
}

/// Returns why a volume of a scheduled pod cannot be mounted.
#[must_use]
pub(super) fn mount<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    let events = cluster.events(pod.object).iter().rev();
    let failed = |reason: &str| matches!(reason, "FailedMount" | "FailedAttachVolume" | "FailedMapVolume");
    let events: Vec<_> = events.filter(|event| failed(&event.reason)).copied().collect();
    // A timeout is only a symptom; an earlier event has the reason.
    let is_symptom = |message: &str| {
        message.starts_with("Unable to attach or mount") || message.contains("timed out waiting for the condition")
    };
    let event = events.iter().find(|event| !is_symptom(&event.message)).or_else(|| events.first())?;
    if is_past(cluster, pod, event) {
        return None;
    }
    from_message(cluster, pod, &event.reason, &event.message)
}

/// Returns the cause in a message of the kubelet: `MountVolume.SetUp failed for volume "c" : configmap "x" not found`.
pub(super) fn from_message<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, reason: &str, message: &str) -> Option<Cause> {
    if message.contains("not registered") || message.contains("failed to sync") {
        return None;
    }
    let name = after(message, "for volume \"").map_or("", |rest| until(rest, &['"']));
    let volumes = pod.template.written["volumes"].items();
    let list = below(&pod.template.path, &["volumes"]);
    let at = volumes.iter().position(|volume| volume["name"].text() == name);
    let volume = at.map_or_else(|| list.clone(), |at| item(&list, at));
    let id = &pod.template.object.id;
    if let Some(cause) = references::missing(cluster, pod, None, at, message) {
        return Some(cause.quote("kubelet", message));
    }
    let reason_text = message.rsplit(" : ").next().unwrap_or(message);
    if reason == "FailedAttachVolume" {
        let field = if at.is_some() { volume } else { first_claim(pod).unwrap_or(list) };
        let multi = message.contains("Multi-Attach");
        let text = if multi {
            "the volume is already exclusively attached to one node and can't be attached to another".to_owned()
        } else {
            format!("failed to attach a volume: {}", first_line(reason_text))
        };
        let help = if multi {
            "use strategy Recreate, or a volume with access mode ReadWriteMany"
        } else {
            "check the storage driver"
        };
        return Some(Cause::new(&rules::ATTACH, id, field, text).help(help).quote("attachdetach-controller", message));
    }
    let source = at.map_or(Node::absent(), |at| &volumes[at]);
    let field = if source["hostPath"].is_set() {
        below(&volume, &["hostPath"])
    } else if source["csi"].is_set() {
        below(&volume, &["csi"])
    } else if source["nfs"].is_set() {
        below(&volume, &["nfs"])
    } else if at.is_none() {
        first_claim(pod).unwrap_or(volume)
    } else {
        volume
    };
    let text = match name {
        "" => "failed to mount the volumes of the pod".to_owned(),
        name => format!("failed to mount volume `{name}`: {}", first_line(reason_text)),
    };
    let help = if source["hostPath"].is_set() {
        "create the path on the node, or use a type that creates it, such as DirectoryOrCreate"
    } else {
        ""
    };
    Some(Cause::new(&rules::MOUNT, id, field, text).help(help).quote("kubelet", message))
}
