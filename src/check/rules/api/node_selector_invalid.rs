//! Rule `node-selector-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeSelectorInvalid,
    doc: Doc {
        checks: "The keys of `nodeSelector` are qualified names, its values label values.",
        why: "",
        fix: "",
        source: "`ValidateLabels`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeSelector: {disk: "fast and big"}
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  nodeSelector: {disk: \"fast and big\"}\n+  nodeSelector: {disk: fast}\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.node_selector.is_null() {
        return;
    }
    let spec = pod.at();
    let at = spec.on("nodeSelector", pod.spec.node_selector);
    selector::labels(&at, faults);
}
