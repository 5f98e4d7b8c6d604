//! Rule `limit-range-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::LimitRangeInvalid,
    doc: Doc {
        checks: "\
Each type (`Container`, `Pod`, `PersistentVolumeClaim` or a qualified name) must be unique. For each
resource min ≤ defaultRequest ≤ default ≤ max is required, after the API server has applied the
defaults (the `default` of a container is its `max`, its `defaultRequest` is its `default`).
`maxLimitRequestRatio` must be at least 1 and no more than max divided by min. The type `Pod` must
not have `default` or `defaultRequest`; the type `PersistentVolumeClaim` must have a `min` or `max`
of `storage`.",
        why: "The API server rejects the object, for instance with \"default value 2 is greater than max value 1\".",
        fix: "Correct the amounts, or remove the defaults of the type `Pod`.",
        source: "\
`ValidateLimitRange` in `pkg/apis/core/validation` and `SetDefaults_LimitRangeItem` in
`pkg/apis/core/v1`.",
    },
    bad: "\
apiVersion: v1
kind: LimitRange
metadata: {name: a}
spec: {limits: [{type: Container, max: {cpu: '1'}, default: {cpu: '2'}}]}
",
    good: "\
-spec: {limits: [{type: Container, max: {cpu: '1'}, default: {cpu: '2'}}]}
+spec: {limits: [{type: Container, max: {cpu: '2'}, default: {cpu: '1'}}]}
",
    check: Check::Object(check),
};

const TYPES: &[&str] = &["Container", "PersistentVolumeClaim", "Pod"];
/// The standard resources: the names without a domain that a limit of another type may have.
const STANDARD: &[&str] = &[
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "LimitRange" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let limits = spec.get("limits");
    let repeated = limits.repeats("type");
    for (index, limit) in limits.items().enumerate() {
        let kind = limit.get("type");
        if let Err(rule) = names::qualified_name(kind.text()) {
            faults.invalid(&kind, rule);
        } else if !kind.text().contains('/') && !TYPES.contains(&kind.text()) {
            faults.not_supported(&kind, TYPES);
        }
        if repeated[index] {
            faults.duplicate(&kind);
        }
        one(faults, &limit);
    }
}

/// The amounts of a limit, with the defaults that the API server applies for containers.
struct Amounts<'a> {
    limit: &'a Node,
    container: bool,
}

impl<'a> Amounts<'a> {
    fn of(&self, field: &str, key: &str) -> Option<&'a Node> {
        let own = |field: &str| self.limit[field].get(key);
        match field {
            "default" if self.container => own("default").or_else(|| own("max")),
            "defaultRequest" if self.container => {
                own("defaultRequest").or_else(|| self.of("default", key)).or_else(|| own("min"))
            }
            _ => own(field),
        }
    }
}

fn one(faults: &mut Faults<'_, '_>, limit: &At<'_, '_>) {
    let kind = limit.node["type"].text();
    if kind == "Pod" {
        for name in ["default", "defaultRequest"] {
            let at = limit.get(name);
            if !at.node.entries().is_empty() {
                faults.forbidden(&at, "for the type `Pod`");
            }
        }
    }
    if kind == "PersistentVolumeClaim" && ["min", "max"].iter().all(|name| limit.node[*name].get("storage").is_none()) {
        faults.required(&limit.get("limits")).help("set a `min` or `max` of `storage`");
    }
    let amounts = Amounts { limit: limit.node, container: kind == "Container" };
    let fields = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    for name in fields {
        let field = limit.get(name);
        for (key, _) in field.keys() {
            if let Err(rule) = resource(key, matches!(kind, "Container" | "Pod")) {
                faults.key(&field, key, format!("the resource `{key}` {rule}"));
            }
            // Each resource is compared once, at the first field that has it.
            let first = fields.iter().find(|name| limit.node[**name].get(key).is_some());
            if first == Some(&name) {
                compare(faults, limit, &amounts, key);
            }
        }
    }
}

fn resource(name: &str, of_containers: bool) -> Result<(), &'static str> {
    names::qualified_name(name)?;
    if name.contains('/') {
        return Ok(());
    }
    let known = if of_containers {
        matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
    } else {
        STANDARD.contains(&name) || name.strip_prefix("requests.").unwrap_or(name).starts_with("hugepages-")
    };
    if known { Ok(()) } else { Err("must be a standard limit resource") }
}

fn compare<'n>(faults: &mut Faults<'_, '_>, limit: &At<'n, '_>, amounts: &Amounts<'_>, key: &'n str) {
    let value = |field: &str| amounts.of(field, key).map(|node| Quantity::of(node).unwrap_or_default());
    let pod = limit.node["type"].text() == "Pod";
    let (min, max) = (value("min"), value("max"));
    let (default, request) = if pod { (None, None) } else { (value("default"), value("defaultRequest")) };
    let mut more = |smaller: (&str, Option<Quantity>), larger: (&str, Option<Quantity>), at: &'static str| {
        if let (Some(least), Some(most)) = (smaller.1, larger.1)
            && least > most
        {
            let message =
                format!("the {} of `{key}` is greater than its {}", display_name(smaller.0), display_name(larger.0));
            faults.add(&limit.get(at).key(key), message);
        }
    };
    more(("min", min), ("max", max), "min");
    more(("min", min), ("defaultRequest", request), "defaultRequest");
    more(("defaultRequest", request), ("max", max), "defaultRequest");
    more(("defaultRequest", request), ("default", default), "defaultRequest");
    more(("min", min), ("default", default), "default");
    more(("default", default), ("max", max), "default");
    let ratio = limit.get("maxLimitRequestRatio");
    let ratio = ratio.key(key);
    let Some(amount) = Quantity::of(ratio.node) else { return };
    if amount < Quantity::whole(1) {
        faults.invalid(&ratio, "must be at least 1");
    }
    if let (Some(min), Some(max)) = (min, max)
        && min.round_up() > 0
        && amount.round_up().saturating_mul(min.round_up()) > max.round_up()
    {
        faults.invalid(&ratio, "must be less than or equal to max divided by min");
    }
}

fn display_name(field: &str) -> &str {
    match field {
        "defaultRequest" => "default request",
        other => other,
    }
}
