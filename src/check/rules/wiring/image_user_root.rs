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
The pod or container asks for `runAsNonRoot: true` and does not say `runAsUser`, and the public
image starts as root, or as a user that is given by name. The kubelet does not start it
(CreateContainerConfigError): it cannot verify from a name that the user is not root. Set
`runAsUser` to a numeric user that the image can run as. Sources: the pages that `software/` names
for each image (docs/services.md),
https://kubernetes.io/docs/tasks/configure-pod-container/security-context/.",
        why: "",
        fix: "",
        source: "",
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
            let asked = field("runAsNonRoot");
            if asked.as_bool() != Some(true) || field("runAsUser").is_set() {
                continue;
            }
            let user = software::official(container.image()).and_then(|software| software.user(container.image()));
            // A number that is not 0 can be verified.
            let Some(user) = user.filter(|user| user.image.parse::<u32>().is_err()) else { continue };
            let name = container.name();
            let message = match user.image.as_str() {
                "root" => format!("container `{name}` must not run as root, and its image does"),
                other => {
                    format!("container `{name}` must not run as root, and its image has the non-numeric user `{other}`")
                }
            };
            let draft = report
                .at(pod.object, &container.node["image"], message)
                .severity(Severity::Error)
                .related(asked.origin.span, "asked for here");
            match user.id(container.image()) {
                Some(id) => draft.help(format!("set runAsUser, for example to {id}")),
                None => draft.help("set runAsUser to a user that the image can run as"),
            };
        }
    }
}
