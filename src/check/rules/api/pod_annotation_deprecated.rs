//! Rule `pod-annotation-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, pod::Container};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodAnnotationDeprecated,
    doc: Doc {
        checks: "\
A pod has the annotation `scheduler.alpha.kubernetes.io/critical-pod`, or a sysctl, seccomp or
AppArmor annotation. Nothing is reported for a seccomp or AppArmor annotation together with the
field that replaces it.",
        why: "\
The sysctl, seccomp and critical-pod annotations no longer have an effect; the AppArmor annotations
are deprecated. The API server accepts the object with a warning, such as \"non-functional in v1.16+;
use the \"priorityClassName\" field instead\".",
        fix: "Use the field that the finding names.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
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
    // With the field set, the annotation is only there for old nodes.
    let has_field = |name: &str, field: &str| {
        let is_set =
            |container: &Container<'_>| container.name() == name && container.fields.security_context[field].is_set();
        own[field].is_set() || pod.containers.iter().any(is_set)
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
