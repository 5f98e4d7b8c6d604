//! Rule `node-selector-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeSelectorInvalid,
    doc: Doc {
        checks: "The keys of `nodeSelector` must be qualified names, and its values must be label values.",
        why: "The API server rejects the object. A node cannot have such a label.",
        fix: "Use a label that the nodes have: `kubectl get nodes --show-labels`.",
        source: "`ValidateLabels` in `k8s.io/apimachinery/pkg/apis/meta/v1/validation`.",
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
