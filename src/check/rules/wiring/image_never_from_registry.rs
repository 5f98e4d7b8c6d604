//! Rule `image-never-from-registry`.

use crate::check::rules::wiring::_shared::registry;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageNeverFromRegistry,
    doc: Doc {
        checks: "\
Checks for images from a registry with `imagePullPolicy: Never`. The finding is a warning, since the
image may be preloaded on every node. It is an error for a known service, and if the manifests are
complete (`--complete`, `--profile`, `render`). Nothing is reported for registries that stand for
the local machine, such as `localhost:5000`, `kind.local` or `ko.local`.",
        why: "\
The kubelet does not pull the image. Unless somebody has pulled or loaded it onto the node, the pod
stays in `ErrImageNeverPull` (`Container image \"…\" is not present with pull policy of Never`).",
        fix: "Set `imagePullPolicy: IfNotPresent`.",
        source: "https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: datastorage}
spec: {containers: [{name: datastorage, image: "quay.io/acme/datastorage:v1", imagePullPolicy: Never}]}
"#,
    good: r#"-spec: {containers: [{name: datastorage, image: "quay.io/acme/datastorage:v1", imagePullPolicy: Never}]}
+spec: {containers: [{name: datastorage, image: "quay.io/acme/datastorage:v1", imagePullPolicy: IfNotPresent}]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let policy = &container.node["imagePullPolicy"];
            let Some(registry) =
                registry(container.image()).filter(|registry| policy.text() == "Never" && !is_local(registry))
            else {
                continue;
            };
            let known = graph.known_as(at, number).is_some();
            let severity = if known || bundle.options.complete { Severity::Error } else { Severity::Warning };
            report
                .at(pod.object, policy, format!("the image from `{registry}` is never pulled"))
                .severity(severity)
                .related(container.node["image"].origin.span, "the image")
                .help("set `imagePullPolicy: IfNotPresent`");
        }
    }
}

/// Whether a registry is on the local machine.
fn is_local(registry: &str) -> bool {
    let host = registry.split(':').next().unwrap_or(registry);
    matches!(
        host,
        "localhost" | "127.0.0.1" | "kind.local" | "ko.local" | "dev.local" | "kind-registry" | "registry.local"
    ) || host.ends_with(".local")
}
