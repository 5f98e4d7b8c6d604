//! Rule `volume-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeDeprecated,
    doc: Doc {
        checks: "\
gitRepo, glusterfs, rbd, cephfs, flocker, quobyte, storageos, scaleIO and photonPersistentDisk
volumes are deprecated; most of them no longer work. The server warns.",
        why: "",
        fix: "",
        source: "`warningsForPodSpecAndMeta`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: code, gitRepo: {repository: "https://git.example/x"}}]
"#,
    good: r#"-  volumes: [{name: code, gitRepo: {repository: "https://git.example/x"}}]
+  volumes: [{name: code, emptyDir: {}}]
"#,
    check: Check::Pod(check),
};

/// The types, and since when they do nothing.
const TYPES: &[(&str, &str)] = &[
    ("photonPersistentDisk", "does nothing since 1.16"),
    ("gitRepo", "is deprecated; an init container that clones is the usual way"),
    ("scaleIO", "does nothing since 1.22"),
    ("flocker", "does nothing since 1.25"),
    ("storageos", "does nothing since 1.25"),
    ("quobyte", "does nothing since 1.25"),
    ("glusterfs", "does nothing since 1.26"),
    ("cephfs", "does nothing since 1.31"),
    ("rbd", "does nothing since 1.31"),
];

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    for volume in spec.on("volumes", pod.spec.volumes).items() {
        for (field, why) in TYPES {
            let at = volume.get(field);
            if at.is_set() {
                faults.add(&at, format!("a `{field}` volume {why}"));
            }
        }
    }
}
