//! Rule `device-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DeviceInvalid,
    doc: Doc {
        checks: "\
A `volumeDevices` entry must name a volume of the pod that is a PersistentVolumeClaim or an
ephemeral volume, and have a `devicePath` without `..`. The name and the path must be unique among
the devices of the container, and must not be used by its `volumeMounts`.",
        why: "\
The API server rejects the object, for instance with \"can only use volume source type of
PersistentVolumeClaim or Ephemeral for block mode\" or \"must not already exist in volumeMounts\".",
        fix: "Refer to a claim with `volumeMode: Block`, or mount the volume with `volumeMounts`.",
        source: "`ValidateVolumeDevices` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeDevices: [{name: raw, devicePath: /dev/x}]}]
  volumes: [{name: raw, emptyDir: {}}]
"#,
    good: "\
-  volumes: [{name: raw, emptyDir: {}}]
+  volumes: [{name: raw, persistentVolumeClaim: {claimName: raw}}]
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("volumeDevices", container.fields.volume_devices);
        let mounts =
            |field: &str| container.fields.volume_mounts.items().iter().map(move |mount| mount[field].text()).collect();
        let (mount_names, mount_paths): (HashSet<&str>, HashSet<&str>) = (mounts("name"), mounts("mountPath"));
        let repeated = |field: &str| list.repeats(field);
        let (same_names, same_paths) = (repeated("name"), repeated("devicePath"));
        for (index, device) in list.items().enumerate() {
            let (at, path) = (device.get("name"), device.get("devicePath"));
            let name = at.text();
            if name.is_empty() {
                faults.add(&at, "`name` is required");
            } else if same_names[index] {
                faults.add(&at, format!("duplicate device `{name}`"));
            }
            match pod.volume(name) {
                None => _ = faults.add(&at, format!("volume `{name}` not found")),
                Some(volume) => {
                    let block = volume.claim
                        || volume.node["persistentVolumeClaim"].is_set()
                        || volume.node["ephemeral"].is_set();
                    if !block {
                        faults.add(
                            &at,
                            format!("the volume `{name}` must be a PersistentVolumeClaim or an ephemeral volume"),
                        );
                    }
                }
            }
            if path.text().is_empty() {
                faults.add(&path, "`devicePath` is required");
            }
            if same_paths[index] {
                faults.add(&path, format!("duplicate device path `{}`", path.text()));
            }
            faults.check(&path, names::path_without_backsteps(path.text()));
            if mount_names.contains(name) {
                faults.add(&at, "the volume is already mounted in the container");
            }
            if mount_paths.contains(path.text()) {
                faults.add(&path, "the path is already used by a volume mount of the container");
            }
        }
    }
}
