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
    doc: "\
The keys of `nodeSelector` are qualified names, its values label values.

Source: `ValidateLabels`.",
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

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.spec.node_selector.is_null() {
        return;
    }
    let spec = pod.at();
    let at = spec.on("nodeSelector", pod.spec.node_selector);
    selector::labels(&at, &mut pod.sayer(report));
}
