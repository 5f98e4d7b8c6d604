//! Rule `volume-source-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, volumes};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeSourceInvalid,
    doc: Doc {
        checks: "\
A volume must have at most one source (without one it is an `emptyDir`), and each source has
required fields: a ConfigMap volume `name`, a Secret volume `secretName`, a claim `claimName`, a
host path a `path` without `..` and a known `type`. Keys that are projected into files must have a
`key` and a relative `path`. File modes must be between 0 and 511 (0777 in octal; YAML 1.2 reads
`0755` as 755).",
        why: "\
The API server rejects the object, for instance with \"must be a number between 0 and 0777 (octal),
both inclusive\".",
        fix: "Set the required field; write file modes in decimal (493 for 0755).",
        source: "`validateVolumeSource` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1"}]
  volumes: [{name: v, configMap: {defaultMode: 755}}]
"#,
    good: "\
-  volumes: [{name: v, configMap: {defaultMode: 755}}]
+  volumes: [{name: v, configMap: {name: app, defaultMode: 493}}]
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for index in 0..pod.volumes.len() {
        volumes::source(pod, index, faults);
    }
}
