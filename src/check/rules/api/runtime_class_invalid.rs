//! Rule `runtime-class-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults, repeats, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RuntimeClassInvalid,
    doc: Doc {
        checks: "\
`handler` must be a DNS-1123 label: the name of the handler in the configuration of the container
runtime. The labels, tolerations and overhead of a RuntimeClass must be valid, and a toleration must
be unique.",
        why: "The API server rejects the object.",
        fix: "Set the handler that the container runtime on the nodes is configured with.",
        source: "`ValidateRuntimeClass` in `pkg/apis/node/validation`.",
    },
    bad: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: a}\nhandler: run_sc\n",
    good: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: a}\nhandler: runsc\n",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "RuntimeClass" || object.group() != "node.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let handler = root.get("handler");
    if handler.text().is_empty() {
        faults.required(&handler);
    } else {
        faults.check(&handler, names::dns1123_label(handler.text()));
    }
    let (scheduling, overhead) = (root.get("scheduling"), root.get("overhead"));
    faults.labels(&scheduling.get("nodeSelector"));
    let tolerations = scheduling.get("tolerations");
    let repeated = repeats(tolerations.node.items().iter().map(toleration));
    for (index, at) in tolerations.items().enumerate() {
        super::toleration_invalid::check_toleration(&at, faults);
        if repeated[index] {
            faults.add(&at, "duplicate toleration");
        }
    }
    // The API server validates it like the limits of a container.
    let limits = overhead.on("limits", &overhead.node["podFixed"]);
    resources::limits(&limits, resources::container_name, faults);
}

fn toleration(node: &Node) -> [&str; 4] {
    ["key", "operator", "value", "effect"].map(|field| node[field].text())
}
