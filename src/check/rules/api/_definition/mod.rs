//! The schema of a CustomResourceDefinition, as the API server validates it on creation.

mod defaults;
pub(super) mod paths;
mod properties;
mod rules;
mod structure;

use crate::node::{Node, Value};
use crate::schema::MOST_FAULTS;
use crate::validation::{At, Faults};

/// The maximum number of subschemas that are validated: aliases can turn a small file into a huge schema. The largest
/// definitions in use have about 20,000.
const MAX_SCHEMAS: usize = 100_000;

/// The fields that are allowed at the root of a schema with the status subresource.
const ROOT_FIELDS: &[&str] = &[
    "description",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "uniqueItems",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Validates a schema.
#[derive(Debug)]
struct Walk<'f, 'a, 'r> {
    faults: &'f mut Faults<'a, 'r>,
    /// How many more subschemas may be visited.
    left: usize,
    max_faults: usize,
}

impl Walk<'_, '_, '_> {
    /// Counts a subschema. Returns false once the limit of subschemas or of findings is reached.
    fn enter(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0 && self.faults.count() < self.max_faults
    }
}

/// Validates the schema of a version.
///
/// Restates `ValidateStructural`, `ValidateDefaults` and `ValidateCustomResourceDefinitionOpenAPISchema`.
pub(super) fn schema(faults: &mut Faults<'_, '_>, root: &At<'_, '_>, status_is_subresource: bool) {
    let before = faults.count();
    if status_is_subresource && root.node["type"].text() == "object" {
        let other = root
            .node
            .entries()
            .iter()
            .find(|entry| is_given(&entry.value) && !ROOT_FIELDS.contains(&entry.key.as_str()));
        if let Some(entry) = other {
            let message =
                format!("`{}` is not allowed at the root of the schema with the status subresource", entry.key);
            faults.add(root, message).place(entry.key_span).help("move it into the schema of a field");
        }
    }
    if is_true(root.node, "nullable") {
        faults.forbidden(&root.get("nullable"), "at the root of the schema");
    }
    let mut walk = Walk { left: MAX_SCHEMAS, max_faults: before + MOST_FAULTS, faults };
    structure::check(&mut walk, root);
    walk.left = MAX_SCHEMAS;
    defaults::check(&mut walk, root);
    walk.left = MAX_SCHEMAS;
    properties::check(&mut walk, root);
    let is_valid = walk.faults.count() == before;
    walk.left = MAX_SCHEMAS;
    rules::check(&mut walk, root, is_valid);
}

/// Whether a value differs from the zero value that the decoder fills in.
fn is_given(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn is_true(node: &Node, field: &str) -> bool {
    node[field].as_bool() == Some(true)
}

fn is_schema(node: &Node) -> bool {
    matches!(node.value, Value::Mapping(_))
}
