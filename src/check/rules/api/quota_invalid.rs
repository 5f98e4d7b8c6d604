//! Rule `quota-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::QuotaInvalid,
    doc: Doc {
        checks: "\
A ResourceQuota may limit standard resources (`requests.cpu`, `pods`, `services.nodeports`) and
qualified names (`count/deployments.apps`). The amounts must not be negative, and counts must be
integers. A scope is only allowed with the resources that it applies to: `BestEffort` with `pods`
alone, `VolumeAttributesClass` with claims and their storage, the others with pods and their compute
resources.",
        why: "\
The API server rejects the object, for instance with \"must be a standard resource for quota\" or
\"unsupported scope applied to resource\".",
        fix: "\
Correct the name of the resource; count objects of other kinds as `count/<resource>.<group>`. Move
the scope into a separate ResourceQuota.",
        source: "`ValidateResourceQuotaSpec` in `pkg/apis/core/validation`.",
    },
    bad: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: a}\nspec: {hard: {pod: '10'}}\n",
    good: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: a}\nspec: {hard: {pods: '10'}}\n",
    check: Check::Object(check),
};

/// The resources whose amounts are counts and must be integers.
const COUNTED: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
/// The other resources that a quota may limit.
const MEASURED: &[&str] = &[
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
];
/// The resources that a scope of pods applies to.
const POD_RESOURCES: &[&str] =
    &["cpu", "limits.cpu", "limits.memory", "memory", "pods", "requests.cpu", "requests.memory"];
const SCOPES: &[&str] = &[
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "ResourceQuota" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let hard = spec.get("hard");
    for (key, amount) in hard.keys() {
        resource(faults, key, &amount);
    }
    let scopes = spec.get("scopes");
    let limited = hard.node.entries().iter().map(|entry| entry.key.as_str()).filter(|key| is_standard(key));
    // Most resources are not allowed with a scope, so that the searches below end early.
    let limited: Vec<&str> = limited.collect();
    for scope in scopes.items() {
        if !SCOPES.contains(&scope.text()) {
            faults.not_supported(&scope, SCOPES).field("spec.scopes");
        } else if let Some(key) = limited.iter().find(|key| !is_in_scope(scope.text(), key)) {
            let message = format!("unsupported scope `{}` applied to resource `{key}`", scope.text());
            faults.add(&scope, message).field("spec.scopes");
        }
    }
    let has = |name: &str| scopes.node.items().iter().any(|scope| scope.text() == name);
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if has(one) && has(other) {
            faults.add(&scopes, format!("conflicting scopes `{one}` and `{other}`"));
        }
    }
    selector(faults, &spec, &limited);
}

fn is_standard(name: &str) -> bool {
    COUNTED.contains(&name)
        || MEASURED.contains(&name)
        || name.strip_prefix("requests.").unwrap_or(name).starts_with("hugepages-")
}

fn resource(faults: &mut Faults<'_, '_>, name: &str, amount: &At<'_, '_>) {
    if let Err(rule) = names::qualified_name(name) {
        faults.add(amount, format!("the resource `{name}` {rule}"));
    } else if !name.contains('/') && !is_standard(name) {
        let all = COUNTED.iter().chain(MEASURED).copied();
        let near = crate::suggest::nearest(name, all).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("count objects of other kinds as `count/{name}.<group>`"));
        faults.add(amount, format!("`{name}` must be a standard resource for quota")).help(help);
    }
    let Some(value) = Quantity::of(amount.node) else { return };
    if value.is_negative() {
        faults.invalid(amount, "must be greater than or equal to 0");
    }
    let extended = name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.");
    if (COUNTED.contains(&name) || extended) && !value.is_integer() {
        faults.invalid(amount, "must be an integer");
    }
}

fn is_in_scope(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => POD_RESOURCES.contains(&resource),
    }
}

fn selector(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, limited: &[&str]) {
    let field = "spec.scopeSelector.matchExpressions";
    let selector = spec.get("scopeSelector");
    for at in selector.get("matchExpressions").items() {
        let (scope, operator, values) = (at.get("scopeName"), at.get("operator"), at.get("values"));
        if !SCOPES.contains(&scope.text()) {
            faults.not_supported(&scope, SCOPES).field(format!("{field}.scopeName"));
        } else if let Some(key) = limited.iter().find(|key| !is_in_scope(scope.text(), key)) {
            let message = format!("unsupported scope `{}` applied to resource `{key}`", scope.text());
            faults.add(&scope, message).field(field);
        }
        let plain = !matches!(scope.text(), "PriorityClass" | "VolumeAttributesClass");
        if plain && SCOPES.contains(&scope.text()) && operator.text() != "Exists" {
            faults.invalid(&operator, "must be `Exists` for this scope").field(format!("{field}.operator"));
        }
        let has_values = !values.node.items().is_empty();
        match operator.text() {
            "In" | "NotIn" if !has_values => _ = faults.required(&values).field(format!("{field}.values")),
            "Exists" | "DoesNotExist" if has_values => {
                faults.forbidden(&values, "with `Exists` and `DoesNotExist`").field(format!("{field}.values"));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                let allowed = &["DoesNotExist", "Exists", "In", "NotIn"];
                faults.not_supported(&operator, allowed).field(format!("{field}.operator"));
            }
        }
    }
}
