//! Validates the CEL expressions of `x-kubernetes-validations`.

use std::cell::Cell;
use std::rc::Rc;

use super::{MAX_SCHEMAS, Walk, is_schema};
use crate::cel::{self, Bounds, Env, Type, Wanted};
use crate::check::rules::api::_expression;
use crate::schema::{Schema, Subschema};
use crate::validation::At;

/// Validates the expressions in a schema. If the schema is invalid, only their syntax is checked.
pub(super) fn check(walk: &mut Walk<'_, '_, '_>, root: &At<'_, '_>, is_valid: bool) {
    if !has_rules(walk, root) {
        return;
    }
    let schema = is_valid.then(|| Schema::structural(root.node));
    let mut costs = Costs { total: 0, is_reported: false, left: Cell::new(MAX_SCHEMAS as u32) };
    let schema = schema.as_ref().map(Schema::subschema);
    check_schema(walk, root, schema, &Context { resource: true, uncorrelatable: None, count: Some(1) }, &mut costs);
    if costs.total > MAX_TOTAL_COST && !costs.is_reported {
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        walk.faults.add(root, exceeds(what, costs.total, MAX_TOTAL_COST)).help(CHEAPER);
    }
}

/// The maximum estimated cost of an expression, and of all expressions of a schema.
///
/// Restates `StaticEstimatedCostLimit` and `StaticEstimatedCRDCostLimit`.
const MAX_COST: u64 = 10_000_000;
const MAX_TOTAL_COST: u64 = 100_000_000;

const CHEAPER: &str =
    "simplify the rule, or add `maxItems`, `maxProperties` and `maxLength` where arrays, maps and strings are declared";

/// The estimated costs of the expressions of a schema.
struct Costs {
    total: u64,
    /// Whether a single expression was reported as too expensive.
    is_reported: bool,
    /// How many more subschemas the estimates may visit.
    left: Cell<u32>,
}

/// The position of a subschema.
#[derive(Clone, Copy)]
struct Context<'c, 'n, 'p> {
    resource: bool,
    /// The nearest enclosing schema whose old and new values cannot be correlated.
    uncorrelatable: Option<&'c At<'n, 'p>>,
    /// The maximum number of its values in an object; `None` inside an unbounded list or map.
    count: Option<u64>,
}

fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let times = match factor {
        _ if factor > 100.0 => "more than 100".to_owned(),
        _ if factor < 1.5 => format!("{factor:.6}"),
        _ => format!("{factor:.1}"),
    };
    format!("{what} exceeds budget by factor of {times}x")
}

fn has_rules(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) -> bool {
    walk.enter()
        && (!at.node["x-kubernetes-validations"].items().is_empty()
            || at.get("properties").keys().any(|(_, field)| has_rules(walk, &field))
            || ["items", "additionalProperties"].iter().any(|name| {
                let below = at.get(name);
                is_schema(below.node) && has_rules(walk, &below)
            }))
}

fn check_schema(
    walk: &mut Walk<'_, '_, '_>,
    at: &At<'_, '_>,
    schema: Option<Subschema<'_>>,
    context: &Context<'_, '_, '_>,
    costs: &mut Costs,
) {
    if !walk.enter() {
        return;
    }
    let rules = at.get("x-kubernetes-validations");
    if !rules.node.items().is_empty() {
        let typed = schema.map(|schema| Type::of(schema, context.resource).map(|ty| (schema, ty)));
        for rule in rules.items() {
            match &typed {
                Some(Some((schema, ty))) => self::rule(walk, &rule, *schema, ty, context, costs),
                // Values of this schema have no CEL type.
                Some(None) => {}
                None => syntax(walk, &rule),
            }
        }
    }
    let (items, properties, additional) = (at.get("items"), at.get("properties"), at.get("additionalProperties"));
    let most = match at.node["type"].text() {
        "object" if additional.is_set() => at.node["maxProperties"].as_i64(),
        "array" => at.node["maxItems"].as_i64(),
        _ => Some(1),
    };
    let count = context.count.zip(most).map(|(count, most)| count.saturating_mul(most.max(0) as u64));
    let below = Context { resource: false, count, ..*context };
    // The fields of a map are correlated by name, also those of an atomic one: see `MapIsCorrelatable` in
    // k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
    for (name, field) in properties.keys() {
        check_schema(walk, &field, schema.and_then(|schema| schema.property(name)), &below, costs);
    }
    if is_schema(additional.node) {
        check_schema(walk, &additional, schema.and_then(Subschema::additional), &below, costs);
    }
    if is_schema(items.node) {
        let is_map = at.node["x-kubernetes-list-type"].text() == "map";
        let of_items = if is_map { context.uncorrelatable } else { context.uncorrelatable.or(Some(at)) };
        let schema = schema.and_then(Subschema::items);
        check_schema(walk, &items, schema, &Context { uncorrelatable: of_items, ..below }, costs);
    }
}

fn syntax(walk: &mut Walk<'_, '_, '_>, rule: &At<'_, '_>) {
    for name in ["rule", "messageExpression"] {
        let at = rule.get(name);
        if !at.text().trim().is_empty()
            && let Err(fault) = cel::check_syntax(at.text())
        {
            _expression::report(walk.faults, &at, &fault);
        }
    }
}

fn rule(
    walk: &mut Walk<'_, '_, '_>,
    rule: &At<'_, '_>,
    schema: Subschema<'_>,
    ty: &Type<'_>,
    context: &Context<'_, '_, '_>,
    costs: &mut Costs,
) {
    let (at, message, optional) = (rule.get("rule"), rule.get("messageExpression"), rule.get("optionalOldSelf"));
    let old = if optional.is_true() { Type::Optional(Rc::new(ty.clone())) } else { ty.clone() };
    let env = Env::new(walk.faults.version()).with("self", ty.clone()).with("oldSelf", old);
    if at.text().trim().is_empty() {
        return;
    }
    let before = walk.faults.count();
    _expression::check(walk.faults, &at, &env, Wanted::Bool);
    if !message.text().trim().is_empty() {
        _expression::check(walk.faults, &message, &env, Wanted::String);
    }
    if walk.faults.count() > before {
        return;
    }
    let value = Bounds::new(schema, context.resource);
    let count = context.count.unwrap_or_else(|| value.most_often(&costs.left));
    for (at, count, what) in [(&at, count, "estimated rule cost"), (&message, 1, "estimated messageExpression cost")] {
        let expression = at.text();
        let cost = if expression.trim().is_empty() { None } else { cel::cost(expression, &env, value, &costs.left) };
        let Some(cost) = cost.map(|cost| cost.saturating_mul(count)) else { continue };
        costs.total = costs.total.saturating_add(cost);
        if cost > MAX_COST {
            costs.is_reported = true;
            walk.faults.add(at, exceeds(what, cost, MAX_COST)).help(CHEAPER);
        }
    }
    if !cel::names(at.text(), "oldSelf") {
        if optional.is_set() {
            walk.faults.forbidden(&optional, "for a rule without `oldSelf`");
        }
    } else if let Some(above) = context.uncorrelatable {
        let message = format!("`oldSelf` cannot be used on the uncorrelatable portion of the schema within `{above}`");
        let help = "items are only correlated in a list of `x-kubernetes-list-type: map`; move the rule above the list";
        walk.faults.add(&at, message).help(help);
    }
}
