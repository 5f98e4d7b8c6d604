//! Rule `volume-attachment-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::object::Object;
use crate::validation::{At, Faults, volume};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeAttachmentInvalid,
    doc: Doc {
        checks: "\
A VolumeAttachment must have the CSI driver as its `attacher`, a `nodeName`, and either the name of
a PersistentVolume or an inline volume. A CSINode must list each driver at most once, with a
`nodeID` of at most 256 bytes. A CSIStorageCapacity must have a `storageClassName`, and its sizes
must not be negative.",
        why: "The API server rejects the object.",
        fix: "\
Add the missing field. These objects are usually written by controllers; remove the manifest if it
was copied from a cluster.",
        source: "\
`ValidateVolumeAttachment`, `ValidateCSINode` and `ValidateCSIStorageCapacity` in
`pkg/apis/storage/validation`.",
    },
    bad: "\
apiVersion: storage.k8s.io/v1
kind: VolumeAttachment
metadata: {name: a}
spec: {attacher: csi.example.com, nodeName: node1, source: {}}
",
    good: "\
-spec: {attacher: csi.example.com, nodeName: node1, source: {}}
+spec: {attacher: csi.example.com, nodeName: node1, source: {persistentVolumeName: pv1}}
",
    check: Check::Object(check),
};

const MAX_NODE_ID_LENGTH: usize = 256;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "storage.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "VolumeAttachment" => attachment(faults, &spec),
        "CSINode" => node(faults, &spec.get("drivers")),
        "CSIStorageCapacity" => capacity(faults, &root),
        _ => {}
    }
}

fn driver(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    volume::csi_driver(at, faults);
}

fn attachment(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    driver(faults, &spec.get("attacher"));
    let (source, node) = (spec.get("source"), spec.get("nodeName"));
    let (named, inline) = (source.get("persistentVolumeName"), source.get("inlineVolumeSpec"));
    match (named.is_set() && !named.text().is_empty(), inline.is_set()) {
        (false, false) => _ = faults.required(&source).help("set `persistentVolumeName`"),
        (true, true) => _ = faults.forbidden(&source, "to have both `persistentVolumeName` and `inlineVolumeSpec`"),
        (true, false) => faults.check(&named, names::dns1123_subdomain(named.text())),
        (false, true) => {}
    }
    faults.check(&node, names::dns1123_subdomain(node.text()));
}

fn node(faults: &mut Faults<'_, '_>, drivers: &At<'_, '_>) {
    let repeated = drivers.repeats("name");
    for (index, at) in drivers.items().enumerate() {
        let (name, id, keys) = (at.get("name"), at.get("nodeID"), at.get("topologyKeys"));
        driver(faults, &name);
        if repeated[index] {
            faults.duplicate(&name);
        }
        if id.text().is_empty() {
            faults.required(&id);
        } else if id.text().len() > MAX_NODE_ID_LENGTH {
            faults.invalid(&id, "must be no more than 256 characters");
        }
        let count = at.get("allocatable");
        faults.not_negative(&count.get("count"));
        for key in keys.items() {
            faults.check(&key, names::qualified_name(key.text()));
        }
    }
}

fn capacity(faults: &mut Faults<'_, '_>, root: &At<'_, '_>) {
    let class = root.get("storageClassName");
    faults.check(&class, names::dns1123_subdomain(class.text()));
    for name in ["capacity", "maximumVolumeSize"] {
        let at = root.get(name);
        if Quantity::of(at.node).is_some_and(Quantity::is_negative) {
            faults.invalid(&at, "must be greater than or equal to 0");
        }
    }
    faults.selector(&root.get("nodeTopology"));
}
