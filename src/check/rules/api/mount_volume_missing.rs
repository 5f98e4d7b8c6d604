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
A `volumeMounts` entry names a volume of the same pod, or a claim template of the same StatefulSet.
A volume that has faults of its own counts as not there.",
        why: "",
        fix: "",
        source: "`ValidateVolumeMounts`.",
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
                faults.add(&at, "the mount names no volume");
            } else if pod.volume(name).is_none() {
                if pod.has_volume(name) {
                    faults.add(&at, format!("the volume `{name}` is not valid, so it cannot be mounted"));
                } else {
                    let near = suggest::nearest(name, pod.volumes.iter().map(|volume| volume.name.text()));
                    let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                    faults.add(&at, format!("there is no volume `{name}`")).help(help);
                }
            }
        }
    }
}
