//! Validates that a schema is structural: each type is specified once, and `allOf`, `anyOf`, `oneOf` and `not` only restrict
//! values.

use super::{Walk, is_given, is_schema, is_true};
use crate::kube::go_regexp;
use crate::node::Node;
use crate::validation::At;

/// The position of a subschema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Root,
    Item,
    Field,
}

/// The fields that are not allowed inside `allOf`, `anyOf`, `oneOf` and `not`.
const ONLY_OUTSIDE: &[&str] = &[
    "type",
    "default",
    "title",
    "description",
    "nullable",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
];

/// Reports why a schema is not structural.
pub(super) fn check(walk: &mut Walk<'_, '_, '_>, root: &At<'_, '_>) {
    check_schema(walk, root, Position::Root);
    complete_all(walk, root, root);
}

fn check_schema(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, position: Position) {
    if !walk.enter() {
        return;
    }
    let (node, ty) = (at.node, at.get("type"));
    let embedded = is_true(node, "x-kubernetes-embedded-resource");
    let (items, properties, additional) = (at.get("items"), at.get("properties"), at.get("additionalProperties"));
    if ty.text() == "array" && !items.is_set() {
        walk.faults.required(&items).help("set the schema of the items");
    }
    if is_schema(items.node) {
        check_schema(walk, &items, Position::Item);
    }
    for (_, field) in properties.keys() {
        check_schema(walk, &field, Position::Field);
    }
    if additional.is_set() && position == Position::Root {
        walk.faults.forbidden(&additional, "at the root of the schema").help("unknown fields are pruned without it");
    }
    if is_schema(additional.node) {
        check_schema(walk, &additional, Position::Field);
    }
    extensions(walk, at);
    let any = is_int_or_string(&node["anyOf"]);
    let all = node["allOf"].items().first().is_some_and(|first| is_int_or_string(&first["anyOf"]));
    conditions(walk, at, any, all);
    typed(walk, at, position, embedded);
    if embedded {
        if additional.is_set() {
            walk.faults.forbidden(&additional, "with `x-kubernetes-embedded-resource`");
        }
        if properties.node.entries().is_empty() && !is_true(node, "x-kubernetes-preserve-unknown-fields") {
            let help = "set the fields of the embedded resource, or `x-kubernetes-preserve-unknown-fields: true`";
            walk.faults.required(&properties).help(help);
        }
    }
    if embedded || position == Position::Root {
        meta(walk, &properties, position);
    }
}

fn typed(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, position: Position, embedded: bool) {
    let ty = at.get("type");
    let free =
        is_true(at.node, "x-kubernetes-int-or-string") || is_true(at.node, "x-kubernetes-preserve-unknown-fields");
    if ty.text().is_empty() && (embedded || !free) {
        let what = match position {
            _ if embedded => "the type of an embedded resource must be `object`",
            Position::Root => "the type of the root must be `object`",
            Position::Item => "set the type of the items",
            Position::Field => "set the type of the field",
        };
        walk.faults.required(&ty).help(what);
    } else if !ty.text().is_empty() && ty.text() != "object" && (embedded || position == Position::Root) {
        let what = if embedded { "an embedded resource" } else { "the root of the schema" };
        walk.faults.invalid(&ty, &format!("must be `object` for {what}"));
    }
}

/// Reports conflicting extensions.
fn extensions(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) {
    if !is_true(at.node, "x-kubernetes-int-or-string") {
        return;
    }
    for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if is_true(at.node, name) {
            walk.faults.forbidden(&at.get(name), "with `x-kubernetes-int-or-string`");
        }
    }
}

/// Validates `kind`, `apiVersion` and `metadata`. In `metadata`, a schema may only restrict the name.
fn meta(walk: &mut Walk<'_, '_, '_>, properties: &At<'_, '_>, position: Position) {
    for (name, field) in properties.keys() {
        let (expected, ty) = match name {
            "kind" | "apiVersion" => ("string", field.get("type")),
            "metadata" => ("object", field.get("type")),
            _ => continue,
        };
        if ty.text() != expected {
            walk.faults.add(&ty, format!("the type of `{name}` must be `{expected}`"));
        }
        if name == "metadata" && position == Position::Root {
            let is_name = |name: &str| matches!(name, "name" | "generateName");
            let names = field.node["properties"].entries().iter().all(|entry| is_name(&entry.key));
            let other = |entry: &&crate::node::Entry| {
                is_given(&entry.value) && !matches!(entry.key.as_str(), "type" | "properties" | "default")
            };
            if let Some(entry) = field.node.entries().iter().find(other) {
                let message = "the schema of `metadata` may only restrict `name` and `generateName`";
                walk.faults.add(&field, message).place(entry.key_span);
            } else if !names {
                walk.faults.add(&field, "the schema of `metadata` may only restrict `name` and `generateName`");
            }
        }
    }
}

/// Whether an `anyOf` is the one that is allowed with `x-kubernetes-int-or-string`.
fn is_int_or_string(any: &Node) -> bool {
    let is_type = |node: &Node, ty: &str| {
        node["type"].text() == ty && node.entries().iter().all(|entry| entry.key == "type" || entry.value.is_null())
    };
    matches!(any.items(), [first, second] if is_type(first, "integer") && is_type(second, "string"))
}

/// Validates `allOf`, `anyOf`, `oneOf` and `not`, except those that are allowed with `x-kubernetes-int-or-string`.
fn conditions(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, exempt_any: bool, exempt_all: bool) {
    let (any, all, one, not) = (at.get("anyOf"), at.get("allOf"), at.get("oneOf"), at.get("not"));
    for item in any.items().filter(|_| !exempt_any) {
        condition(walk, &item, false);
    }
    for (index, item) in all.items().enumerate() {
        condition(walk, &item, exempt_all && index == 0);
    }
    for item in one.items() {
        condition(walk, &item, false);
    }
    if not.is_set() {
        condition(walk, &not, false);
    }
    let pattern = at.get("pattern");
    if let Err(fault) = go_regexp::check(pattern.text()) {
        walk.faults.invalid(&pattern, &format!("must be a valid regular expression: {fault}"));
    }
}

fn condition(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, exempt_any: bool) {
    if !walk.enter() {
        return;
    }
    conditions(walk, at, exempt_any, false);
    let (items, properties, additional) = (at.get("items"), at.get("properties"), at.get("additionalProperties"));
    if is_schema(items.node) {
        condition(walk, &items, false);
    }
    for (name, field) in properties.keys() {
        condition(walk, &field, false);
        if name == "metadata" {
            walk.faults.forbidden(&field, "inside `allOf`, `anyOf`, `oneOf` and `not`");
        }
    }
    for name in ONLY_OUTSIDE.iter().copied() {
        let value = at.get(name);
        let given = is_given(value.node) && !(name.ends_with("map-keys") && value.node.items().is_empty());
        if given && !(name.ends_with("validations") && value.node.items().is_empty()) {
            let why = "inside `allOf`, `anyOf`, `oneOf` and `not`: the schema would not be structural";
            walk.faults.forbidden(&value, why);
        }
    }
    if is_schema(additional.node) {
        walk.faults
            .forbidden(&additional, "inside `allOf`, `anyOf`, `oneOf` and `not`: the schema would not be structural");
    }
}

/// Reports fields that `allOf`, `anyOf`, `oneOf` and `not` at the root restrict and the schema does not specify.
fn complete_all(walk: &mut Walk<'_, '_, '_>, conditions: &At<'_, '_>, schema: &At<'_, '_>) {
    for name in ["allOf", "anyOf", "oneOf"] {
        for item in conditions.get(name).items() {
            complete(walk, &item, schema);
        }
    }
    let not = conditions.get("not");
    if not.is_set() {
        complete(walk, &not, schema);
    }
}

fn complete(walk: &mut Walk<'_, '_, '_>, condition: &At<'_, '_>, schema: &At<'_, '_>) {
    if !walk.enter() {
        return;
    }
    complete_all(walk, condition, schema);
    let (items, own) = (condition.get("items"), schema.get("items"));
    if is_schema(items.node) {
        if is_schema(own.node) {
            complete(walk, &items, &own);
        } else {
            walk.faults.required(&own).help(format!("`{items}` restricts the items"));
        }
    }
    let (properties, own) = (condition.get("properties"), schema.get("properties"));
    for (name, field) in properties.keys() {
        let known = own.key(name);
        if own.node.get(name).is_some() {
            complete(walk, &field, &known);
        } else {
            walk.faults.required(&known).help(format!("`{field}` restricts the field"));
        }
    }
}
