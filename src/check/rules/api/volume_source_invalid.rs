//! Rule `volume-source-invalid`.

use foldhash::{HashMap, HashMapExt};

use crate::check::at::At;
use crate::check::pod::{Volume, Workload};
use crate::check::primitives::names;
use crate::check::primitives::selector::Say;
use crate::check::primitives::volume::SOURCES;
use crate::check::rules::api::volume_name_invalid;
use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;
use crate::node::Entry;

/// The rule.
pub static RULE: Rule = Rule {
    id: "volume-source-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "the source of a volume is wrong",
    doc: "\
A volume has one source (none at all makes an emptyDir), and each source has its own needs: a ConfigMap volume a
`name`, a Secret volume a `secretName`, a claim a `claimName`, a host path a `path` without `..` and a known `type`;
the keys projected into files need a `key` and a relative `path`; file modes are between 0 and 511 (0777 in octal:
YAML 1.2 reads `0755` as 755).

Source: `validateVolumeSource`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: v, configMap: {defaultMode: 755}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: v, configMap: {name: app, defaultMode: 493}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for index in 0..pod.volumes.len() {
        volume(pod, index, &mut pod.sayer(report));
    }
}

/// Which volumes have no faults, by name; the server forgets the others when it looks at the mounts.
pub(in crate::check) fn valid_volumes<'n>(pod: &Pod<'n>) -> HashMap<&'n str, usize> {
    let mut valid = HashMap::with_capacity(pod.volumes.len());
    for (index, found) in pod.volumes.iter().enumerate() {
        let mut faults = 0;
        volume(pod, index, &mut |_, _| faults += 1);
        volume_name_invalid::volume(pod, index, &mut |_, _| faults += 1);
        if faults == 0 {
            valid.entry(found.name.text()).or_insert(index);
        }
    }
    valid
}

/// Checks the sources of a volume.
fn volume<'n>(pod: &Pod<'n>, index: usize, say: Say<'_, 'n>) {
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
