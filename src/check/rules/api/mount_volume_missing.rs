//! Rule `mount-volume-missing`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::suggest;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MountVolumeMissing,
    doc: Doc {
        checks: "\
A volume mount must name a volume of the pod, or one of the `volumeClaimTemplates` of the
StatefulSet. An invalid volume counts as missing, as it does for the API server.",
        why: "The API server rejects the object with \"Not found\" at the name of the mount.",
        fix: "Correct the name, or add the volume to `volumes`. If the volume is invalid, correct the volume.",
        source: "`ValidateVolumeMounts` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeMounts: [{name: config, mountPath: /etc/app}]}]
"#,
    good: r#"   containers: [{name: web, image: "web:1", volumeMounts: [{name: config, mountPath: /etc/app}]}]
+  volumes: [{name: config, configMap: {name: app}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        for mount in parent.on("volumeMounts", container.fields.volume_mounts).items() {
            let at = mount.get("name");
            let name = at.text();
            if name.is_empty() {
                faults.add(&at, "`name` is required");
            } else if pod.volume(name).is_none() {
                if pod.has_volume(name) {
                    faults.add(&at, format!("volume `{name}` is invalid and cannot be mounted"));
                } else {
                    let near = suggest::nearest(name, pod.volumes.iter().map(|volume| volume.name.text()));
                    let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                    faults.add(&at, format!("volume `{name}` not found")).help(help);
                }
            }
        }
    }
}
