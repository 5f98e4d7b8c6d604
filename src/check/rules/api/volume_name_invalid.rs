//! Rule `volume-name-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, volumes};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeNameInvalid,
    doc: Doc {
        checks: "\
The name of a volume must be a DNS-1123 label and unique in the pod. The `volumeClaimTemplates` of a
StatefulSet are volumes of its pods as well.",
        why: "\
The API server rejects the object, with \"a lowercase RFC 1123 label must consist of lower case
alphanumeric characters or '-'\" or \"Duplicate value\".",
        fix: "Rename the volume, and the mounts that refer to it.",
        source: "`ValidateVolumes` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: Tmp_1, emptyDir: {}}]
"#,
    good: "-  volumes: [{name: Tmp_1, emptyDir: {}}]\n+  volumes: [{name: tmp-1, emptyDir: {}}]\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for (index, found) in pod.volumes.iter().enumerate() {
        volumes::name(pod, index, faults);
        let name = found.name.text();
        if let Some(first) = pod.volume(name)
            && !std::ptr::eq(first.node, found.node)
        {
            let spec = pod.at();
            let list = spec.on("volumes", pod.spec.volumes);
            let at = list.item(index, found.node);
            let draft = faults.add(&at.on("name", found.name), format!("duplicate volume name `{name}`"));
            draft.related(first.name.origin.span, "first used here");
        }
    }
}
