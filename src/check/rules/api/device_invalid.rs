//! Rule `device-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report, names};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DeviceInvalid,
    doc: "\
A `volumeDevices` entry names a volume that is a PersistentVolumeClaim or an ephemeral one, once in a container and
not mounted as well, and has a `devicePath` of its own without `..`.

Source: `ValidateVolumeDevices`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeDevices: [{name: raw, devicePath: /dev/x}]}]
  volumes: [{name: raw, emptyDir: {}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeDevices: [{name: raw, devicePath: /dev/x}]}]
  volumes: [{name: raw, persistentVolumeClaim: {claimName: raw}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
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
            let say = &mut pod.sayer(report);
            if name.is_empty() {
                say(&at, "the device names no volume".to_owned());
            } else if same_names[index] {
                say(&at, format!("the volume `{name}` is a device twice"));
            }
            match pod.volume(name) {
                None => say(&at, format!("there is no valid volume `{name}`")),
                Some(volume) => {
                    let block = volume.claim
                        || volume.node["persistentVolumeClaim"].is_set()
                        || volume.node["ephemeral"].is_set();
                    if !block {
                        say(&at, format!("the volume `{name}` must be a claim or an ephemeral volume to be a device"));
                    }
                }
            }
            if path.text().is_empty() {
                say(&path, "the device has no path".to_owned());
            }
            if same_paths[index] {
                say(&path, format!("two devices of the container have the path `{}`", path.text()));
            }
            if let Err(form) = names::path_without_backsteps(path.text()) {
                say(&path, format!("the path {form}"));
            }
            if mount_names.contains(name) {
                say(&at, "the volume is mounted in the container already".to_owned());
            }
            if mount_paths.contains(path.text()) {
                say(&path, "the path is mounted in the container already".to_owned());
            }
        }
    }
}
