//! Rule `image-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageInvalid,
    doc: Doc {
        checks: "\
A container must have an `image`. In a Pod the image must not start or end with whitespace; in a pod
template the API server does not check this, and nothing is reported. `imagePullPolicy` must be
`Always`, `IfNotPresent` or `Never`.",
        why: "\
The API server rejects the object, for instance with \"must not have leading or trailing whitespace\".
In a pod template whitespace is only noticed on the node, where the image cannot be pulled.",
        fix: "Set the image, or one of the three policies.",
        source: "\
`validateContainerCommon`, `validateContainerOnlyForPod` and `validatePullPolicy` in
`pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: ""}]
"#,
    good: r#"-  containers: [{name: web, image: ""}]
+  containers: [{name: web, image: "web:1", imagePullPolicy: IfNotPresent}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let image = parent.on("image", container.fields.image);
        if image.text().is_empty() {
            faults.add(&image, format!("`image` of container `{}` is required", container.name()));
        } else if pod.workload == Workload::Pod && image.text().trim() != image.text() {
            faults.breaks(&image, "must not have leading or trailing whitespace");
        }
        let policy = parent.on("imagePullPolicy", container.fields.image_pull_policy);
        enums::choice_or_empty(&policy, &["Always", "IfNotPresent", "Never"], faults);
    }
}
