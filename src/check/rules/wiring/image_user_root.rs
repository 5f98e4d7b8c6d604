//! Rule `image-user-root`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::node::Node;
use crate::software;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageUserRoot,
    doc: Doc {
        checks: "\
Checks for a pod or container with `runAsNonRoot: true` and without `runAsUser`, whose public image
starts as root or as a user that is given by name. The finding is an error. Images whose user is a
number other than 0 are not reported.",
        why: "\
The kubelet does not start the container (`CreateContainerConfigError`):
`container has runAsNonRoot and image will run as root`, or, for a name,
`image has non-numeric user (…), cannot verify user is non-root`.",
        fix: "Set `runAsUser` to a numeric user that the image can run as.",
        source: "\
https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ and the pages that
`software/` names for each image, listed in docs/services.md.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: prometheus}
spec:
  securityContext: {runAsNonRoot: true}
  containers: [{name: prometheus, image: "prom/prometheus:v2.53.0"}]
"#,
    good: r#"-  securityContext: {runAsNonRoot: true}
+  securityContext: {runAsNonRoot: true, runAsUser: 65534}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        let of_pod = &pod.spec["securityContext"];
        for container in &pod.containers {
            let own = &container.node["securityContext"];
            let field = |name: &str| -> &Node { if own[name].is_set() { &own[name] } else { &of_pod[name] } };
            let required = field("runAsNonRoot");
            if required.as_bool() != Some(true) || field("runAsUser").is_set() {
                continue;
            }
            let user = software::official(container.image()).and_then(|software| software.user(container.image()));
            // The kubelet can verify a numeric user.
            let Some(user) = user.filter(|user| user.image.parse::<u32>().is_err()) else { continue };
            let name = container.name();
            let message = match user.image.as_str() {
                "root" => format!("container `{name}` has runAsNonRoot and its image will run as root"),
                other => {
                    format!("container `{name}` has runAsNonRoot and its image has the non-numeric user `{other}`")
                }
            };
            let draft = report
                .at(pod.object, &container.node["image"], message)
                .severity(Severity::Error)
                .related(required.origin.span, "required here");
            match user.id(container.image()) {
                Some(id) => draft.help(format!("set `runAsUser`, for example to {id}")),
                None => draft.help("set `runAsUser` to a numeric user that the image can run as"),
            };
        }
    }
}
