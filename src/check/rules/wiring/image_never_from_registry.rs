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
An image of a registry is there only if somebody pulled or loaded it onto every node by hand; with
`imagePullPolicy: Never` the kubelet will not fetch it, and the pod stays in ErrImageNeverPull. Say
`IfNotPresent`.",
        why: "",
        fix: "",
        source: "",
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
            let severity = if known || bundle.options.whole { Severity::Error } else { Severity::Warning };
            report
                .at(pod.object, policy, format!("an image of `{registry}` is never pulled"))
                .severity(severity)
                .related(container.node["image"].origin.span, "the image")
                .help("say `imagePullPolicy: IfNotPresent`");
        }
    }
}

/// Registries that stand for the machine itself.
fn is_local(registry: &str) -> bool {
    let host = registry.split(':').next().unwrap_or(registry);
    matches!(
        host,
        "localhost" | "127.0.0.1" | "kind.local" | "ko.local" | "dev.local" | "kind-registry" | "registry.local"
    ) || host.ends_with(".local")
}
