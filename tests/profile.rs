//! Consistency of the profile type, the committed schema, the documentation of the fields, and the profiles.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use plimsoll::node::{Node, Value};
use plimsoll::profile::{self, Profile};
use plimsoll::source::Sources;
use plimsoll::yaml::{self, Dialect};
use serde_json::Value as Json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `SNAPSHOTS=overwrite cargo test` updates it.
#[test]
fn committed_schema_is_generated_from_the_type() {
    snapbox::assert_data_eq!(profile::generate_schema(), snapbox::file!["../profiles/schema.json": Text].raw());
    let committed = std::fs::read_to_string(root().join("profiles/schema.json")).unwrap();
    assert!(profile::SCHEMA == committed, "the binary contains another schema: run the test again");
    // It is already a schema of layers, for editors.
    assert_eq!(plimsoll::json_schema::of_layers(profile::SCHEMA), None);
}

#[test]
fn every_field_has_a_description() {
    let schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().iter().map(|(name, definition)| (name.as_str(), definition));
    for (name, object) in definitions.chain([("the profile", &schema)]) {
        let Some(properties) = object["properties"].as_object() else { continue };
        assert_eq!(object["additionalProperties"], false, "{name} accepts unknown fields");
        for (field, property) in properties {
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.ends_with('.') && text.len() > 15, "`{field}` of {name} needs a longer description: {text:?}");
        }
    }
}

#[test]
fn secrets_are_marked() {
    let schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    for definition in ["Database", "Redis"] {
        assert_eq!(schema["$defs"][definition]["properties"]["password"]["writeOnly"], true);
    }
}

/// Every profile file is valid for the type and the schema, and names its schema for editors.
#[test]
fn every_profile_file_is_valid_for_the_type_and_the_schema() {
    let mut schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    // A layer may omit the fields that the merged profile requires.
    schema.as_object_mut().unwrap().remove("allOf").unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut files = yaml_files("profiles");
    files.extend(yaml_files("profiles/environments"));
    files.push("examples/production/values.yaml".into());
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let first = text.lines().next().unwrap();
        let named =
            first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_else(|| panic!("{file:?}: {first}"));
        let named = root().join(file.parent().unwrap()).join(named).canonicalize().unwrap();
        assert_eq!(named, root().join("profiles/schema.json").canonicalize().unwrap(), "{file:?}");
        let json = without_nulls(&parse(&file));
        let errors: Vec<String> =
            schema.iter_errors(&json).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{file:?}: {errors:?}");
        let read: Profile = serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        assert_eq!(bare(serde_json::to_value(read).unwrap()), bare(json), "{file:?} changes when it is read");
    }
}

/// Every file of an example is valid for its project's schema, and for the output of `plimsoll schema`.
#[test]
fn every_profile_of_the_examples_is_valid_for_its_schema() {
    for project in ["examples/blank", "examples/custom", "examples/platform", "examples/web"] {
        let own = std::fs::read_to_string(root().join(project).join("profiles/schema.json")).unwrap();
        let printed = plimsoll::json_schema::of_layers(&own).unwrap_or_else(|| own.clone());
        let mut files = yaml_files(&format!("{project}/profiles"));
        files.extend(yaml_files(&format!("{project}/profiles/environments")));
        assert!(files.len() >= 3, "{files:?}");
        for schema in [own, printed] {
            let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
            for file in &files {
                let json = without_nulls(&parse(file));
                let errors: Vec<String> =
                    schema.iter_errors(&json).map(|error| format!("{error} at {}", error.instance_path())).collect();
                assert!(errors.is_empty(), "{file:?}: {errors:?}");
            }
        }
    }
}

#[test]
fn the_sixth_consumer_is_at_most_ten_lines() {
    let text = std::fs::read_to_string(root().join("profiles/remediationorchestrator.yaml")).unwrap();
    assert!(text.lines().count() <= 10);
}

/// Values that the schema must reject, with the path of the field.
#[test]
fn the_schema_rejects_invalid_values() {
    let schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (bad, path) in [
        (serde_json::json!({"nodeport": 30081}), ""),
        (serde_json::json!({"expose": {"nodeport": 30081}}), "/expose"),
        (serde_json::json!({"replicas": "2"}), "/replicas"),
        (serde_json::json!({"namespace": "Kube_System"}), "/namespace"),
        (serde_json::json!({"ports": {"http": 80}}), "/ports/http"),
        (serde_json::json!({"config": {"readTimeout": "30"}}), "/config/readTimeout"),
        (serde_json::json!({"config": {"readTimeout": ""}}), "/config/readTimeout"),
        (serde_json::json!({"config": {"logLevel": "trace"}}), "/config/logLevel"),
        (serde_json::json!({"database": {"password": "two\nlines"}}), "/database/password"),
        (serde_json::json!({"database": {"password": "ends\n"}}), "/database/password"),
        (serde_json::json!({"database": {"password": ""}}), "/database/password"),
        (serde_json::json!({"database": {"password": "a b"}}), "/database/password"),
        (serde_json::json!({"database": {"password": "a\tb"}}), "/database/password"),
        (serde_json::json!({"database": {"password": "a\\b"}}), "/database/password"),
        (serde_json::json!({"database": {"password": "'a"}}), "/database/password"),
        (serde_json::json!({"redis": {"password": "two\nlines"}}), "/redis/password"),
        (serde_json::json!({"image": {"digest": "sha256:abc"}}), "/image/digest"),
        (serde_json::json!({"image": {"repository": "has a blank"}}), "/image/repository"),
        (serde_json::json!({"resources": {"limits": {"memory": "256mb"}}}), "/resources/limits/memory"),
        (serde_json::json!({"external": {"db": "no-port"}}), "/external/db"),
        (serde_json::json!({"migrations": {"deadlineSeconds": 0}}), "/migrations/deadlineSeconds"),
        (serde_json::json!({"migrations": {"schemaWaitSeconds": 0}}), "/migrations/schemaWaitSeconds"),
        (serde_json::json!({"environments": {"ci": {"cluster": 7}}}), "/environments/ci/cluster"),
    ] {
        let mut paths: Vec<String> = schema.iter_errors(&bad).map(|error| error.instance_path().to_string()).collect();
        paths.dedup();
        assert_eq!(paths, [path], "{bad}");
    }
    for good in [
        serde_json::json!({"redis": {"password": ""}}),
        serde_json::json!({"database": {"password": "it's\"$HOME\"`x`:#é\u{a0}"}}),
        serde_json::json!({"redis": {"password": "it's \\ fine"}}),
        serde_json::json!({"config": {"readTimeout": "1m30s"}}),
        serde_json::json!({"external": {"db": "db.example.com:5432", "login": "Secret/login"}}),
    ] {
        assert!(schema.is_valid(&good), "{good}");
    }
}

/// The schema requires the fields that a switch makes necessary in the merged profile.
#[test]
fn switches_require_other_fields() {
    let schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (good, bad) in [
        (
            serde_json::json!({"createSecrets": false, "migrate": {"secret": "a"}, "runtime": {"secret": "b"}}),
            serde_json::json!({"createSecrets": false, "migrate": {"secret": "a"}, "runtime": {}}),
        ),
        (
            serde_json::json!({"image": {"pinned": true, "repository": "r/s", "digest": format!("sha256:{:064}", 0)}}),
            serde_json::json!({"image": {"pinned": true, "repository": "r/s", "tag": "latest"}}),
        ),
        (
            serde_json::json!({"redis": {"enabled": false, "host": "r.example.com"}}),
            serde_json::json!({"redis": {"enabled": false}}),
        ),
        (
            serde_json::json!({"postgresql": {"enabled": false}, "database": {"host": "p.example.com", "user": "u"}}),
            serde_json::json!({"postgresql": {"enabled": false}, "database": {"host": "p.example.com"}}),
        ),
        (serde_json::json!({"image": {"pinned": false}}), serde_json::json!({"postgresql": {"enabled": false}})),
        (
            serde_json::json!({"migrations": {"env": {"A": "b"}, "check": ["tool"], "command": ["tool"]}}),
            serde_json::json!({"migrations": {"env": {"A": "b"}}}),
        ),
        (serde_json::json!({"migrations": {"env": {}}}), serde_json::json!({"migrations": {"check": ["tool"]}})),
    ] {
        let faults = |json: &Json| schema.iter_errors(json).count();
        assert_eq!(faults(&good), 0, "{good}");
        assert!(faults(&bad) > 0, "{bad}");
    }
}

/// `SNAPSHOTS=overwrite cargo test` updates it.
#[test]
fn documentation_of_the_fields_is_generated_from_the_type() {
    snapbox::assert_data_eq!(documentation(), snapbox::file!["../docs/profiles.md": Text].raw());
}

/// A layer's values with their positions.
struct Layer {
    name: String,
    node: Node,
    sources: Sources,
}

fn documentation() -> String {
    let schema: Json = serde_json::from_str(profile::SCHEMA).unwrap();
    let layer = |name: &str, file: &str| {
        let sources = Sources::new();
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let id = sources.add(file, &*text);
        let node = yaml::load(&sources, id, Dialect::Strict).documents.remove(0);
        Layer { name: name.to_owned(), node, sources }
    };
    let base = layer("", "profiles/base.yaml");
    let environments: Vec<Layer> = yaml_files("profiles/environments")
        .iter()
        .map(|file| layer(file.file_stem().unwrap().to_str().unwrap(), file.to_str().unwrap()))
        .collect();
    let mut out = format!(
        "<!-- Generated from src/profile.rs and profiles/base.yaml by `SNAPSHOTS=overwrite cargo test`. -->\n# Profile fields\n\n{}\n\n\
         The last column has the default of each field and the line that sets it.\n",
        schema["description"].as_str().unwrap()
    );
    table(&mut out, &schema, &schema, &[], &base, &environments);
    out
}

/// Writes the table of an object's fields, then those of nested objects.
fn table(out: &mut String, schema: &Json, object: &Json, path: &[&str], base: &Layer, environments: &[Layer]) {
    let properties = object["properties"].as_object().unwrap();
    let title = if path.is_empty() { "The profile".to_owned() } else { format!("`{}`", path.join(".")) };
    let _ = write!(out, "\n## {title}\n\n| field | type | meaning | default |\n| --- | --- | --- | --- |\n");
    let mut below = Vec::new();
    for (name, property) in properties {
        let target = resolve(schema, property);
        let full: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        if target["properties"].is_object() && !is_change(target) {
            below.push((full.clone(), target));
        }
        let words = property["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let kind = kind(schema, property, &full);
        let default = default(&full, target, base, environments);
        let _ = writeln!(out, "| `{name}` | {kind} | {words} | {default} |");
    }
    for (path, object) in below {
        table(out, schema, object, &path, base, environments);
    }
}

/// Whether a property is a list, or an operation on the list of another layer.
fn is_change(property: &Json) -> bool {
    property["type"] == serde_json::json!(["array", "object"])
}

fn resolve<'a>(schema: &'a Json, property: &'a Json) -> &'a Json {
    match property["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
        Some(name) => &schema["$defs"][name],
        None => property,
    }
}

fn kind(schema: &Json, property: &Json, path: &[&str]) -> String {
    if property["$ref"] == "#" {
        return "the profile's fields".to_owned();
    }
    let property = resolve(schema, property);
    if let Some(values) = property["enum"].as_array() {
        return values.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect::<Vec<_>>().join(", ");
    }
    if property["properties"].is_object() && !is_change(property) {
        return format!("[fields](#{})", path.join("").to_lowercase());
    }
    let within = |below: &Json| match (below["$ref"].as_str(), below["properties"].as_object()) {
        (Some("#"), _) => "the profile's fields".to_owned(),
        (Some(_), _) => {
            let fields = resolve(schema, below)["properties"].as_object().unwrap();
            format!("`{{{}}}`", fields.keys().cloned().collect::<Vec<_>>().join(", "))
        }
        _ => below["type"].as_str().unwrap().to_owned(),
    };
    // A list, or an operation on the list of another layer.
    let kinds = property["type"].as_array();
    match kinds.map_or(&property["type"], |kinds| &kinds[0]).as_str().unwrap() {
        "object" => format!("name to {}", within(&property["additionalProperties"])),
        "array" => format!("list of {}", within(&property["items"])),
        "integer" => match (property["minimum"].as_i64(), property["maximum"].as_i64()) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            _ => "integer".to_owned(),
        },
        other if property["writeOnly"] == true => format!("{other}, secret"),
        other => other.to_owned(),
    }
}

fn default(path: &[&str], property: &Json, base: &Layer, environments: &[Layer]) -> String {
    if property["properties"].is_object() && !is_change(property) {
        return String::new();
    }
    let shown = |layer: &Layer| {
        let node = path.iter().try_fold(&layer.node, |node, key| node.get(key))?;
        let value = match &node.value {
            Value::Null => "none".to_owned(),
            _ => format!("`{}`", one_line(node)),
        };
        let place = layer.sources.describe(node.origin.span);
        let mut parts = place.split(':');
        let (file, line) = (parts.next().unwrap(), parts.next().unwrap());
        Some(format!("{value} ([{}:{line}](../{file}#L{line}))", file.strip_prefix("profiles/").unwrap()))
    };
    let mut cells: Vec<String> = shown(base).into_iter().collect();
    if path != ["environments"] {
        cells.extend(environments.iter().filter_map(|layer| Some(format!("{}: {}", layer.name, shown(layer)?))));
    }
    if cells.is_empty() { "–".to_owned() } else { cells.join("; ") }
}

/// A value as the cell of a table.
fn one_line(node: &Node) -> String {
    let json: Json = serde_json::from_str(&yaml::json(node)).unwrap();
    json.to_string().replace('|', "\\|")
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Path::new(folder).join(entry.unwrap().file_name()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn parse(file: &Path) -> Json {
    let sources = Sources::new();
    let id = sources.add(file.to_str().unwrap(), &*std::fs::read_to_string(root().join(file)).unwrap());
    let loaded = yaml::load(&sources, id, Dialect::Strict);
    assert_eq!(loaded.findings, [], "{file:?}");
    assert_eq!(loaded.documents.len(), 1, "{file:?}");
    serde_json::from_str(&yaml::json(&loaded.documents[0])).unwrap()
}

/// Without nulls, as after merging: a null has deleted the value.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Without nulls, which are written for fields that are not set, sorted by key.
fn bare(json: Json) -> std::collections::BTreeMap<String, String> {
    fn walk(json: &Json, path: &str, out: &mut std::collections::BTreeMap<String, String>) {
        match json {
            Json::Null => {}
            Json::Object(map) => map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"), out)),
            other => {
                out.insert(path.to_owned(), other.to_string());
            }
        }
    }
    let mut out = std::collections::BTreeMap::new();
    walk(&json, "", &mut out);
    out
}
