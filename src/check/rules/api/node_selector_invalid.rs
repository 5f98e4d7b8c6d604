//! Rule `node-selector-invalid`.

use crate::check::primitives::selector;
use crate::check::{Check, Family, Pod, Report, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "node-selector-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "the node selector holds what no label can be",
    doc: "The keys of `nodeSelector` are qualified names, its values label values. Labels of nodes that Kubernetes has renamed (`beta.kubernetes.io/os` and the like) are a warning. Source: `ValidateLabels`, `GetNodeLabelDeprecatedMessage`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeSelector: {disk: "fast and big"}
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeSelector: {disk: fast}
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

/// The old labels of nodes and what they are called now.
const RENAMED: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.spec.node_selector.is_null() {
        return;
    }
    let spec = pod.at();
    let at = spec.on("nodeSelector", pod.spec.node_selector);
    selector::labels(&at, &mut pod.sayer(report));
    for (key, value) in at.keys() {
        if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
            let draft = pod.say(report, &value, format!("the node label `{key}` is deprecated"));
            draft.severity(Severity::Warning).help(format!("use `{new}`"));
        }
    }
}
