//! Rule `finalizer-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FinalizerInvalid,
    doc: Doc {
        checks: "\
A finalizer must be a qualified name, like the key of a label. On built-in kinds a finalizer without
a domain must be `kubernetes`, `orphan` or `foregroundDeletion`; the last two must not be combined.",
        why: "\
The API server rejects the object, for instance with \"name is neither a standard finalizer name nor
is it fully qualified\".",
        fix: "Add a domain that you own: `example.com/cleanup`.",
        source: "\
`ValidateFinalizers` in `k8s.io/apimachinery/pkg/api/validation` and `validateKubeFinalizerName` in
`pkg/apis/core/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, finalizers: [keep]}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, finalizers: [example.com/keep]}\n",
    check: Check::Object(check),
};

const STANDARD: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

/// The groups for which the API server checks finalizers against the standard names.
const BUILT_IN: &[&str] = &[
    "",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let finalizers = metadata.get("finalizers");
    let built_in = BUILT_IN.contains(&object.group());
    for finalizer in finalizers.items() {
        if let Err(rule) = names::qualified_name(finalizer.text()) {
            faults.invalid(&finalizer, rule).field("metadata.finalizers");
        }
        if built_in && !finalizer.text().contains('/') && !STANDARD.contains(&finalizer.text()) {
            faults.invalid(&finalizer, "must be a standard finalizer or have a domain (`example.com/cleanup`)");
        }
    }
    let has = |name: &str| finalizers.node.items().iter().any(|item| item.text() == name);
    if has("orphan") && has("foregroundDeletion") {
        faults.add(&finalizers, "`orphan` and `foregroundDeletion` must not both be set");
    }
    if object.kind() == "Namespace" && object.group().is_empty() {
        let spec = root.get("spec");
        for finalizer in spec.get("finalizers").items() {
            let rule = names::qualified_name(finalizer.text()).err().or_else(|| {
                let known = finalizer.text().contains('/') || STANDARD.contains(&finalizer.text());
                (!known).then_some("must be a standard finalizer or have a domain (`example.com/cleanup`)")
            });
            if let Some(rule) = rule {
                faults.invalid(&finalizer, rule).field("spec.finalizers");
            }
        }
    }
}
