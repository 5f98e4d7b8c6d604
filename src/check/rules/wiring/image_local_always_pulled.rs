//! Rule `image-local-always-pulled`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::image_name;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageLocalAlwaysPulled,
    doc: Doc {
        checks: "\
Checks for images named `localhost/…` that are always pulled: with `imagePullPolicy: Always`, or
without a pull policy and with the tag `latest` or no tag, for which `Always` is the default. Such
an image was built on a machine and loaded into the nodes; no registry has it. The finding is a
warning. A registry with a port (`localhost:5000/…`) is not reported.",
        why: "\
The kubelet pulls from a registry at `localhost` on the node, and the pod stays in `ErrImagePull`
although the image is on the node.",
        fix: "Set `imagePullPolicy: IfNotPresent` or `Never`, or give the image a tag other than `latest`.",
        source: "\
https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting and
https://kind.sigs.k8s.io/docs/user/quick-start/#loading-an-image-into-your-cluster.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "localhost/web:latest"}]}
"#,
    good: r#"-spec: {containers: [{name: web, image: "localhost/web:latest"}]}
+spec: {containers: [{name: web, image: "localhost/web:latest", imagePullPolicy: IfNotPresent}]}
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let image = container.fields.image.text();
        if !image.starts_with("localhost/") {
            continue;
        }
        let suffix = &image[image_name(image).len()..];
        let is_latest = matches!(suffix, "" | ":latest");
        let (field, node, policy) = match container.fields.image_pull_policy.text() {
            "Always" => ("imagePullPolicy", container.fields.image_pull_policy, "is always pulled"),
            "" if is_latest => ("image", container.fields.image, "is always pulled by default"),
            _ => continue,
        };
        let at = container.at();
        faults
            .add(&at.on(field, node), format!("`{image}` {policy}, but no registry has it"))
            .label("pulled from a registry at localhost")
            .help("set `imagePullPolicy: IfNotPresent` for an image that is loaded into the nodes");
    }
}
