//! Rule `image-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, enums, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageInvalid,
    doc: Doc {
        checks: "\
A container needs an `image`; in a bare Pod it must not begin or end with a blank (in a template
that is only found out on the node). `imagePullPolicy` is Always, IfNotPresent or Never.",
        why: "",
        fix: "",
        source: "`validateContainerCommon`, `validatePullPolicy`.",
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
            faults.add(&image, format!("container `{}` has no image", container.name()));
        } else if pod.workload == Workload::Pod && image.text().trim() != image.text() {
            faults.add(&image, "the image must not begin or end with a blank");
        }
        let policy = parent.on("imagePullPolicy", container.fields.image_pull_policy);
        enums::choice_or_empty(&policy, &["Always", "IfNotPresent", "Never"], faults);
    }
}
