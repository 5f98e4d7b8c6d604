//! The schema of a CustomResourceDefinition, as the API server validates it on creation.

mod defaults;
pub(super) mod paths;
mod properties;
mod rules;
mod structure;

use crate::node::{Node, Value};
use crate::schema::MOST_FAULTS;
use crate::validation::{At, Faults};

/// The maximum number of parts of a schema that are validated: aliases can turn a small file into a huge schema. The
/// largest definitions in use have about 20,000.
const MOST_PARTS: usize = 100_000;

/// The fields that are allowed at the root of a schema with the status subresource, whose status is validated alone.
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

/// Reports the faults of a schema.
#[derive(Debug)]
struct Walk<'f, 'a, 'r> {
    faults: &'f mut Faults<'a, 'r>,
    parts: usize,
    most: usize,
}

impl Walk<'_, '_, '_> {
    /// Counts a part; false once the limit of parts or of findings is reached.
    fn step(&mut self) -> bool {
        self.parts = self.parts.saturating_sub(1);
        self.parts > 0 && self.faults.count() < self.most
    }
}

/// Reports the faults of the schema of a version.
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
    let mut walk = Walk { parts: MOST_PARTS, most: before + MOST_FAULTS, faults };
    structure::check(&mut walk, root);
    walk.parts = MOST_PARTS;
    defaults::check(&mut walk, root);
    walk.parts = MOST_PARTS;
    properties::check(&mut walk, root);
    let sound = walk.faults.count() == before;
    walk.parts = MOST_PARTS;
    rules::check(&mut walk, root, sound);
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
