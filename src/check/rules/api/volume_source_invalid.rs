//! Rule `volume-source-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, volumes};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::VolumeSourceInvalid,
    doc: Doc {
        checks: "\
A volume has one source (none at all makes an emptyDir), and each source has its own needs: a
ConfigMap volume a `name`, a Secret volume a `secretName`, a claim a `claimName`, a host path a
`path` without `..` and a known `type`; the keys projected into files need a `key` and a relative
`path`; file modes are between 0 and 511 (0777 in octal: YAML 1.2 reads `0755` as 755).",
        why: "",
        fix: "",
        source: "`validateVolumeSource`.",
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
