//! JSON Schemas for editors: generated from types, and derived for the layers of projects with their own schema.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The JSON Schema of a type, as text. No field is required, because each file may omit any field.
pub(crate) fn of_type<T: JsonSchema>() -> String {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = false;
    let mut schema = settings.with_transform(Simplify).into_generator().into_root_schema_for::<T>();
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    format!("{:#}\n", schema.as_value())
}

/// Keeps in a schema only what documents or checks something: absence replaces null (null deletes in a layer, so that
/// merged profiles contain none), formats of Rust integers are dropped, and descriptions are one line.
#[derive(Debug, Clone)]
struct Simplify;

impl Transform for Simplify {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(object) = schema.as_object_mut() {
            object.remove("format");
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [single] = types.as_slice() {
                    let single = single.clone();
                    object.insert("type".into(), single);
                }
            }
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                for (key, value) in choices.iter().filter_map(Value::as_object).flatten() {
                    object.insert(key.clone(), value.clone());
                }
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
        }
        transform_subschemas(self, schema);
    }
}

/// The names of [`layer_fields`].
const LAYER_FIELDS: [&str; 5] = ["environments", "enforce", "patches", "templates", "needs"];

/// Whether a field is read from layers before they are merged, and is not a value.
#[must_use]
pub fn is_layer_field(name: &str) -> bool {
    LAYER_FIELDS.contains(&name)
}

/// The fields that every layer may have besides values, whatever the project's schema.
#[must_use]
pub fn layer_fields() -> Map<String, Value> {
    let fields = [
        ("environments", sections(), "Values for one environment, by the environment's name; they override this file."),
        (
            "enforce",
            json!({"$ref": "#"}),
            "Values that no other layer can contradict, merged last. Allowed only in environments.",
        ),
        ("patches", patches(), "Changes to rendered objects, by `Kind/name` or `Kind/*`."),
        ("templates", names(), "The folders below `templates/` that a profile uses. Default: all."),
        (
            "needs",
            names(),
            "The profiles whose bundles are applied first: their objects exist and are not rendered again.",
        ),
    ];
    let described = fields.into_iter().map(|(name, mut schema, description)| {
        schema["description"] = description.into();
        (name.to_owned(), schema)
    });
    described.collect()
}

/// `environments`: each section is a layer.
pub(crate) fn sections() -> Value {
    json!({"type": "object", "additionalProperties": {"$ref": "#"}})
}

/// `patches`: trees by `Kind/name`.
pub(crate) fn patches() -> Value {
    json!({
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z][A-Za-z0-9]*/.+$"},
        "additionalProperties": {"type": "object"},
    })
}

/// `templates` and `needs`: a list of names, or an operation on the list of a lower layer.
pub(crate) fn names() -> Value {
    let list = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "type": ["array", "object"],
        "items": {"type": "string"},
        "properties": {"$append": list, "$prepend": list, "$remove": list},
        "additionalProperties": false,
    })
}

/// The schema of one layer, derived from the schema of merged profiles: a layer may have the fields of layers, and may
/// omit required fields. `None` if the schema is already that of a layer, or is invalid.
#[must_use]
pub fn of_layers(profiles: &str) -> Option<String> {
    let before: Value = serde_json::from_str(profiles).ok()?;
    let mut schema = before.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, field) in layer_fields() {
            properties.entry(name).or_insert(field);
        }
    }
    remove_required(&mut schema);
    (schema != before).then(|| format!("{schema:#}\n"))
}

/// Removes the required fields of mappings that layers merge.
fn remove_required(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.shift_remove("required");
    schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(remove_required);
    schema.get_mut("additionalProperties").into_iter().for_each(remove_required);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_layer_may_have_more_fields_and_omit_required_ones() {
        let own = json!({
            "additionalProperties": false, "required": ["image"],
            "properties": {
                "image": {"type": "object", "required": ["tag"], "properties": {"tag": {"type": "string"}}},
                "needs": {"type": "array"},
            },
        });
        let made = of_layers(&own.to_string()).unwrap();
        let schema: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(schema["properties"]["needs"], own["properties"]["needs"]);
        let schema = jsonschema::validator_for(&schema).unwrap();
        for good in [
            json!({"environments": {"prod": {"enforce": {"image": {}}}}}),
            json!({"templates": ["a"], "patches": {"Deployment/*": {"spec": {"replicas": 1}}}}),
            json!({"templates": {"$append": ["a"]}}),
        ] {
            assert!(schema.is_valid(&good), "{good}");
        }
        for bad in [
            json!({"environments": {"prod": {"imag": 1}}}),
            json!({"enforce": {"image": 1}}),
            json!({"templates": "a"}),
            json!({"templates": {"append": ["a"]}}),
            json!({"patches": {"web": {}}}),
            json!({"patches": {"Deployment/web": 1}}),
        ] {
            assert!(!schema.is_valid(&bad), "{bad}");
        }
        assert_eq!(of_layers(&made), None);
        assert!(layer_fields().keys().map(String::as_str).eq(LAYER_FIELDS));
        assert_eq!(of_layers("{"), None);
    }
}
