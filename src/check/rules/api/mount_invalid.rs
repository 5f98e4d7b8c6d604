//! Rule `mount-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{At, Faults, Pod, enums, pod::Container};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MountInvalid,
    doc: Doc {
        checks: "\
A volume mount must have a `mountPath` that is unique in the container. `subPath` and `subPathExpr`
must be relative paths without `..`, and must not be combined. `mountPropagation` must be `None`,
`HostToContainer` or, in a privileged container, `Bidirectional`. `recursiveReadOnly` (`Enabled` or
`IfPossible`) requires `readOnly: true` and no mount propagation. The volume and the path must not
be used by the `volumeDevices` of the container.",
        why: "\
The API server rejects the object, for instance with \"must be unique\", \"must be a relative path\" or
\"must not contain '..'\".",
        fix: "Change the path, or remove one of the two mounts.",
        source: "`ValidateVolumeMounts` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", volumeMounts: [{name: tmp, mountPath: /tmp, subPath: ../up}]}]
  volumes: [{name: tmp, emptyDir: {}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", volumeMounts: [{name: tmp, mountPath: /tmp, subPath: ../up}]}]
+  containers: [{name: web, image: "web:1", volumeMounts: [{name: tmp, mountPath: /tmp, subPath: sub}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("volumeMounts", container.fields.volume_mounts);
        let devices = |field: &str| {
            container.fields.volume_devices.items().iter().map(move |device| device[field].text()).collect()
        };
        let (device_names, device_paths): (HashSet<&str>, HashSet<&str>) = (devices("name"), devices("devicePath"));
        let repeated = list.repeats("mountPath");
        for (index, mount) in list.items().enumerate() {
            let path = mount.get("mountPath");
            if path.text().is_empty() {
                faults.add(&path, "`mountPath` is required");
            }
            if repeated[index] {
                faults.add(&path, format!("duplicate mount path `{}`", path.text()));
            }
            if device_names.contains(mount.node["name"].text()) {
                faults.breaks(&mount.get("name"), "must not already exist in `volumeDevices`");
            }
            if device_paths.contains(path.text()) {
                faults.breaks(&path, "must not already exist as a path in `volumeDevices`");
            }
            options(container, &list, &mount, faults);
        }
    }
}

/// Validates the options of a mount. The API server reports most of their faults at the list, not at the item.
fn options<'n>(container: &Container<'_>, list: &At<'n, '_>, mount: &At<'n, '_>, faults: &mut Faults<'_, '_>) {
    let node = mount.node;
    let (sub, expression) = (&node["subPath"], &node["subPathExpr"]);
    faults.check(&list.on("subPath", sub), names::descending_path(sub.text()));
    if !expression.text().is_empty() {
        if !sub.text().is_empty() {
            faults.add(&mount.on("subPathExpr", expression), "`subPathExpr` and `subPath` are mutually exclusive");
        }
        faults.check(&list.on("subPathExpr", expression), names::descending_path(expression.text()));
    }
    let propagation = list.on("mountPropagation", &node["mountPropagation"]);
    if propagation.is_set() {
        enums::choice(&propagation, &["None", "HostToContainer", "Bidirectional"], faults);
        if propagation.text() == "Bidirectional"
            && container.fields.security_context["privileged"].as_bool() != Some(true)
        {
            faults.add(&propagation, "`Bidirectional` mount propagation is available only to privileged containers");
        }
    }
    let recursive = list.on("recursiveReadOnly", &node["recursiveReadOnly"]);
    if recursive.is_set() {
        enums::choice(&recursive, &["Disabled", "IfPossible", "Enabled"], faults);
        if matches!(recursive.text(), "Enabled" | "IfPossible") {
            if node["readOnly"].as_bool() != Some(true) {
                faults.breaks(&recursive, "may only be specified when `readOnly` is true");
            }
            if propagation.is_set() && propagation.text() != "None" {
                faults.breaks(&recursive, "may only be specified when `mountPropagation` is `None` or not specified");
            }
        }
    }
}
