//! Rule `claim-invalid`.

use crate::check::primitives::names;
use crate::check::primitives::quantity::Quantity;
use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "claim-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a volume claim is incomplete or malformed",
    doc: "\
A PersistentVolumeClaim, and each claim template of a StatefulSet, has at least one access mode (`ReadWriteOnce`,
`ReadOnlyMany`, `ReadWriteMany`, or `ReadWriteOncePod` alone) and asks for some storage. `volumeMode` is `Filesystem` or
`Block`; the classes are DNS names; a data source has a kind and a name, and agrees with `dataSourceRef`.

Restates `ValidatePersistentVolumeClaimSpec`.",
    bad: "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {resources: {requests: {storage: 1Gi}}}
",
    good: "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
",
    check: Check::Object(check),
};

/// The access modes of volumes.
pub(super) const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn check(object: &Object, report: &mut Report<'_>) {
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match (object.group(), object.kind()) {
        ("", "PersistentVolumeClaim") => claim(&mut faults, &spec),
        ("apps", "StatefulSet") => {
            let templates = spec.get("volumeClaimTemplates");
            for (index, template) in templates.items().enumerate() {
                name(&mut faults, &template, index);
                claim(&mut faults, &template.get("spec"));
            }
        }
        _ => {}
    }
}

/// The name of a claim template, which becomes a volume's.
fn name(faults: &mut Faults<'_, '_>, template: &At<'_, '_>, index: usize) {
    let metadata = template.get("metadata");
    let name = metadata.get("name");
    let field = format!("spec.template.spec.volumes[{index}].name");
    if name.text().is_empty() {
        faults.required(&name).field(field);
    } else if let Err(rule) = names::dns1123_label(name.text()) {
        faults.invalid(&name, rule).field(field);
    }
}

fn claim(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    access_modes(faults, &spec.get("accessModes"));
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    let (storage, place) = (requests.key("storage"), resources.key("storage"));
    if requests.node.get("storage").is_none() {
        faults.required(&place).help("say how much storage the claim asks for: `requests: {storage: 1Gi}`");
    } else if storage.node.is_null() || Quantity::of(storage.node).is_some_and(|amount| amount <= Quantity::ZERO) {
        faults.invalid(&storage, "must be more than nothing").field(place.to_string());
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
    sources(faults, spec);
}

/// The access modes of a claim or volume.
pub(super) fn access_modes(faults: &mut Faults<'_, '_>, modes: &At<'_, '_>) {
    let items = modes.node.items();
    if items.is_empty() {
        faults.required(modes).help("name at least one of `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`");
    }
    for mode in modes.items().filter(|mode| !MODES.contains(&mode.text())) {
        faults.not_supported(modes, &mode, MODES).place(mode.node.origin.span);
    }
    let alone = |text: &str| text == "ReadWriteOncePod";
    if items.iter().any(|mode| alone(mode.text())) && items.iter().any(|mode| !alone(mode.text())) {
        faults.forbidden(modes, "to hold `ReadWriteOncePod` and other access modes");
    }
}

fn sources(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (source, reference) = (spec.get("dataSource"), spec.get("dataSourceRef"));
    for at in [&source, &reference] {
        if !at.is_set() {
            continue;
        }
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
    if !source.is_set() || !reference.is_set() {
        return;
    }
    if !reference.get("namespace").text().is_empty() {
        faults.add(&source, "`dataSource` does not go with a `dataSourceRef` of another namespace").field("spec");
    } else if ["apiGroup", "kind", "name"].iter().any(|key| source.node[*key].text() != reference.node[*key].text()) {
        faults.add(&source, "`dataSource` and `dataSourceRef` must be the same").field("spec");
    }
}
