//! Rule `volume-name-invalid`.

use crate::check::primitives::names;
use crate::check::primitives::selector::Say;
use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "volume-name-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a volume has no name, a malformed one, or one that another has",
    doc: "\
A volume's name is a DNS-1123 label and stands once in a pod. The claim templates of a StatefulSet are volumes as
well, before the pod's own.

Source: `ValidateVolumes`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: Tmp_1, emptyDir: {}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: tmp-1, emptyDir: {}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, found) in pod.volumes.iter().enumerate() {
        volume(pod, index, &mut pod.sayer(report));
        let name = found.name.text();
        if let Some(first) = pod.volume(name)
            && !std::ptr::eq(first.node, found.node)
        {
            let spec = pod.at();
            let list = spec.on("volumes", pod.spec.volumes);
            let at = list.item(index, found.node);
            let draft = pod.say(report, &at.on("name", found.name), format!("two volumes are named `{name}`"));
            draft.related(first.name.origin.span, "the other one");
        }
    }
}

/// Checks the name of a volume.
pub(super) fn volume<'n>(pod: &Pod<'n>, index: usize, say: Say<'_, 'n>) {
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
