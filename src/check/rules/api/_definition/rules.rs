//! The expressions of `x-kubernetes-validations`.

use std::rc::Rc;

use super::{Walk, is_schema};
use crate::cel::{self, Env, Type, Wanted};
use crate::check::rules::api::_expression;
use crate::kube::crd::Schema;
use crate::validation::At;

/// What is wrong with the expressions in a schema. Types come from the schema, so of one with faults only the syntax is told.
pub(super) fn check(walk: &mut Walk<'_, '_, '_>, root: &At<'_, '_>, sound: bool) {
    if !has_rules(walk, root) {
        return;
    }
    let schema = if sound { Some(Schema::read(root.node)) } else { None };
    part(walk, root, schema.as_ref(), true, None);
}

fn has_rules(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) -> bool {
    walk.step()
        && (!at.node["x-kubernetes-validations"].items().is_empty()
            || at.get("properties").keys().any(|(_, field)| has_rules(walk, &field))
            || ["items", "additionalProperties"].iter().any(|name| {
                let below = at.get(name);
                is_schema(below.node) && has_rules(walk, &below)
            }))
}

/// A part of the schema. `uncorrelatable` is the nearest part above whose old and new values cannot be told apart.
fn part(
    walk: &mut Walk<'_, '_, '_>,
    at: &At<'_, '_>,
    schema: Option<&Schema>,
    resource: bool,
    uncorrelatable: Option<&At<'_, '_>>,
) {
    if !walk.step() {
        return;
    }
    let rules = at.get("x-kubernetes-validations");
    if !rules.node.items().is_empty() {
        let ty = schema.map(|schema| Type::of(schema, resource));
        for rule in rules.items() {
            match &ty {
                Some(Some(ty)) => self::rule(walk, &rule, ty, uncorrelatable),
                // Nothing is known of such values.
                Some(None) => {}
                None => syntax(walk, &rule),
            }
        }
    }
    let (items, properties, additional) = (at.get("items"), at.get("properties"), at.get("additionalProperties"));
    let atomic = uncorrelatable.or(Some(at));
    let of_fields = if at.node["x-kubernetes-map-type"].text() == "atomic" { atomic } else { uncorrelatable };
    for (name, field) in properties.keys() {
        part(walk, &field, schema.and_then(|schema| schema.property(name)), false, of_fields);
    }
    if is_schema(additional.node) {
        part(walk, &additional, schema.and_then(Schema::additional), false, uncorrelatable);
    }
    if is_schema(items.node) {
        let is_map = at.node["x-kubernetes-list-type"].text() == "map";
        let of_items = if is_map { uncorrelatable } else { atomic };
        part(walk, &items, schema.and_then(Schema::items), false, of_items);
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

fn rule(walk: &mut Walk<'_, '_, '_>, rule: &At<'_, '_>, ty: &Type<'_>, uncorrelatable: Option<&At<'_, '_>>) {
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
    if !cel::names(at.text(), "oldSelf") {
        if optional.is_set() {
            walk.faults.forbidden(&optional, "for a rule without `oldSelf`");
        }
    } else if let Some(above) = uncorrelatable {
        let message = format!("`oldSelf` cannot be used on the uncorrelatable portion of the schema within `{above}`");
        let help = "items correlate in a list of `x-kubernetes-list-type: map`; move the rule above the list";
        walk.faults.add(&at, message).help(help);
    }
}
