//! Rule `pod-annotation-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, pod::Container};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodAnnotationDeprecated,
    doc: Doc {
        checks: "\
`scheduler.alpha.kubernetes.io/critical-pod`, the sysctl annotations and the seccomp annotations do
nothing in today's clusters; the AppArmor ones are deprecated. Each has a field in the pod's spec
instead. The server warns.",
        why: "",
        fix: "",
        source: "`warningsForPodSpecAndMeta`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {scheduler.alpha.kubernetes.io/critical-pod: ""}}
spec:
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {example.com/critical-pod: ""}}
spec:
  priorityClassName: high
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let annotations = &pod.template["metadata"]["annotations"];
    if annotations.entries().is_empty() {
        return;
    }
    let own = &pod.spec.security_context;
    // Beside the field the annotation is only for old nodes.
    let has_field = |name: &str, field: &str| {
        let of =
            |container: &Container<'_>| container.name() == name && container.fields.security_context[field].is_set();
        own[field].is_set() || pod.containers.iter().any(of)
    };
    let template = pod.template_at();
    let metadata = template.on("metadata", &pod.template["metadata"]);
    for (key, at) in metadata.on("annotations", annotations).keys() {
        let instead = match key {
            "scheduler.alpha.kubernetes.io/critical-pod" => "priorityClassName",
            "security.alpha.kubernetes.io/sysctls" | "security.alpha.kubernetes.io/unsafe-sysctls" => {
                "securityContext.sysctls"
            }
            SECCOMP_POD if own["seccompProfile"].is_null() => "securityContext.seccompProfile",
            _ => match (key.strip_prefix(SECCOMP), key.strip_prefix(APP_ARMOR)) {
                (Some(name), _) if !has_field(name, "seccompProfile") => "securityContext.seccompProfile",
                (_, Some(name)) if !has_field(name, "appArmorProfile") => "securityContext.appArmorProfile",
                _ => continue,
            },
        };
        faults.add(&at, format!("the annotation `{key}` is deprecated")).help(format!("use the field `{instead}`"));
    }
}
