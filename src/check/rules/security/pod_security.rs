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
A namespace with the label `pod-security.kubernetes.io/enforce` admits pods of that level of the Pod
Security Standards only, `baseline` or `restricted`. All controls of both levels are checked, in the
version that `enforce-version` names (`v1.29`), or the cluster's (`latest`, and where the label is
absent).",
        why: "\
The API server rejects such a Pod. A Deployment, Job or other workload is accepted, and its pods are
rejected when they are to be created: there are none, and only events of the ReplicaSet or Job say
why. That is an error where one file holds the namespace and the workload, or the manifests are
whole, else a warning. The labels `warn` and `audit` reject nothing: what `kubectl` would warn of is
a warning, what is only audited a note. In production (`restricted` asked for by the profile's
environment) a violation is a warning.",
        fix: "Set what the message names in `securityContext`, or lower the level of the namespace.",
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
            let demand = Demand::of(namespace, mode, version)?;
            let violations = violations(pod, demand.level, demand.minor);
            (!violations.is_empty()).then_some((mode, demand, violations, namespace))
        });
        if let Some((mode, demand, violations, namespace)) = found {
            let severity = match mode {
                "enforce" => bundle.between(pod.object, namespace),
                "warn" => Severity::Warning,
                _ => Severity::Note,
            };
            let asks = (demand.label.origin.span, format!("the namespace asks for it ({mode})"));
            tell(pod, &demand, &violations, (severity, mode == "enforce"), report, Some(asks));
        } else if bundle.options.purpose == Purpose::Production {
            let demand =
                Demand { level: Level::Restricted, minor: version.minor(), version: "latest", label: Node::absent() };
            let violations = violations(pod, demand.level, demand.minor);
            if !violations.is_empty() {
                tell(pod, &demand, &violations, (Severity::Warning, false), report, None);
            }
        }
    }
}

/// What a label of a namespace asks of its pods.
struct Demand<'a> {
    level: Level,
    /// The minor version of the standards.
    minor: u8,
    /// The version as the label names it.
    version: &'a str,
    label: &'a Node,
}

impl<'a> Demand<'a> {
    fn of(namespace: &'a Object, mode: &str, cluster: KubernetesVersion) -> Option<Self> {
        let labels = &namespace.node["metadata"]["labels"];
        let label = &labels[format!("pod-security.kubernetes.io/{mode}").as_str()];
        let version = labels[format!("pod-security.kubernetes.io/{mode}-version").as_str()].text();
        let minor = version.strip_prefix("v1.").and_then(|minor| minor.parse::<u8>().ok());
        Some(Self {
            level: Level::of(label.text())?,
            // Of a version that the cluster does not know yet it takes the newest it knows.
            minor: minor.map_or(cluster.minor(), |minor| minor.min(cluster.minor())),
            version: if minor.is_some() { version } else { "latest" },
            label,
        })
    }
}

fn tell(
    pod: &Pod<'_>,
    demand: &Demand<'_>,
    violations: &[Violation<'_>],
    (severity, is_enforced): (Severity, bool),
    report: &mut Report<'_>,
    asks: Option<(crate::source::Span, String)>,
) {
    let words: Vec<String> =
        violations.iter().map(|violation| format!("{} ({})", violation.reason, violation.detail)).collect();
    let (level, version) = (demand.level.name(), demand.version);
    let violates = format!("PodSecurity \"{level}:{version}\": {}", words.join(", "));
    let message = match (is_enforced, pod.object.kind()) {
        (true, "Pod") => format!("the pod will be rejected: it violates {violates}"),
        (true, _) => format!("the pods will be rejected: they violate {violates}"),
        (false, _) => format!("the pods violate {violates}"),
    };
    let fixes: Vec<&str> = violations.iter().map(|violation| violation.fix).collect();
    let draft = report.at(pod.object, violations[0].node, message).severity(severity).help(fixes.join("; "));
    if let Some((span, words)) = asks {
        draft.related(span, words);
    }
}
