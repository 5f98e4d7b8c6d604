//! The volumes of a pod: their names and sources, and which of them are valid.

use foldhash::{HashMap, HashMapExt};

use super::pod::{Pod, Volume, Workload};
use super::volume::SOURCES;
use super::{At, Faults, Report};
use crate::finding::RuleId;
use crate::formats::names;
use crate::kube::KubernetesVersion;
use crate::node::Entry;

/// The indexes of valid volumes by name; the API server ignores the others when it validates mounts.
pub(super) fn valid<'n>(pod: &Pod<'n>) -> HashMap<&'n str, usize> {
    let mut valid = HashMap::with_capacity(pod.volumes.len());
    let mut report = Report::new(RuleId::VolumeSourceInvalid, KubernetesVersion::default());
    for (index, found) in pod.volumes.iter().enumerate() {
        let before = report.count();
        let mut faults = Faults::new(pod.object, &mut report);
        source(pod, index, &mut faults);
        name(pod, index, &mut faults);
        if report.count() == before {
            valid.entry(found.name.text()).or_insert(index);
        }
    }
    valid
}

/// Validates the source of a volume.
pub fn source(pod: &Pod<'_>, index: usize, faults: &mut Faults<'_, '_>) {
    let found = &pod.volumes[index];
    // Errors in a claim template are reported by `claim-invalid`.
    if found.claim {
        return;
    }
    let spec = pod.at();
    let list = spec.on("volumes", pod.spec.volumes);
    let at = list.item(index, found.node);
    let named = |entry: &Entry| SOURCES.iter().position(|source| source.field == entry.key);
    let mut indexes: Vec<usize> = found.node.entries().iter().filter_map(named).collect();
    // In the order of the API server, which reports all sources but the first one.
    indexes.sort_unstable();
    let mut sources = 0;
    for source in indexes.into_iter().map(|index| &SOURCES[index]) {
        let value = at.get(source.field);
        if !value.is_set() {
            continue;
        }
        sources += 1;
        if sources > 1 {
            let message = format!("must not specify more than one volume source: `{}` is not allowed", source.field);
            faults.add(&at.on(source.too_many, value.node), message);
        } else {
            (source.check)(&at.on(source.path, value.node), faults);
        }
    }
    claims(pod, &at, found, faults);
}

/// Validates what depends on the names of the volume and of the pod.
fn claims<'n>(pod: &Pod<'n>, at: &At<'n, '_>, volume: &Volume<'n>, faults: &mut Faults<'_, '_>) {
    let name = volume.name.text();
    let portal = at.node.at(&["iscsi", "targetPortal"]).text();
    if at.node.at(&["iscsi", "initiatorName"]).is_set() && name.len() + 1 + portal.len() > 64 {
        faults
            .add(&at.get("name"), "the volume name and the target portal must be no more than 63 characters together");
    }
    // The names of a workload's pods are not known.
    if pod.workload != Workload::Pod || pod.object.name().is_empty() {
        return;
    }
    let claim_of = |volume: &str| format!("{}-{volume}", pod.object.name());
    if at.node["ephemeral"].is_set()
        && !name.is_empty()
        && let Err(form) = names::dns1123_subdomain(&claim_of(name))
    {
        faults.add(&at.get("name"), format!("the name of the volume's claim, `{}`, {form}", claim_of(name)));
    }
    let claim = at.node.at(&["persistentVolumeClaim", "claimName"]);
    if claim.is_set() && pod.creates_claim(claim.text()) {
        let source = at.get("persistentVolumeClaim");
        faults.add(
            &source.on("claimName", claim),
            format!("the claim `{}` is created by an ephemeral volume of this pod", claim.text()),
        );
    }
}

/// Validates the name of a volume.
pub fn name(pod: &Pod<'_>, index: usize, faults: &mut Faults<'_, '_>) {
    let volume = &pod.volumes[index];
    let (spec, name) = (pod.at(), volume.name.text());
    let list = spec.on("volumes", pod.spec.volumes);
    let item = list.item(index, volume.node);
    let at = item.on("name", volume.name);
    if name.is_empty() {
        faults.add(&at, "the volume has no name");
        if volume.claim {
            let claim = item.on("persistentVolumeClaim", volume.node);
            faults.add(&claim.on("claimName", volume.name), "the claim template has no name");
        }
    } else if let Err(form) = names::dns1123_label(name) {
        faults.add(&at, format!("the volume name `{name}` {form}"));
    }
}
