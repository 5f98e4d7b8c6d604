//! Rule `template-metadata-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod, pod::Workload, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TemplateMetadataInvalid,
    doc: Doc {
        checks: "\
Label keys and annotation keys are qualified names, label values at most 63 letters, digits, `-`,
`_` and `.` with a letter or digit at both ends. A Job without labels takes those of its template.",
        why: "",
        fix: "",
        source: "`ValidatePodTemplateSpec`, `SetDefaults_Job`.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: 1.2.3+build}}
    spec:
      containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-    metadata: {labels: {app: web, version: 1.2.3+build}}
+    metadata: {labels: {app: web, version: 1.2.3_build}}
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    // A pod's own metadata is an object's like any other.
    if pod.workload == Workload::Pod {
        return;
    }
    let metadata = &pod.template["metadata"];
    let (at, faults) = (pod.template_at(), faults);
    // The server leaves `metadata` out of these paths.
    let labels = at.on("labels", &metadata["labels"]);
    selector::labels(&labels, faults);
    selector::annotations(&at.on("annotations", &metadata["annotations"]), faults);
    let own = pod.object.node.at(&["metadata", "labels"]);
    if matches!(pod.workload, Workload::Job | Workload::ReplicationController) && own.entries().is_empty() {
        selector::labels(&At::root("metadata.labels", labels.node), faults);
    }
}
