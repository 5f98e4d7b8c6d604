//! Rule `admission-policy-invalid`.

use std::rc::Rc;

use crate::cel::{self, Env, Type, Wanted, is_identifier};
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

use super::_expression;
use super::webhook_invalid::{conditions, operations, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AdmissionPolicyInvalid,
    doc: Doc {
        checks: "\
A policy must have `matchConstraints` with `resourceRules`. A ValidatingAdmissionPolicy must have
`validations` or `auditAnnotations`, each with an expression. A MutatingAdmissionPolicy must have a
`reinvocationPolicy` and `mutations`, each with the expression of its `patchType`. Variables and
match conditions must have a name and an expression. A binding must have a `policyName`; the binding
of a ValidatingAdmissionPolicy must also have at least one of the `validationActions`, and must not
combine `Deny` with `Warn`. Every expression must compile, and its result must have the type that
its field requires.",
        why: "\
The API server rejects the object, for instance with \"at least one validation action is required\" or
\"compilation failed\".",
        fix: "Add the missing field, or correct the expression at the reported position.",
        source: "\
`ValidateValidatingAdmissionPolicy`, `ValidateMutatingAdmissionPolicy` and the functions for their
bindings in `pkg/apis/admissionregistration/validation`.",
    },
    bad: "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: a}
spec: {policyName: a, validationActions: [Deny, Warn]}
",
    good: "\
-spec: {policyName: a, validationActions: [Deny, Warn]}
+spec: {policyName: a, validationActions: [Deny, Audit]}
",
    check: Check::Object(check),
};

const MAX_ANNOTATIONS: usize = 20;
const MAX_EXPRESSION_LENGTH: usize = 5 * 1024;
const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "admissionregistration.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "ValidatingAdmissionPolicy" => {
            let env = policy(faults, &spec, false);
            validations(faults, &spec, object.name(), &env);
        }
        "MutatingAdmissionPolicy" => {
            let env = policy(faults, &spec, true);
            mutations(faults, &spec, &env);
        }
        "ValidatingAdmissionPolicyBinding" => {
            binding(faults, &spec);
            actions(faults, &spec.get("validationActions"));
        }
        "MutatingAdmissionPolicyBinding" => binding(faults, &spec),
        _ => {}
    }
}

/// Validates the fields that both kinds of policies have. Returns the environment of their expressions.
fn policy<'s>(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, makes_objects: bool) -> Env<'s> {
    let failure = spec.get("failurePolicy");
    if failure.is_set() {
        faults.one_of(&failure, &["Fail", "Ignore"]);
    }
    param_kind(faults, &spec.get("paramKind"));
    let constraints = spec.get("matchConstraints");
    let rules = constraints.get("resourceRules");
    if !constraints.is_set() {
        faults.required(&constraints);
    } else if rules.node.items().is_empty() {
        faults.required(&rules);
    }
    matching(faults, &constraints);
    let env = _expression::admission(faults.version());
    let env = if spec.get("paramKind").is_set() { env.with("params", Type::Dyn) } else { env };
    conditions(faults, &spec.get("matchConditions"), &env);
    let env = if makes_objects { env.making_objects() } else { env };
    variables(faults, &spec.get("variables"), env)
}

/// Validates the variables. The expression of each can use those before it.
fn variables<'s>(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, mut env: Env<'s>) -> Env<'s> {
    let mut known: Vec<(String, Type<'s>)> = Vec::new();
    for variable in list.items() {
        let (name, expression) = (variable.get("name"), variable.get("expression"));
        if name.text().trim().is_empty() {
            faults.required(&name);
        } else if !is_identifier(name.text()) {
            faults.invalid(&name, "must be a valid CEL identifier");
        }
        env = env.with("variables", Type::Object(cel::Object::Fields(Rc::new(known.clone()))));
        if expression.text().trim().is_empty() {
            faults.required(&expression);
        } else {
            let ty = _expression::check(faults, &expression, &env, Wanted::Any);
            known.push((name.text().to_owned(), ty));
        }
    }
    if known.is_empty() { env } else { env.with("variables", Type::Object(cel::Object::Fields(Rc::new(known)))) }
}

fn param_kind(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if !at.is_set() {
        return;
    }
    let (version, kind) = (at.get("apiVersion"), at.get("kind"));
    let (group, number) = version.text().split_once('/').unwrap_or(("", version.text()));
    if version.text().is_empty() {
        faults.required(&version);
    } else if number.contains('/') {
        faults.invalid(&version, "must be `version` or `group/version`");
    } else if let Err(rule) = names::dns1123_subdomain(group)
        && !group.is_empty()
    {
        faults.invalid(&version, rule);
    } else {
        faults.check(&version, names::dns1035_label(number));
    }
    if kind.text().is_empty() {
        faults.required(&kind);
    } else {
        faults.check(&kind, names::dns1035_label(&kind.text().to_lowercase()));
    }
}

fn validations(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, policy: &str, env: &Env<'_>) {
    let message_env = env.clone().without("authorizer").without("authorizer.requestResource");
    let (validations, annotations) = (spec.get("validations"), spec.get("auditAnnotations"));
    if validations.node.items().is_empty() && annotations.node.items().is_empty() {
        faults.required(&validations);
        faults.required(&annotations);
    }
    for validation in validations.items() {
        let (expression, message, reason) =
            (validation.get("expression"), validation.get("message"), validation.get("reason"));
        if expression.text().trim().is_empty() {
            faults.required(&expression);
        } else {
            _expression::check(faults, &expression, env, Wanted::Bool);
        }
        let message_expression = validation.get("messageExpression");
        if !message_expression.text().trim().is_empty() {
            _expression::check(faults, &message_expression, &message_env, Wanted::String);
        }
        for at in [&message, &message_expression] {
            if !at.text().is_empty() && at.text().trim().is_empty() {
                faults.invalid(at, "must not be blank");
            }
        }
        if message.text().trim().contains(['\n', '\r']) {
            faults.invalid(&message, "must not contain line breaks");
        }
        if reason.is_set() {
            faults.one_of(&reason, REASONS);
        }
    }
    if annotations.node.items().len() > MAX_ANNOTATIONS {
        faults.invalid(&annotations, "must have no more than 20 entries");
    }
    let repeated = annotations.repeats("key");
    for (index, annotation) in annotations.items().enumerate() {
        let (key, value) = (annotation.get("key"), annotation.get("valueExpression"));
        // The API server validates the key with the name of the policy as its prefix.
        if let Err(rule) = names::qualified_name(&format!("{policy}/{}", key.text())) {
            faults.add(&key, format!("the key, prefixed with the name of the policy and `/`, {rule}"));
        } else if repeated[index] {
            faults.duplicate(&key);
        }
        if value.text().trim().is_empty() {
            faults.required(&value);
        } else if value.text().trim().len() > MAX_EXPRESSION_LENGTH {
            faults.invalid(&value, "must be no more than 5120 characters");
        } else {
            _expression::check(faults, &value, env, Wanted::StringOrNull);
        }
    }
}

fn mutations(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, env: &Env<'_>) {
    let (mutations, policy) = (spec.get("mutations"), spec.get("reinvocationPolicy"));
    if mutations.node.items().is_empty() {
        faults.required(&mutations);
    }
    if policy.text().is_empty() {
        faults.required(&policy);
    } else {
        faults.one_of(&policy, &["IfNeeded", "Never"]);
    }
    for mutation in mutations.items() {
        let kind = mutation.get("patchType");
        let blocks = [("ApplyConfiguration", "applyConfiguration"), ("JSONPatch", "jsonPatch")];
        let Some((name, own)) = blocks.into_iter().find(|(name, _)| *name == kind.text()) else {
            if kind.text().is_empty() {
                faults.required(&kind);
            } else {
                faults.one_of(&kind, &["ApplyConfiguration", "JSONPatch"]);
            }
            continue;
        };
        for (_, block) in blocks {
            let at = mutation.get(block);
            if block != own {
                if at.is_set() {
                    faults.forbidden(&at, &format!("with the patch type `{name}`"));
                }
            } else if !at.is_set() {
                faults.required(&at);
            } else if at.node["expression"].text().trim().is_empty() {
                faults.required(&at.get("expression"));
            } else {
                let wanted = if own == "jsonPatch" { Wanted::Patches } else { Wanted::Object };
                _expression::check(faults, &at.get("expression"), env, wanted);
            }
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
            let objects = rule.get("resourceNames");
            let repeated = repeats(objects.node.items().iter().map(|name| name.text()));
            for (index, name) in objects.items().enumerate() {
                faults.check(&name, names::path_segment(name.text()));
                if repeated[index] {
                    faults.duplicate(&name);
                }
            }
        }
    }
}

/// Validates the fields that both kinds of bindings have.
fn binding(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let name = spec.get("policyName");
    if name.text().is_empty() {
        faults.required(&name);
    } else {
        faults.check(&name, names::dns1123_subdomain(name.text()));
    }
    let parameters = spec.get("paramRef");
    if parameters.is_set() {
        let (named, selected) = (parameters.get("name"), parameters.get("selector"));
        faults.check(&named, names::path_segment(named.text()));
        if named.text().is_empty() && !selected.is_set() {
            faults.required(&parameters).help("set `name` or `selector`");
        } else if !named.text().is_empty() && selected.is_set() {
            faults.forbidden(&named, "together with `selector`");
        }
        faults.selector(&selected);
        let missing = parameters.get("parameterNotFoundAction");
        if missing.text().is_empty() {
            faults.required(&missing);
        } else {
            faults.one_of(&missing, &["Allow", "Deny"]);
        }
    }
    matching(faults, &spec.get("matchResources"));
}

fn actions(faults: &mut Faults<'_, '_>, actions: &At<'_, '_>) {
    let items = actions.node.items();
    if items.is_empty() {
        faults.required(actions);
    }
    let repeated = repeats(items.iter().map(|action| action.text()));
    for (index, action) in actions.items().enumerate() {
        faults.one_of(&action, &["Audit", "Deny", "Warn"]);
        if repeated[index] {
            faults.duplicate(&action);
        }
    }
    let has = |name: &str| items.iter().any(|action| action.text() == name);
    if has("Deny") && has("Warn") {
        faults.invalid(actions, "must not contain both `Deny` and `Warn`");
    }
}
