//! Rule `ingress-class-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

use super::ingress_invalid::typed_reference;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::IngressClassInvalid,
    doc: Doc {
        checks: "\
`controller` must be a domain-prefixed path (`example.com/ingress`) of at most 250 bytes.
`parameters` must have a kind and a name, with the scope `Namespace` also a namespace, and with the
scope `Cluster` none.",
        why: "\
The API server rejects the object, for instance with \"must be a domain-prefixed path (such as
\"acme.io/foo\")\".",
        fix: "Set the controller that the documentation of your Ingress controller names.",
        source: "`ValidateIngressClass` in `pkg/apis/networking/validation`.",
    },
    bad: "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: a}\nspec: {controller: nginx}\n",
    good: "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: a}\nspec: {controller: k8s.io/nginx}\n",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "IngressClass" || object.group() != "networking.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (controller, parameters) = (spec.get("controller"), spec.get("parameters"));
    if controller.text().len() > 250 {
        faults.invalid(&controller, "must be no more than 250 characters");
    }
    faults.check(&controller, names::domain_prefixed_path(controller.text()));
    if !parameters.is_set() {
        return;
    }
    typed_reference(faults, &parameters);
    let (scope, space) = (parameters.get("scope"), parameters.get("namespace"));
    match (scope.text(), scope.is_set()) {
        (_, false) | ("Cluster", _) => {
            if space.is_set() {
                faults.forbidden(&space, "with the scope `Cluster`");
            }
        }
        ("Namespace", _) if !space.is_set() => _ = faults.required(&space),
        ("Namespace", _) => faults.check(&space, names::dns1123_label(space.text())),
        _ => faults.one_of(&scope, &["Cluster", "Namespace"]),
    }
}
