//! Rule `node-label-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NodeLabelDeprecated,
    doc: Doc {
        checks: "\
`nodeSelector`, node affinity or a topology key uses a node label that Kubernetes has renamed, such
as `beta.kubernetes.io/os`, now `kubernetes.io/os`.",
        why: "\
The API server accepts the object with a warning, such as \"deprecated since v1.14; use
\"kubernetes.io/os\" instead\". New nodes may lack the old label, and then no node matches.",
        fix: "Use the label that the finding names.",
        source: "`GetNodeLabelDeprecatedMessage` in `pkg/api/node`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeSelector: {beta.kubernetes.io/os: linux}
  containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-  nodeSelector: {beta.kubernetes.io/os: linux}
+  nodeSelector: {kubernetes.io/os: linux}
",
    check: Check::Pod(check),
};

/// The deprecated labels and their successors.
const RENAMED: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    for (key, at) in spec.on("nodeSelector", pod.spec.node_selector).keys() {
        node_label(faults, &at, key);
    }
    for constraint in spec.on("topologySpreadConstraints", pod.spec.topology_spread_constraints).items() {
        let key = constraint.get("topologyKey");
        node_label(faults, &key, key.text());
    }
    if pod.spec.affinity.is_null() {
        return;
    }
    let affinity = spec.on("affinity", pod.spec.affinity);
    let node = affinity.get("nodeAffinity");
    let required = node.get("requiredDuringSchedulingIgnoredDuringExecution");
    for term in required.get("nodeSelectorTerms").items() {
        expressions(faults, &term);
    }
    for term in node.get("preferredDuringSchedulingIgnoredDuringExecution").items() {
        expressions(faults, &term.get("preference"));
    }
}

fn expressions(faults: &mut Faults<'_, '_>, term: &At<'_, '_>) {
    for requirement in term.get("matchExpressions").items() {
        let key = requirement.get("key");
        node_label(faults, &key, key.text());
    }
}

fn node_label(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, key: &str) {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
        faults.add(at, format!("the node label `{key}` is deprecated")).help(format!("use `{new}`"));
    }
}
