//! Rule `volume-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeDeprecated,
    doc: Doc {
        checks: "\
A pod has a volume of the type gitRepo, glusterfs, rbd, cephfs, flocker, quobyte, storageos, scaleIO
or photonPersistentDisk.",
        why: "\
The API server accepts the object with a warning, such as \"deprecated in v1.25, non-functional in
v1.26+\". A pod with a volume type that no longer works does not start.",
        fix: "Use a CSI driver for the storage; clone a repository in an init container into an `emptyDir`.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
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

/// The deprecated types and their status.
const TYPES: &[(&str, &str)] = &[
    ("photonPersistentDisk", "is non-functional since Kubernetes 1.16"),
    ("gitRepo", "is deprecated: clone the repository in an init container"),
    ("scaleIO", "is non-functional since Kubernetes 1.22"),
    ("flocker", "is non-functional since Kubernetes 1.25"),
    ("storageos", "is non-functional since Kubernetes 1.25"),
    ("quobyte", "is non-functional since Kubernetes 1.25"),
    ("glusterfs", "is non-functional since Kubernetes 1.26"),
    ("cephfs", "is non-functional since Kubernetes 1.31"),
    ("rbd", "is non-functional since Kubernetes 1.31"),
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
