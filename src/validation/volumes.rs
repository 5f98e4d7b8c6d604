//! The volumes of a pod: their names and sources, and which of them the API server goes on with.

use foldhash::{HashMap, HashMapExt};

use super::pod::{Pod, Volume, Workload};
use super::selector::Say;
use super::volume::SOURCES;
use super::{At, names};
use crate::node::Entry;

/// Which volumes have no faults, by name; the server forgets the others when it looks at the mounts.
pub(super) fn valid<'n>(pod: &Pod<'n>) -> HashMap<&'n str, usize> {
    let mut valid = HashMap::with_capacity(pod.volumes.len());
    for (index, found) in pod.volumes.iter().enumerate() {
        let mut faults = 0;
        source(pod, index, &mut |_, _| faults += 1);
        name(pod, index, &mut |_, _| faults += 1);
        if faults == 0 {
            valid.entry(found.name.text()).or_insert(index);
        }
    }
    valid
}

/// Checks the sources of a volume.
pub fn source<'n>(pod: &Pod<'n>, index: usize, say: Say<'_, 'n>) {
    let found = &pod.volumes[index];
    // What a claim template makes has a source of its own; its faults are those of the claim.
    if found.claim {
        return;
    }
    let spec = pod.at();
    let list = spec.on("volumes", pod.spec.volumes);
    let at = list.item(index, found.node);
    let named = |entry: &Entry| SOURCES.iter().position(|source| source.field == entry.key);
    let mut places: Vec<usize> = found.node.entries().iter().filter_map(named).collect();
    // In the server's order, so that it is the same one that counts as too many.
    places.sort_unstable();
    let mut sources = 0;
    for source in places.into_iter().map(|place| &SOURCES[place]) {
        let place = at.get(source.field);
        if !place.is_set() {
            continue;
        }
        sources += 1;
        if sources > 1 {
            let message =
                format!("the volume has another source already, so it cannot have `{}` as well", source.field);
            say(&at.on(source.too_many, place.node), message);
        } else {
            (source.check)(&at.on(source.path, place.node), say);
        }
    }
    claims(pod, &at, found, say);
}

/// What depends on the names of the volume and of the pod.
fn claims<'n>(pod: &Pod<'n>, at: &At<'n, '_>, volume: &Volume<'n>, say: Say<'_, 'n>) {
    let name = volume.name.text();
    let portal = at.node.at(&["iscsi", "targetPortal"]).text();
    if at.node.at(&["iscsi", "initiatorName"]).is_set() && name.len() + 1 + portal.len() > 64 {
        say(
            &at.get("name"),
            "the volume name and the target portal are too long together: at most 63 bytes".to_owned(),
        );
    }
    // A template's pods have names of their own, unknown here.
    if pod.workload != Workload::Pod || pod.object.name().is_empty() {
        return;
    }
    let claim_of = |volume: &str| format!("{}-{volume}", pod.object.name());
    if at.node["ephemeral"].is_set()
        && !name.is_empty()
        && let Err(form) = names::dns1123_subdomain(&claim_of(name))
    {
        say(&at.get("name"), format!("the claim it makes is named `{}`, which {form}", claim_of(name)));
    }
    let claim = at.node.at(&["persistentVolumeClaim", "claimName"]);
    if claim.is_set() && pod.makes_claim(claim.text()) {
        let place = at.get("persistentVolumeClaim");
        say(
            &place.on("claimName", claim),
            format!("the claim `{}` is made by an ephemeral volume of this pod", claim.text()),
        );
    }
}

/// Checks the name of a volume.
pub fn name<'n>(pod: &Pod<'n>, index: usize, say: Say<'_, 'n>) {
    let volume = &pod.volumes[index];
    let (spec, name) = (pod.at(), volume.name.text());
    let list = spec.on("volumes", pod.spec.volumes);
    let item = list.item(index, volume.node);
    let at = item.on("name", volume.name);
    if name.is_empty() {
        say(&at, "the volume has no name".to_owned());
        if volume.claim {
            let claim = item.on("persistentVolumeClaim", volume.node);
            say(&claim.on("claimName", volume.name), "the claim template has no name".to_owned());
        }
    } else if let Err(form) = names::dns1123_label(name) {
        say(&at, format!("the volume name `{name}` {form}"));
    }
}
