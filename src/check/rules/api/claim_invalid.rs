//! Rule `claim-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults, Pod, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClaimInvalid,
    doc: Doc {
        checks: "\
A PersistentVolumeClaim, each of the `volumeClaimTemplates` of a StatefulSet and the template of an
ephemeral volume must have at least one access mode (`ReadWriteOnce`, `ReadOnlyMany`,
`ReadWriteMany` or `ReadWriteOncePod`, the last without others) and request more than 0 of
`storage`. `volumeMode` must be `Filesystem` or `Block`; `storageClassName` and
`volumeAttributesClassName` must be DNS subdomains. A data source must have a kind and a name, and
`dataSource` and `dataSourceRef` must be the same. The template of an ephemeral volume may have
labels and annotations only. The API server drops a data source that is neither a claim nor a
snapshot, and references to other namespaces; neither is reported.",
        why: "\
The API server rejects the object, for instance with \"at least 1 access mode is required\", \"must be
greater than zero\" or \"may not use ReadWriteOncePod with other access modes\".",
        fix: "\
Set `accessModes` and `resources.requests.storage`, for instance `accessModes: [ReadWriteOnce]` and
`storage: 1Gi`.",
        source: "`ValidatePersistentVolumeClaimSpec` in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {resources: {requests: {storage: 1Gi}}}
",
    good: "\
-spec: {resources: {requests: {storage: 1Gi}}}
+spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
",
    check: Check::Object(check),
};

/// The access modes that a volume may have.
pub(super) const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match (object.group(), object.kind()) {
        ("", "PersistentVolumeClaim") => claim(faults, &spec),
        ("apps", "StatefulSet") => {
            let templates = spec.get("volumeClaimTemplates");
            // `volume-name-invalid` reports their names, which are those of volumes.
            for template in templates.items() {
                claim(faults, &template.get("spec"));
            }
        }
        _ => {}
    }
    ephemeral(object, faults);
}

/// Validates the claim templates of ephemeral volumes, whose metadata may only have labels and annotations.
fn ephemeral(object: &Object, faults: &mut Faults<'_, '_>) {
    let has_any = |spec: &Node| spec["volumes"].items().iter().any(|volume| volume["ephemeral"].is_set());
    if !object.pod_spec().is_some_and(has_any) {
        return;
    }
    let Some(pod) = Pod::of(object) else { return };
    let spec = pod.at();
    let list = spec.on("volumes", pod.spec.volumes);
    for (index, volume) in pod.volumes.iter().enumerate().filter(|(_, volume)| !volume.claim) {
        let volume = list.item(index, volume.node);
        let source = volume.get("ephemeral");
        let template = source.get("volumeClaimTemplate");
        if !template.is_set() {
            continue;
        }
        let metadata = template.get("metadata");
        for (key, value) in
            metadata.keys().filter(|(key, value)| !matches!(*key, "labels" | "annotations") && value.is_set())
        {
            let field = format!("{metadata}.{key}");
            faults.add(&value, format!("`{key}` is not allowed in the template of an ephemeral volume")).field(field);
        }
        faults.labels(&metadata.get("labels"));
        let annotations = metadata.get("annotations");
        selector::annotations(&annotations, faults);
        claim(faults, &template.get("spec"));
    }
}

fn claim(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    access_modes(faults, &spec.get("accessModes"));
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    // The API server reports the path without `requests`.
    let (storage, reported) = (requests.key("storage"), resources.key("storage"));
    if requests.node.get("storage").is_none() {
        faults.required(&reported).help("request an amount of storage: `requests: {storage: 1Gi}`");
    } else if storage.node.is_null() || Quantity::of(storage.node).is_some_and(|amount| amount <= Quantity::ZERO) {
        faults.invalid(&storage, "must be greater than 0").field(reported.to_string());
    }
    let (class, mode) = (spec.get("storageClassName"), spec.get("volumeMode"));
    if !class.text().is_empty() {
        faults.check(&class, names::dns1123_subdomain(class.text()));
    }
    if mode.is_set() {
        faults.one_of(&mode, &["Block", "Filesystem"]);
    }
    let attributes = spec.get("volumeAttributesClassName");
    if !attributes.text().is_empty() {
        faults.check(&attributes, names::dns1123_subdomain(attributes.text()));
    }
    // `selector-invalid` reports the selector of a PersistentVolumeClaim.
    if faults.object.kind() != "PersistentVolumeClaim" {
        faults.selector(&spec.get("selector"));
    }
    sources(faults, spec);
}

/// Validates the access modes of a claim or volume.
pub(super) fn access_modes(faults: &mut Faults<'_, '_>, modes: &At<'_, '_>) {
    let items = modes.node.items();
    if items.is_empty() {
        faults.required(modes).help("set at least one of `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`");
    }
    for mode in modes.items().filter(|mode| !MODES.contains(&mode.text())) {
        faults.not_supported(&mode, MODES).field(modes.to_string());
    }
    let is_exclusive = |mode: &str| mode == "ReadWriteOncePod";
    if items.iter().any(|mode| is_exclusive(mode.text())) && items.iter().any(|mode| !is_exclusive(mode.text())) {
        faults.add(modes, "`ReadWriteOncePod` may not be used with other access modes");
    }
}

fn sources(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (source, reference) = (spec.get("dataSource"), spec.get("dataSourceRef"));
    // The API server drops a `dataSource` that is neither a claim nor a snapshot and, by default, references to other
    // namespaces, before it validates a claim.
    let known = matches!(
        (source.node["apiGroup"].text(), source.node["kind"].text()),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    );
    let is_claim = faults.object.kind() == "PersistentVolumeClaim";
    let has_source = source.is_set() && (known || !is_claim);
    let has_reference = reference.is_set() && reference.get("namespace").text().is_empty();
    for at in [(&source, has_source), (&reference, has_reference)].into_iter().filter_map(|(at, has)| has.then_some(at))
    {
        let (kind, name, group) = (at.get("kind"), at.get("name"), at.get("apiGroup"));
        for required in [&kind, &name] {
            if required.text().is_empty() {
                faults.required(required);
            }
        }
        if group.text().is_empty() {
            if kind.text() != "PersistentVolumeClaim" {
                faults.add(at, "without an `apiGroup` only a `PersistentVolumeClaim` can be a source");
            }
        } else {
            faults.check(&group, names::dns1123_subdomain(group.text()));
        }
    }
    let differ = ["apiGroup", "kind", "name"].iter().any(|key| source.node[*key].text() != reference.node[*key].text());
    if has_source && has_reference && differ {
        faults.add(&source, "`dataSource` and `dataSourceRef` must be the same").field(spec.to_string());
    }
}
