//! The JSON Schema of the new project's profiles.

use ecow::EcoString;
use serde_json::{Value as Json, json};

use super::copies::Variant;
use super::describe::describe;
use super::fields::{FieldSet, ProfileField};
use super::layout::{ProfileExtras, in_order};
use super::matching::MatchedObject;
use crate::node::{Node, Value};

/// The schema as a JSON document.
pub(super) fn schema(
    variants: &[Variant],
    fields: &FieldSet,
    classes: &[MatchedObject<'_>],
    extras: &[ProfileExtras],
) -> String {
    let mut root = closed("");
    for field in in_order(fields) {
        let mut at = &mut root;
        for (depth, name) in field.name.iter().enumerate() {
            let properties = &mut at["properties"];
            if properties[name.as_str()].is_null() {
                let is_leaf = depth + 1 == field.name.len();
                properties[name.as_str()] = if is_leaf { leaf(field, classes) } else { closed("") };
            }
            at = &mut properties[name.as_str()];
        }
    }
    let required: Vec<&str> = fields
        .all
        .iter()
        .filter(|field| field.base.is_none() && field.name.len() == 1 && field.values.iter().all(Option::is_some))
        .filter_map(|field| field.name.first().map(EcoString::as_str))
        .collect();
    if !required.is_empty() {
        root["required"] = json!(required);
    }
    root["properties"]["external"] = json!({
        "type": "object",
        "additionalProperties": {"type": "string", "minLength": 3},
        "description": "What the bundle depends on but does not contain, as `host:port` or `Kind/name`."
    });
    if extras.iter().any(|extra| !extra.objects.is_empty()) {
        root["properties"]["objects"] =
            json!({"type": "object", "description": "Objects that are kept verbatim, one field per object."});
    }
    root["properties"]["environments"] = json!({
        "type": "object",
        "additionalProperties": {"$ref": "#"},
        "description": "Values for one environment, by the environment's name."
    });
    let mut whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Profile"});
    let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    whole["description"] = json!(format!("The fields of the profiles {}.", names.join(", ")));
    if let (Json::Object(whole), Json::Object(root)) = (&mut whole, root) {
        whole.extend(root);
    }
    serde_json::to_string_pretty(&whole).map(|text| text + "\n").unwrap_or_default()
}

fn closed(description: &str) -> Json {
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": {}});
    if !description.is_empty() {
        object["description"] = json!(description);
    }
    object
}

/// Fields with an enumerated type in the Kubernetes API.
const ENUMS: &[(&str, &[&str])] = &[
    ("pullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("restartPolicy", &["Always", "OnFailure", "Never"]),
    ("protocol", &["TCP", "UDP", "SCTP"]),
    ("concurrencyPolicy", &["Allow", "Forbid", "Replace"]),
    ("externalTrafficPolicy", &["Cluster", "Local"]),
    ("sessionAffinity", &["ClientIP", "None"]),
];

const SERVICE_TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// The schema of a field: its type, and its constraints where the Kubernetes API has some.
fn leaf(field: &ProfileField, classes: &[MatchedObject<'_>]) -> Json {
    let mut schema = json!({});
    let values = || field.values.iter().flatten();
    let all = |is: fn(&Node) -> bool| values().all(is);
    let last = field.name.last().map(EcoString::as_str).unwrap_or_default();
    if all(|node| node.as_str().is_some()) {
        schema["type"] = json!("string");
        let words = ENUMS.iter().find(|(name, _)| *name == last).map(|(_, words)| *words);
        let is_service =
            last == "type" && field.uses.iter().all(|usage| classes[usage.location.class].first().kind() == "Service");
        let words = words.or_else(|| is_service.then_some(SERVICE_TYPES));
        if let Some(words) = words.filter(|words| values().all(|node| words.contains(&node.text()))) {
            schema["enum"] = json!(words);
        }
        let is_name = |node: &Node| {
            let text = node.text();
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            text.len() < 64
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && edge(text.chars().next())
                && edge(text.chars().next_back())
        };
        if last == "namespace" && values().all(is_name) {
            schema["pattern"] = json!("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
            schema["maxLength"] = json!(63);
        }
        let is_quantity = |node: &Node| crate::formats::quantity::Quantity::parse(node.text()).is_some();
        let in_resources = field.name.iter().any(|name| name == "resources" || name == "storage");
        if in_resources && !field.secret && values().all(is_quantity) {
            schema["pattern"] = json!("^[+-]?[0-9.]+([eEinumkKMGTP][-+0-9i]*)?$");
        }
    } else if all(|node| node.as_bool().is_some()) {
        schema["type"] = json!("boolean");
    } else if all(|node| node.as_i64().is_some()) {
        schema["type"] = json!("integer");
        let lower = last.to_lowercase();
        let least = values().filter_map(Node::as_i64).min().unwrap_or_default();
        let most = values().filter_map(Node::as_i64).max().unwrap_or_default();
        if lower.ends_with("port") && least >= 1 && most <= 65535 {
            schema["minimum"] = json!(1);
            schema["maximum"] = json!(65535);
        } else if lower.ends_with("replicas") && least >= 0 {
            schema["minimum"] = json!(0);
        }
    } else if all(|node| matches!(node.value, Value::Sequence(_))) {
        schema["type"] = json!("array");
    } else if all(|node| matches!(node.value, Value::Mapping(_))) {
        schema["type"] = json!("object");
    }
    if field.secret {
        schema["writeOnly"] = json!(true);
    }
    schema["description"] = json!(describe(field, classes));
    schema
}
