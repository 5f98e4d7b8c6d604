//! Rule `mount-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Pod, Report, enums, names, pod::Container, selector::Say};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MountInvalid,
    doc: "\
A mount needs a `mountPath` that no other mount of the container has. `subPath` and `subPathExpr` are relative,
without `..`, and exclude each other. `mountPropagation` is None, HostToContainer or, for privileged containers,
Bidirectional. `recursiveReadOnly` needs `readOnly` and no propagation.

Source: `ValidateVolumeMounts`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeMounts: [{name: tmp, mountPath: /tmp, subPath: ../up}]}]
  volumes: [{name: tmp, emptyDir: {}}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeMounts: [{name: tmp, mountPath: /tmp, subPath: sub}]}]
  volumes: [{name: tmp, emptyDir: {}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("volumeMounts", container.fields.volume_mounts);
        let devices = |field: &str| {
            container.fields.volume_devices.items().iter().map(move |device| device[field].text()).collect()
        };
        let (device_names, device_paths): (HashSet<&str>, HashSet<&str>) = (devices("name"), devices("devicePath"));
        let repeated = list.repeats("mountPath");
        for (index, mount) in list.items().enumerate() {
            let say = &mut pod.sayer(report);
            let path = mount.get("mountPath");
            if path.text().is_empty() {
                say(&path, "the mount has no path".to_owned());
            }
            if repeated[index] {
                say(&path, format!("two mounts of the container have the path `{}`", path.text()));
            }
            if device_names.contains(mount.node["name"].text()) {
                say(&mount.get("name"), "the volume is a device of the container already".to_owned());
            }
            if device_paths.contains(path.text()) {
                say(&path, "the path is a device of the container already".to_owned());
            }
            options(container, &list, &mount, say);
        }
    }
}

/// The server names the list, not the item, for most of these.
fn options<'n>(container: &Container<'_>, list: &At<'n, '_>, mount: &At<'n, '_>, say: Say<'_, 'n>) {
    let node = mount.node;
    let (sub, expression) = (&node["subPath"], &node["subPathExpr"]);
    if let Err(form) = names::descending_path(sub.text()) {
        say(&list.on("subPath", sub), format!("the path {form}"));
    }
    if !expression.text().is_empty() {
        if !sub.text().is_empty() {
            say(&mount.on("subPathExpr", expression), "cannot stand beside `subPath`".to_owned());
        }
        if let Err(form) = names::descending_path(expression.text()) {
            say(&list.on("subPathExpr", expression), format!("the path {form}"));
        }
    }
    let propagation = list.on("mountPropagation", &node["mountPropagation"]);
    if propagation.is_set() {
        enums::choice(&propagation, &["None", "HostToContainer", "Bidirectional"], say);
        if propagation.text() == "Bidirectional"
            && container.fields.security_context["privileged"].as_bool() != Some(true)
        {
            say(&propagation, "`Bidirectional` is for privileged containers only".to_owned());
        }
    }
    let recursive = list.on("recursiveReadOnly", &node["recursiveReadOnly"]);
    if recursive.is_set() {
        enums::choice(&recursive, &["Disabled", "IfPossible", "Enabled"], say);
        if matches!(recursive.text(), "Enabled" | "IfPossible") {
            if node["readOnly"].as_bool() != Some(true) {
                say(&recursive, "needs `readOnly: true`".to_owned());
            }
            if propagation.is_set() && propagation.text() != "None" {
                say(&recursive, "needs the mount propagation `None`".to_owned());
            }
        }
    }
}
