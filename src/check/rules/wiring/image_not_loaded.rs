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
With `imagePullPolicy: Never` the image must be on the node under this very name. What podman builds
is called `localhost/<name>:<tag>`; without the prefix the kubelet means `docker.io/library/<name>`
and answers ErrImageNeverPull. Images that docker built and `kind load docker-image` loaded have
that name, so for programs that are not known it is a warning.",
        why: "",
        fix: "",
        source: "",
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
            let severity = if built.is_some() || bundle.options.whole { Severity::Error } else { Severity::Warning };
            report
                .at(
                    pod.object,
                    &container.node["image"],
                    format!("`{image}` is never pulled, and no node has an image of this name"),
                )
                .severity(severity)
                .label("without a registry it means docker.io")
                .related(container.node["imagePullPolicy"].origin.span, "never pulled")
                .help(format!("an image that podman built is `localhost/{image}`"));
        }
    }
}
