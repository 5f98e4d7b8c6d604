//! Rule `affinity-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::selector::{self, Say};
use crate::validation::{At, Pod, Report, enums, names};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AffinityInvalid,
    doc: "\
A required node affinity has at least one term; the operators are In, NotIn, Exists, DoesNotExist, Gt and Lt, each
with the values it takes; weights are between 1 and 100. A pod affinity needs a `topologyKey`; its selectors,
namespaces and label keys are well-formed; `matchLabelKeys` need a `labelSelector` that does not name them.

Source: `validateAffinity`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}, topologyKey: kubernetes.io/hostname}]}}
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.spec.affinity.is_null() {
        return;
    }
    let spec = pod.at();
    let affinity = spec.on("affinity", pod.spec.affinity);
    let say = &mut pod.sayer(report);
    let labels = pod.own_labels();
    let node = affinity.get("nodeAffinity");
    let required = node.get(REQUIRED);
    if required.is_set() {
        required_nodes(&required, say);
    }
    for term in node.get(PREFERRED).items() {
        weight(&term.get("weight"), say);
        node_term(&term.get("preference"), false, say);
    }
    for affinity in [affinity.get("podAffinity"), affinity.get("podAntiAffinity")] {
        affinity.get(REQUIRED).items().for_each(|term| pod_term(&term, labels, say));
        for term in affinity.get(PREFERRED).items() {
            weight(&term.get("weight"), say);
            pod_term(&term.get("podAffinityTerm"), labels, say);
        }
    }
}

/// The nodes that a pod or volume must be on.
pub(super) fn required_nodes<'n>(required: &At<'n, '_>, say: Say<'_, 'n>) {
    let terms = required.get("nodeSelectorTerms");
    if terms.node.items().is_empty() {
        say(&terms, "there is no term".to_owned());
    }
    terms.items().for_each(|term| node_term(&term, true, say));
}

fn weight<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    if !(1..=100).contains(&at.number().unwrap_or(0)) {
        say(at, "the weight must be between 1 and 100".to_owned());
    }
}

/// A term about nodes. The values of a preferred one may be anything.
fn node_term<'n>(at: &At<'n, '_>, required: bool, say: Say<'_, 'n>) {
    for requirement in at.get("matchExpressions").items() {
        let (key, operator, values) = (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        let count = values.node.items().len();
        match operator.text() {
            "In" | "NotIn" if count == 0 => {
                say(&values, format!("the operator `{}` needs values", operator.text()));
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                say(&values, format!("the operator `{}` takes no values", operator.text()));
            }
            "Gt" | "Lt" if count != 1 => {
                say(&values, format!("the operator `{}` takes one value", operator.text()));
            }
            _ => enums::choice(&operator, &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], say),
        }
        if let Err(form) = names::qualified_name(key.text()) {
            say(&key, format!("the label key `{}` {form}", key.text()));
        }
        for value in values.items() {
            if let Err(form) = names::label_value(value.text())
                && required
            {
                say(&value, format!("the label value `{}` {form}", value.text()));
            }
        }
    }
    for requirement in at.get("matchFields").items() {
        let (key, operator, values) = (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        if matches!(operator.text(), "In" | "NotIn") {
            if values.node.items().len() != 1 {
                say(&values, "a field is compared with one value".to_owned());
            }
        } else {
            enums::choice(&operator, &["In", "NotIn"], say);
        }
        if key.text() != "metadata.name" {
            say(&key, "the only field of a node to select by is metadata.name".to_owned());
            continue;
        }
        for value in values.items() {
            if let Err(form) = names::dns1123_subdomain(value.text()) {
                say(&value, format!("the node name `{}` {form}", value.text()));
            }
        }
    }
}

fn pod_term<'n>(at: &At<'n, '_>, labels: &'n Node, say: Say<'_, 'n>) {
    let (own, topology) = (at.get("labelSelector"), at.get("topologyKey"));
    selector::label_selector(&own, say);
    selector::label_selector(&at.get("namespaceSelector"), say);
    for namespace in at.get("namespaces").node.items() {
        if let Err(form) = names::dns1123_label(namespace.text()) {
            // The server calls the list so.
            say(&at.on("namespace", namespace), format!("the namespace `{}` {form}", namespace.text()));
        }
    }
    selector::label_keys(at, labels, say);
    if topology.text().is_empty() {
        say(&topology, "the term has no topology key".to_owned());
    } else if let Err(form) = names::qualified_name(topology.text()) {
        say(&topology, format!("the topology key `{}` {form}", topology.text()));
    }
}
