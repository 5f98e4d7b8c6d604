//! Rule `template-metadata-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod, pod::Workload, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TemplateMetadataInvalid,
    doc: Doc {
        checks: "\
The keys of labels and annotations of a pod template must be qualified names. The value of a label
must be at most 63 letters, digits, `-`, `_` and `.`, and start and end with a letter or digit. A
Job or ReplicationController without labels gets those of its template, so that their faults are
reported for both. The metadata of a Pod is checked by `label-invalid` and `annotation-invalid`.",
        why: "\
The API server rejects the object, with \"a valid label must be an empty string or consist of
alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character\".",
        fix: "\
Replace the characters that are not allowed (`1.2.3+build` becomes `1.2.3_build`), or move the value
into an annotation.",
        source: "\
`ValidatePodTemplateSpec` in `pkg/apis/core/validation` and `SetDefaults_Job` in
`pkg/apis/batch/v1`.",
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
    // The metadata of a Pod is checked like that of any other object.
    if pod.workload == Workload::Pod {
        return;
    }
    let metadata = &pod.template["metadata"];
    let (at, faults) = (pod.template_at(), faults);
    // The API server omits `metadata` in these paths.
    let labels = at.on("labels", &metadata["labels"]);
    selector::labels(&labels, faults);
    selector::annotations(&at.on("annotations", &metadata["annotations"]), faults);
    let own = pod.object.node.at(&["metadata", "labels"]);
    if matches!(pod.workload, Workload::Job | Workload::ReplicationController) && own.entries().is_empty() {
        selector::labels(&At::root("metadata.labels", labels.node), faults);
    }
}
