//! Rule `image-not-loaded`.

use crate::check::rules::wiring::_shared::registry;
use crate::check::rules::wiring::image_text_invalid::fault;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageNotLoaded,
    doc: Doc {
        checks: "\
Checks for images without a registry and with `imagePullPolicy: Never`. Images that podman builds
are named `localhost/<name>:<tag>`. The finding is a warning, since images that Docker built and
`kind load docker-image` loaded have the short name. It is an error for a known service that is
built with the prefix `localhost/`, and if the manifests are complete (`--complete`, `--profile`,
`render`).",
        why: "\
An image name without a registry means `docker.io/library/<name>`. If the node has no image with
that name, the pod stays in `ErrImageNeverPull`
(`Container image \"…\" is not present with pull policy of Never`).",
        fix: "Use the name under which the image is on the nodes, such as `localhost/<name>:<tag>`.",
        source: "\
https://kubernetes.io/docs/concepts/containers/images/#image-names and
https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: datastorage}
spec:
  containers:
  - name: datastorage
    image: kubernaut-datastorage:latest
    imagePullPolicy: Never
"#,
    good: "\
-    image: kubernaut-datastorage:latest
+    image: localhost/kubernaut-datastorage:latest
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let image = container.image();
            let never = container.node["imagePullPolicy"].text() == "Never";
            if !never || image.is_empty() || registry(image).is_some() || fault(image).is_some() {
                continue;
            }
            let known = graph.known_as(at, number);
            let built =
                known.and_then(|view| view.service.image.as_deref()).filter(|built| built.starts_with("localhost/"));
            let severity = if built.is_some() || bundle.options.complete { Severity::Error } else { Severity::Warning };
            report
                .at(
                    pod.object,
                    &container.node["image"],
                    format!("`{image}` is never pulled, but images that podman builds are named `localhost/…`"),
                )
                .severity(severity)
                .label("means `docker.io/library/…`")
                .related(container.node["imagePullPolicy"].origin.span, "never pulled")
                .help(format!("use `localhost/{image}` for an image that podman built"));
        }
    }
}
