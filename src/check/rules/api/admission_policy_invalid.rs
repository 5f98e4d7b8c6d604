//! Rule `admission-policy-invalid`.

use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

use super::webhook_invalid::{operations, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: "admission-policy-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a validating admission policy or its binding is incomplete",
    doc: "\
A policy has `matchConstraints` with resource rules, and validations or audit annotations; each validation has an expression.
A binding names its policy and at least one action, of which `Deny` and `Warn` exclude each other. The expressions themselves
are not evaluated here.

Restates `ValidateValidatingAdmissionPolicy` and `ValidateValidatingAdmissionPolicyBinding`.",
    bad: "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: a}
spec: {policyName: a, validationActions: [Deny, Warn]}
",
    good: "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: a}
spec: {policyName: a, validationActions: [Deny, Audit]}
",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    if object.group() != "admissionregistration.k8s.io" {
        return;
    }
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "ValidatingAdmissionPolicy" => policy(&mut faults, &spec),
        "ValidatingAdmissionPolicyBinding" => binding(&mut faults, &spec),
        _ => {}
    }
}

fn policy(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let failure = spec.get("failurePolicy");
    if failure.is_set() {
        faults.one_of(&failure, &["Fail", "Ignore"]);
    }
    let kind = spec.get("paramKind");
    if kind.is_set() {
        for name in ["apiVersion", "kind"] {
            if kind.node[name].text().is_empty() {
                faults.required(&kind.get(name));
            }
        }
    }
    let constraints = spec.get("matchConstraints");
    let rules = constraints.get("resourceRules");
    if !constraints.is_set() {
        faults.required(&constraints);
    } else if rules.node.items().is_empty() {
        faults.required(&rules);
    }
    matching(faults, &constraints);
    let validations = spec.get("validations");
    if validations.node.items().is_empty() && spec.get("auditAnnotations").node.items().is_empty() {
        faults.required(&validations);
    }
    for validation in validations.items() {
        let (expression, message) = (validation.get("expression"), validation.get("message"));
        if expression.text().trim().is_empty() {
            faults.required(&expression);
        }
        if message.text().contains(['\n', '\r']) {
            faults.invalid(&message, "must be one line");
        }
    }
}

fn matching(faults: &mut Faults<'_, '_>, constraints: &At<'_, '_>) {
    faults.selector(&constraints.get("namespaceSelector"));
    faults.selector(&constraints.get("objectSelector"));
    let policy = constraints.get("matchPolicy");
    if policy.is_set() {
        faults.one_of(&policy, &["Equivalent", "Exact"]);
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        for rule in constraints.get(list).items() {
            operations(faults, &rule);
            resources(faults, &rule);
        }
    }
}

fn binding(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (name, actions) = (spec.get("policyName"), spec.get("validationActions"));
    if name.text().is_empty() {
        faults.required(&name);
    }
    if actions.node.items().is_empty() {
        faults.required(&actions);
    }
    for action in actions.items() {
        faults.one_of(&action, &["Audit", "Deny", "Warn"]);
    }
    let has = |name: &str| actions.node.items().iter().any(|action| action.text() == name);
    if has("Deny") && has("Warn") {
        faults.invalid(&actions, "must not hold both `Deny` and `Warn`");
    }
    let parameters = spec.get("paramRef");
    if parameters.is_set() {
        let (named, selected) = (parameters.get("name"), parameters.get("selector"));
        if named.text().is_empty() && !selected.is_set() {
            faults.required(&named).help("name one parameter object, or select some");
        } else if !named.text().is_empty() && selected.is_set() {
            faults.forbidden(&named, "beside `selector`");
        }
        faults.selector(&selected);
        let missing = parameters.get("parameterNotFoundAction");
        if missing.is_set() {
            faults.one_of(&missing, &["Allow", "Deny"]);
        } else {
            faults.required(&missing);
        }
    }
    matching(faults, &spec.get("matchResources"));
}
