//! Validates defaults: each must be a valid value of its field, without fields that would be pruned.

use super::{Walk, is_schema, is_true};
use crate::kube::crd::check_default;
use crate::schema::FaultKind;
use crate::validation::At;

/// Validates the defaults in a schema.
pub(super) fn check(walk: &mut Walk<'_, '_, '_>, root: &At<'_, '_>) {
    check_schema(walk, root, true);
}

fn check_schema(walk: &mut Walk<'_, '_, '_>, at: &At<'_, '_>, resource: bool) {
    if !walk.enter() {
        return;
    }
    let (default, items, properties) = (at.get("default"), at.get("items"), at.get("properties"));
    if default.is_set() {
        let version = walk.faults.version();
        for fault in check_default(at.node, default.node, version) {
            let field = match fault.field.as_str() {
                _ if fault.kind == FaultKind::Unknown => default.to_string(),
                "" => default.to_string(),
                below if below.starts_with('[') => format!("{default}{below}"),
                below => format!("{default}.{below}"),
            };
            let message = format!("invalid default: {}", fault.message);
            walk.faults.below(&default, fault.node, field, message).help(fault.help);
        }
    }
    // Defaults below `additionalProperties` are not applied.
    if is_schema(items.node) {
        check_schema(walk, &items, is_true(items.node, "x-kubernetes-embedded-resource"));
    }
    for (name, field) in properties.keys() {
        // Defaults in metadata are not checked: the API server validates them within a whole object.
        if !(resource && matches!(name, "metadata" | "kind" | "apiVersion")) {
            check_schema(walk, &field, is_true(field.node, "x-kubernetes-embedded-resource"));
        }
    }
}
