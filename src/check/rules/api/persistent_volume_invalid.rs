//! Rule `persistent-volume-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::object::Object;
use crate::validation::{At, Faults, volume};

use super::claim_invalid::access_modes;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PersistentVolumeInvalid,
    doc: Doc {
        checks: "\
A PersistentVolume must have a `capacity` of `storage` only, greater than 0, at least one access
mode and exactly one source. A `local` source requires a path and a node affinity.
`persistentVolumeReclaimPolicy` must be `Retain`, `Delete` or `Recycle`; `Recycle` is not allowed
for a `hostPath` of `/`. The `nodeStageSecretRef` of a CSI source is not checked by the API server,
and not reported.",
        why: "\
The API server rejects the object, for instance with \"must specify a volume type\" or \"must be
greater than zero\".",
        fix: "Set the capacity, the access mode or the source that is missing.",
        source: "`ValidatePersistentVolumeSpec` in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: PersistentVolume
metadata: {name: data}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]}
",
    good: "\
-spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]}
+spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /srv/data}}
",
    check: Check::Object(check),
};

/// The sources of a volume, in the order in which the API server validates them.
const SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
    "flexVolume",
];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "PersistentVolume" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    access_modes(faults, &spec.get("accessModes"));
    capacity(faults, &spec.get("capacity"));
    let mut sources = SOURCES.iter().filter(|name| spec.node[**name].is_set());
    match sources.next() {
        Some(name) => source(faults, &spec, name),
        None => _ = faults.required(&spec).help("set a source, such as `csi`, `nfs` or `hostPath`"),
    }
    for more in sources {
        faults.forbidden(&spec.get(more), "together with another source");
    }
    affinity(faults, &spec.get("nodeAffinity"));
    let policy = spec.get("persistentVolumeReclaimPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["Delete", "Recycle", "Retain"]);
    }
    if spec.node["hostPath"]["path"].text() == "/" && policy.text() == "Recycle" {
        faults.forbidden(&policy, "to be `Recycle` for a host path of `/`").field("spec.persistentVolumeReclaimPolicy");
    }
    let (class, mode) = (spec.get("storageClassName"), spec.get("volumeMode"));
    if !class.text().is_empty() {
        faults.check(&class, names::dns1123_subdomain(class.text()));
    }
    if mode.is_set() {
        faults.one_of(&mode, &["Block", "Filesystem"]);
    }
}

fn capacity(faults: &mut Faults<'_, '_>, capacity: &At<'_, '_>) {
    let entries = capacity.node.entries();
    if entries.is_empty() {
        faults.required(capacity);
    } else if entries.len() > 1 || entries[0].key != "storage" {
        faults.invalid(capacity, "must have `storage` only");
    }
    for (_, amount) in capacity.keys() {
        if amount.node.is_null() || Quantity::of(amount.node).is_some_and(|value| value <= Quantity::ZERO) {
            faults.invalid(&amount, "must be greater than 0");
        }
    }
}

fn source(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, name: &'static str) {
    let at = spec.get(name);
    match name {
        "csi" => csi(faults, &at),
        "local" => {
            let path = at.get("path");
            if path.text().is_empty() {
                faults.required(&path);
            } else {
                faults.check(&path, names::path_without_backsteps(path.text()));
            }
            if !spec.get("nodeAffinity").is_set() {
                faults.required(&spec.get("nodeAffinity")).help("a local volume requires a node affinity");
            }
        }
        _ => {
            let Some(source) = volume::SOURCES.iter().find(|source| source.field == name) else { return };
            (source.check)(&spec.on(source.path, at.node), faults);
        }
    }
}

/// The Secrets of a CSI volume that the API server validates; it does not validate `nodeStageSecretRef`.
const SECRETS: [&str; 4] =
    ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"];

fn csi(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    volume::csi_driver(&at.get("driver"), faults);
    if at.node["volumeHandle"].text().is_empty() {
        faults.required(&at.get("volumeHandle"));
    }
    for secret in SECRETS.map(|field| at.get(field)).iter().filter(|secret| secret.is_set()) {
        let (name, namespace) = (secret.get("name"), secret.get("namespace"));
        if name.text().is_empty() {
            faults.required(&name);
        } else {
            faults.check(&name, names::dns1123_subdomain(name.text()));
        }
        if namespace.text().is_empty() {
            faults.required(&namespace);
        } else {
            faults.check(&namespace, names::dns1123_label(namespace.text()));
        }
    }
}

fn affinity(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let required = at.get("required");
    if required.is_set() {
        super::affinity_invalid::required_nodes(&required, faults);
    } else if at.is_set() {
        faults.required(&required).help("select the nodes that can access the volume");
    }
}
