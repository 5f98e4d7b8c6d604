//! Rule `affinity-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::Node;
use crate::validation::selector;
use crate::validation::{At, Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AffinityInvalid,
    doc: Doc {
        checks: "\
A required node affinity must have at least one term. The operator of a node selector requirement
must be `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`, with the number of values that the
operator takes. Weights must be between 1 and 100. A pod affinity term must have a `topologyKey`;
its selectors, namespaces and label keys must be valid. `matchLabelKeys` requires a `labelSelector`,
which must not select by the same keys.",
        why: "\
The API server rejects the object, for instance with \"must have at least one node selector term\" or
\"must be in the range 1-100\".",
        fix: "\
Correct the reported term: add the `topologyKey`, the values that the operator takes, or a weight
between 1 and 100.",
        source: "`validateAffinity` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}
  containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}
+  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}, topologyKey: kubernetes.io/hostname}]}}
",
    check: Check::Pod(check),
};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.affinity.is_null() {
        return;
    }
    let spec = pod.at();
    let affinity = spec.on("affinity", pod.spec.affinity);
    let labels = pod.own_labels();
    let node = affinity.get("nodeAffinity");
    let required = node.get(REQUIRED);
    if required.is_set() {
        required_nodes(&required, faults);
    }
    for term in node.get(PREFERRED).items() {
        weight(&term.get("weight"), faults);
        node_term(&term.get("preference"), false, faults);
    }
    for affinity in [affinity.get("podAffinity"), affinity.get("podAntiAffinity")] {
        affinity.get(REQUIRED).items().for_each(|term| pod_term(&term, labels, faults));
        for term in affinity.get(PREFERRED).items() {
            weight(&term.get("weight"), faults);
            pod_term(&term.get("podAffinityTerm"), labels, faults);
        }
    }
}

/// Validates the required node selector of a pod or volume.
pub(super) fn required_nodes(required: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let terms = required.get("nodeSelectorTerms");
    if terms.node.items().is_empty() {
        faults.breaks(&terms, "must have at least one node selector term");
    }
    terms.items().for_each(|term| node_term(&term, true, faults));
}

fn weight(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    if !(1..=100).contains(&at.number().unwrap_or(0)) {
        faults.add(at, "the weight must be between 1 and 100");
    }
}

/// Validates a node selector term. The API server does not validate the values of a preferred one.
fn node_term(at: &At<'_, '_>, required: bool, faults: &mut Faults<'_, '_>) {
    for requirement in at.get("matchExpressions").items() {
        let (key, operator, values) = (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        let count = values.node.items().len();
        match operator.text() {
            "In" | "NotIn" if count == 0 => {
                faults.add(&values, format!("values are required with the operator `{}`", operator.text()));
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                faults.add(&values, format!("values are not allowed with the operator `{}`", operator.text()));
            }
            "Gt" | "Lt" if count != 1 => {
                faults.add(&values, format!("exactly one value is required with the operator `{}`", operator.text()));
            }
            _ => enums::choice(&operator, &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], faults),
        }
        faults.check(&key, names::qualified_name(key.text()));
        for value in values.items() {
            if let Err(form) = names::label_value(value.text())
                && required
            {
                faults.add(&value, format!("the label value `{}` {form}", value.text()));
            }
        }
    }
    for requirement in at.get("matchFields").items() {
        let (key, operator, values) = (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        if matches!(operator.text(), "In" | "NotIn") {
            if values.node.items().len() != 1 {
                faults.add(&values, "exactly one value is required for a field selector");
            }
        } else {
            enums::choice(&operator, &["In", "NotIn"], faults);
        }
        if key.text() != "metadata.name" {
            faults.add(&key, "not a valid field selector key: use `metadata.name`");
            continue;
        }
        for value in values.items() {
            faults.check(&value, names::dns1123_subdomain(value.text()));
        }
    }
}

fn pod_term<'n>(at: &At<'n, '_>, labels: &'n Node, faults: &mut Faults<'_, '_>) {
    let (own, topology) = (at.get("labelSelector"), at.get("topologyKey"));
    selector::label_selector(&own, faults);
    selector::label_selector(&at.get("namespaceSelector"), faults);
    for namespace in at.get("namespaces").node.items() {
        if let Err(form) = names::dns1123_label(namespace.text()) {
            // The API server reports the path `namespace` for an item of `namespaces`.
            faults.add(&at.on("namespace", namespace), format!("the namespace `{}` {form}", namespace.text()));
        }
    }
    selector::label_keys(at, labels, faults);
    if topology.text().is_empty() {
        faults.add(&topology, "`topologyKey` is required");
    } else if let Err(form) = names::qualified_name(topology.text()) {
        faults.add(&topology, format!("the topology key `{}` {form}", topology.text()));
    }
}
