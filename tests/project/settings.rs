//! `plimsoll.toml`: the parser, the schema for editors and the documentation agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plimsoll::project::{Settings, settings_schema};
use plimsoll::source::Sources;
use serde_json::Value as Json;

use super::Project;

/// TOML as JSON, for a schema validator.
fn json(value: &toml::de::DeValue<'_>) -> Json {
    use toml::de::DeValue;
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect()
        }
        // A number or a date, which are not valid for any setting.
        _ => 1.into(),
    }
}

/// The names of all settings.
fn names() -> BTreeSet<String> {
    let schema: Json = serde_json::from_str(&settings_schema()).unwrap();
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// Whether a file is valid according to the schema for editors.
fn fits(text: &str) -> bool {
    let schema: Json = serde_json::from_str(&settings_schema()).unwrap();
    let table = toml::de::DeTable::parse(text).unwrap().into_inner();
    jsonschema::validator_for(&schema).unwrap().is_valid(&json(&toml::de::DeValue::Table(table)))
}

/// The top-level keys of a file.
fn keys(text: &str) -> Vec<String> {
    let table = toml::de::DeTable::parse(text).unwrap().into_inner();
    table.keys().map(|key| key.get_ref().to_string()).collect()
}

/// Whether the parser accepts the file.
fn reads(text: &str) -> bool {
    let sources = Sources::new();
    let file = sources.add("plimsoll.toml", text);
    Settings::read(&sources, file).is_ok()
}

/// The schema for editors accepts exactly the files that the parser accepts.
#[test]
fn the_schema_of_the_settings_agrees_with_the_parser() {
    let schema: Json = serde_json::from_str(&settings_schema()).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for (name, property) in properties {
        assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
    }
    let mut named = BTreeSet::new();
    for (good, bad) in [
        ("out = 'deploy'", "out = ''"),
        ("out = 'deploy'", "out = ['deploy']"),
        ("environment = 'dev'", "environment = 1"),
        ("kubernetes = '1.35'", "kubernetes = 1.35"),
        ("externals = ['Secret/db']", "externals = 'Secret/db'"),
        ("externals = []", "externals = ['']"),
        ("crds = ['crds']", "crds = [1]"),
        ("schemas = ['schemas']", "schemas = [1]"),
        (
            "[[references]]\nkind = 'Boat'\nfield = 'spec.crews[].config'\nnames = 'ConfigMap'",
            "[[references]]\nkind = 'Boat'\nfield = 'spec.config'",
        ),
        (
            "[[service-versions]]\nservice = 'DataStorage'\nversion = '1.5'",
            "[[service-versions]]\nservice = 'DataStorage'",
        ),
        ("exclude = ['vendor/']", "exclude = 'vendor/'"),
        ("clusters = 'profile'", "clusters = 'one'"),
        ("clusters = 'shared'", "clusters = true"),
        ("rules = {unused = 'off', pod-security = 'error'}", "rules = {unusd = 'off'}"),
        ("[rules]\nunused = 'note'", "[rules]\nunused = 'info'"),
        ("[paths.'legacy/**']\nunused = 'off'", "[paths.'legacy/**']\nunused = true"),
        ("[paths]\n'legacy/**' = {unused = 'off'}", "[paths]\n'legacy/**' = 'off'"),
        ("[[allow]]\nrule = 'unused'\nbecause = 'later'", "[[allow]]\nrule = 'unused'"),
        (
            "[[allow]]\nrule = 'unused'\nobject = 'Secret/a'\nprofile = 'web'\nbecause = 'later'",
            "[[allow]]\nrule = 'unused'\nobjekt = 'Secret/a'\nbecause = 'later'",
        ),
        ("allow = []", "allow = {}"),
        ("", "uot = 'deploy'"),
    ] {
        assert!(fits(good) && reads(good), "{good}");
        assert!(!fits(bad) && !reads(bad), "{bad}: {} {}", fits(bad), reads(bad));
        named.extend(keys(good));
    }
    assert_eq!(names(), named);
}

#[test]
fn the_schema_is_printed() {
    let project = Project::new();
    assert_eq!(project.stdout(&["schema", "--settings"]), settings_schema());
}

/// Each setting has a section with an example, and every example is valid.
#[test]
fn the_documentation_has_an_example_of_every_setting() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md")).unwrap();
    let sections: Vec<(&str, &str)> = text.split("\n## `").skip(1).filter_map(|part| part.split_once('`')).collect();
    let titles: BTreeSet<String> = sections.iter().map(|(title, _)| (*title).to_owned()).collect();
    assert_eq!(titles, names());
    for (title, section) in sections {
        let examples: Vec<&str> =
            section.split("```toml\n").skip(1).filter_map(|part| part.split("```").next()).collect();
        assert!(!examples.is_empty(), "`{title}` has no example");
        for example in examples {
            assert!(fits(example) && reads(example), "{example}");
            assert!(keys(example).iter().any(|key| key == title), "{example}");
        }
    }
}

/// The settings that `init` writes, also with everything uncommented, and those of the examples.
#[test]
fn the_settings_of_projects_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deploy");
    let init = Project::new().run(&["init", target.to_str().unwrap()]);
    assert!(init.status.success());
    let written = fs::read_to_string(target.join("plimsoll.toml")).unwrap();
    let is_setting = |line: &str| line.contains(" = ") || line.starts_with('[');
    let uncommented = |line: &str| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line).to_owned();
    let all: String = written.lines().map(|line| uncommented(line) + "\n").collect();
    assert!(keys(&all).len() == names().len(), "{all}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        "plimsoll.toml",
        "examples/blank/plimsoll.toml",
        "examples/custom/plimsoll.toml",
        "examples/platform/plimsoll.toml",
        "examples/web/plimsoll.toml",
    ];
    let files = files.map(|file| fs::read_to_string(root.join(file)).unwrap());
    for text in files.iter().chain([&written, &all]) {
        assert!(fits(text) && reads(text), "{text}");
    }
}
