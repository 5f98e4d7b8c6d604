//! Validates a schema apart from its structure: types, lists and their keys, and CEL rules.

use super::{Walk, is_given, is_schema, is_true, paths};
use crate::validation::At;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// The keywords of JSON Schema that are not allowed in a CustomResourceDefinition.
const NOT_SUPPORTED: &[&str] = &["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

const REASONS: &[&str] = &["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// The position of a subschema.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    root: bool,
    /// Inside `metadata`, `kind` or `apiVersion` of a resource.
    meta: bool,
    /// Why a default is not allowed here.
    no_default: Option<&'static str>,
}

/// Validates a schema and its subschemas.
pub(super) fn check(walk: &mut Walk<'_, '_, '_>, root: &At<'_, '_>) {
    check_schema(walk, root, Position { root: true, ..Position::default() });
}

fn check_schema(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, position: Position) {
    if !walk.enter() {
        return;
    }
    keywords(walk, at, position);
    let below = Position { root: false, ..position };
    let (properties, additional, items) = (at.get("properties"), at.get("additionalProperties"), at.get("items"));
    if additional.is_set() && !properties.node.entries().is_empty() && additional.node.as_bool() != Some(true) {
        walk.faults
            .forbidden(&additional, "together with `properties`")
            .help("a field is an object or a map, not both");
    }
    if is_schema(additional.node) {
        let why = "in `additionalProperties` of object metadata";
        check_schema(
            walk,
            &additional,
            Position { no_default: below.no_default.or(position.meta.then_some(why)), ..below },
        );
    }
    let resource = position.root || is_true(at.node, "x-kubernetes-embedded-resource");
    for (name, field) in properties.keys() {
        let mut of_field = below;
        if resource && matches!(name, "metadata" | "kind" | "apiVersion") {
            of_field.meta = true;
            if position.root {
                of_field.no_default = Some("in `metadata`, `kind` and `apiVersion` of the resource");
            }
        }
        check_schema(walk, &field, of_field);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for item in at.get(name).items() {
            check_schema(walk, &item, below);
        }
    }
    let not = at.get("not");
    if not.is_set() {
        check_schema(walk, &not, below);
    }
    if is_schema(items.node) {
        check_schema(walk, &items, below);
    }
    map_type(walk, at);
    list_type(walk, at);
    rules(walk, at);
}

fn keywords(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, position: Position) {
    let (ty, default, items) = (at.get("type"), at.get("default"), at.get("items"));
    if ty.text() == "null" {
        walk.faults.not_supported(&ty, TYPES).help("use `nullable: true`");
    } else if !ty.text().is_empty() && !TYPES.contains(&ty.text()) {
        walk.faults.not_supported(&ty, TYPES);
    }
    if let Some(why) = position.no_default.filter(|_| default.is_set()) {
        walk.faults.forbidden(&default, why);
    }
    for name in NOT_SUPPORTED.iter().copied() {
        let value = at.get(name);
        let empty = name == "id" && value.text().is_empty()
            || matches!(name, "patternProperties" | "definitions") && value.node.entries().is_empty();
        if value.is_set() && !empty {
            walk.faults.forbidden(&value, "in the schema of a CustomResourceDefinition");
        }
    }
    if !items.node.items().is_empty() {
        walk.faults.forbidden(&items, "as a list: it must be one schema");
    }
    if is_true(at.node, "uniqueItems") {
        let unique = at.get("uniqueItems");
        walk.faults.forbidden(&unique, "to be true").help("use `x-kubernetes-list-type: set`");
    }
    let preserve = at.get("x-kubernetes-preserve-unknown-fields");
    if preserve.node.as_bool() == Some(false) {
        walk.faults.invalid(&preserve, "must be `true` or not set");
    }
    let embedded = at.get("x-kubernetes-embedded-resource");
    if position.meta && embedded.node.as_bool() == Some(true) {
        walk.faults.forbidden(&embedded, "inside the metadata of a resource");
    }
}

fn map_type(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) {
    let (map, ty) = (at.get("x-kubernetes-map-type"), at.get("type"));
    if map.is_set() {
        must_be(walk, &ty, "object", "with `x-kubernetes-map-type`");
        walk.faults.one_of(&map, &["atomic", "granular"]);
    }
}

/// Reports a type that another field does not allow. Unknown types are reported by `keywords`.
fn must_be(walk: &mut Walk<'_, '_, '_>, ty: &At<'_, '_>, expected: &str, why: &str) {
    if ty.text().is_empty() {
        walk.faults.add(ty, format!("`{ty}` must be `{expected}` {why}"));
    } else if ty.text() != expected && TYPES.contains(&ty.text()) {
        walk.faults.invalid(ty, &format!("must be `{expected}` {why}"));
    }
}

fn list_type(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) {
    let (list, keys, ty) = (at.get("x-kubernetes-list-type"), at.get("x-kubernetes-list-map-keys"), at.get("type"));
    let items = at.get("items");
    let item = items.node;
    if list.is_set() {
        must_be(walk, &ty, "array", "with `x-kubernetes-list-type`");
        walk.faults.one_of(&list, &["atomic", "map", "set"]);
    }
    if list.text() == "set" && ty.text() == "array" && is_schema(item) {
        let why = "must be `atomic` in a list of `x-kubernetes-list-type: set`";
        let (inner_list, inner_map) = (items.get("x-kubernetes-list-type"), items.get("x-kubernetes-map-type"));
        match item["type"].text() {
            "array" if inner_list.is_set() && inner_list.text() != "atomic" => {
                _ = walk.faults.invalid(&inner_list, why)
            }
            "object" if inner_map.text() != "atomic" => {
                walk.faults.add(&inner_map, format!("`{inner_map}` {why}"));
            }
            _ => {}
        }
    }
    if !keys.node.items().is_empty() && list.text() != "map" {
        let message = format!("`{list}` must be `map` with `x-kubernetes-list-map-keys`");
        walk.faults.add(&list, message);
    }
    if matches!(list.text(), "set" | "map") && is_true(item, "nullable") {
        let why = format!("in a list of `x-kubernetes-list-type: {}`", list.text());
        walk.faults.forbidden(&items.get("nullable"), &why);
    }
    if list.text() == "map" {
        list_keys(walk, &keys, &items);
    }
}

fn list_keys(walk: &mut Walk<'_, '_, '_>, keys: &At<'_, '_>, items: &At<'_, '_>) {
    if keys.node.items().is_empty() {
        walk.faults.required(keys).help("set the fields that identify an item");
    }
    if !items.is_set() {
        walk.faults.add(items, format!("`{items}` is required with `x-kubernetes-list-type: map`"));
    }
    let ty = items.get("type");
    if !is_schema(items.node) {
        return;
    }
    if ty.text() != "object" {
        must_be(walk, &ty, "object", "in a list of `x-kubernetes-list-type: map`");
    }
    let properties = items.get("properties");
    let repeated = crate::cursor::repeats(keys.node.items().iter().map(|key| key.text()));
    for (index, key) in keys.node.items().iter().enumerate() {
        let Some(field) = properties.node.get(key.text()) else {
            if ty.text() == "object" {
                let message = format!("`{}` is not a property of the items", key.text());
                walk.faults.add(keys, message).place(key.origin.span);
            }
            continue;
        };
        let at = properties.key(key.text());
        if matches!(field["type"].text(), "array" | "object") {
            walk.faults.invalid(&at.get("type"), "must be a scalar type: the field is a key of the list");
        }
        if ty.text() == "object" && repeated[index] {
            walk.faults.add(keys, format!("duplicate key `{}`", key.text())).place(key.origin.span);
        }
        let required = items.node["required"].items().iter().any(|name| name.text() == key.text());
        if !required && !field["default"].is_set() {
            let message = format!("`{}` is a key of the list: it must be required or have a default", key.text());
            walk.faults.add(&at.get("default"), message);
        }
        if is_true(field, "nullable") {
            walk.faults.forbidden(&at.get("nullable"), "for a key of the list");
        }
    }
}

/// Validates CEL rules except for their expressions.
fn rules(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>) {
    let schema = at.node;
    for at in at.get("x-kubernetes-validations").items() {
        let (rule, message, path) = (at.get("rule"), at.get("message"), at.get("fieldPath"));
        let (expression, reason) = (at.get("messageExpression"), at.get("reason"));
        let has_line_break = |text: &str| text.contains(['\n', '\r']);
        let is_blank = |at: &At<'_, '_>| !at.text().is_empty() && at.text().trim().is_empty();
        if rule.text().trim().is_empty() {
            walk.faults.required(&rule);
        } else if is_blank(&message) {
            walk.faults.invalid(&message, "must not be blank");
        } else if has_line_break(message.text().trim()) {
            walk.faults.invalid(&message, "must not contain line breaks");
        } else if has_line_break(rule.text().trim()) && !is_given(message.node) {
            walk.faults.required(&message).help("a rule with several lines requires a message");
        }
        if is_blank(&expression) {
            walk.faults.add(&expression, "`messageExpression` must not be blank");
        }
        if reason.is_set() {
            walk.faults.one_of(&reason, REASONS);
        }
        if !path.text().is_empty() {
            if path.text().trim().is_empty() {
                walk.faults.invalid(&path, "must not be blank");
            } else if has_line_break(path.text()) {
                walk.faults.invalid(&path, "must not contain line breaks");
            } else if let Err(fault) = paths::resolve(schema, path.text(), true) {
                walk.faults.invalid(&path, &format!("must be a valid path: {fault}"));
            }
        }
    }
}
