//! Rule `pod-security`.

use crate::check::Purpose;
use crate::check::rules::security::_standards::{Level, Violation, violations};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Pod;
use crate::kube::KubernetesVersion;
use crate::node::Node;
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodSecurity,
    doc: Doc {
        checks: "\
Checks pods against the level of the Pod Security Standards that their namespace enforces with the
label `pod-security.kubernetes.io/enforce`: `baseline` or `restricted`. All controls of both levels
are checked, in the version that `enforce-version` names (`v1.29`), or in that of the cluster
(`latest`, or without the label).

A violation of `enforce` is an error if the namespace and the workload are in one file, or if the
manifests are complete (`--complete`, `--profile`, `render`), otherwise a warning. The labels `warn`
and `audit` reject nothing: a violation of `warn` is a warning, one of `audit` a note. In a
production environment of a profile, a violation of `restricted` is a warning.",
        why: "\
The API server rejects the Pod. A Deployment, Job or other workload is accepted, but its pods are
not created; only the event `FailedCreate` of the ReplicaSet or Job shows the cause
(`violates PodSecurity \"restricted:latest\"`).",
        fix: "\
Set the fields of `securityContext` that the message names, or lower the level of the namespace.",
        source: "\
https://kubernetes.io/docs/concepts/security/pod-security-standards/ and
https://kubernetes.io/docs/concepts/security/pod-security-admission/.",
    },
    bad: r#"apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: strict}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
"#,
    good: r#"-spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
+spec:
+  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
+  containers:
+  - name: web
+    image: ghcr.io/acme/web:v1
+    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let version = bundle.options.kubernetes_version;
    for pod in &graph.pods {
        let namespace = graph.find("Namespace", "", pod.namespace());
        let found = ["enforce", "warn", "audit"].into_iter().find_map(|mode| {
            let namespace = namespace?;
            let requirement = Requirement::of(namespace, mode, version)?;
            let violations = violations(pod, requirement.level, requirement.minor);
            (!violations.is_empty()).then_some((mode, requirement, violations, namespace))
        });
        if let Some((mode, requirement, violations, namespace)) = found {
            let severity = match mode {
                "enforce" => bundle.between(pod.object, namespace),
                "warn" => Severity::Warning,
                _ => Severity::Note,
            };
            let source = (requirement.label.origin.span, format!("the level of the namespace ({mode})"));
            report_violations(pod, &requirement, &violations, (severity, mode == "enforce"), report, Some(source));
        } else if bundle.options.purpose == Purpose::Production {
            let requirement = Requirement {
                level: Level::Restricted,
                minor: version.minor(),
                version: "latest",
                label: Node::absent(),
            };
            let violations = violations(pod, requirement.level, requirement.minor);
            if !violations.is_empty() {
                report_violations(pod, &requirement, &violations, (Severity::Warning, false), report, None);
            }
        }
    }
}

/// The level and version that a label of a namespace requires.
struct Requirement<'a> {
    level: Level,
    /// The minor version of the standards.
    minor: u8,
    /// The version as in the label, or `latest`.
    version: &'a str,
    label: &'a Node,
}

impl<'a> Requirement<'a> {
    fn of(namespace: &'a Object, mode: &str, cluster: KubernetesVersion) -> Option<Self> {
        let labels = &namespace.node["metadata"]["labels"];
        let label = &labels[format!("pod-security.kubernetes.io/{mode}").as_str()];
        let version = labels[format!("pod-security.kubernetes.io/{mode}-version").as_str()].text();
        let minor = version.strip_prefix("v1.").and_then(|minor| minor.parse::<u8>().ok());
        Some(Self {
            level: Level::of(label.text())?,
            // A version that is newer than the cluster means that of the cluster.
            minor: minor.map_or(cluster.minor(), |minor| minor.min(cluster.minor())),
            version: if minor.is_some() { version } else { "latest" },
            label,
        })
    }
}

fn report_violations(
    pod: &Pod<'_>,
    requirement: &Requirement<'_>,
    violations: &[Violation<'_>],
    (severity, is_enforced): (Severity, bool),
    report: &mut Report<'_>,
    source: Option<(crate::source::Span, String)>,
) {
    let details: Vec<String> =
        violations.iter().map(|violation| format!("{} ({})", violation.reason, violation.detail)).collect();
    let (level, version) = (requirement.level.name(), requirement.version);
    let violates = format!("PodSecurity \"{level}:{version}\": {}", details.join(", "));
    let message = match (is_enforced, pod.object.kind()) {
        (true, "Pod") => format!("the pod will be rejected: it violates {violates}"),
        (true, _) => format!("the pods will be rejected: they violate {violates}"),
        (false, _) => format!("the pods violate {violates}"),
    };
    let fixes: Vec<&str> = violations.iter().map(|violation| violation.fix).collect();
    let draft = report.at(pod.object, violations[0].node, message).severity(severity).help(fixes.join("; "));
    if let Some((span, words)) = source {
        draft.related(span, words);
    }
}
