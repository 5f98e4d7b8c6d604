//! Rule `node-selector-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeSelectorInvalid,
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
