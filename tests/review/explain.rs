//! `explain` and `graph`, in a folder with the built-in project.

use super::{Repository, in_order};

fn run(repository: &Repository, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = repository.plimsoll(&[&["--project", "deploy"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// The text at `file:line:column` of the project.
fn text_at(repository: &Repository, place: &serde_json::Value) -> String {
    let file = std::fs::read_to_string(repository.path().join(place["file"].as_str().unwrap())).unwrap();
    let line = file.lines().nth(place["line"].as_u64().unwrap() as usize - 1).unwrap();
    line.chars().skip(place["column"].as_u64().unwrap() as usize - 1).collect()
}

#[test]
fn a_field_is_explained_with_its_template_and_values() {
    let repository = Repository::new();
    let arguments = ["explain", "notification", "Service/datastorage", "spec.ports[0].nodePort"];
    let (text, _, code) = run(&repository, &arguments);
    assert_eq!(code, Some(0));
    in_order(
        &text,
        &[
            "30090\n",
            "written by   deploy/templates/datastorage/service.yaml:",
            "{{ expose.nodePort if",
            "deploy/profiles/notification.yaml:",
            "was 30081",
            "deploy/profiles/base.yaml:",
        ],
    );
    let (text, ..) = run(&repository, &[&arguments[..], &["--output", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["value"], &json["field"]), (&"30090".into(), &"spec.ports[0].nodePort".into()));
    // The positions are those in the files.
    assert!(text_at(&repository, &json["template"]).starts_with("\"{{ expose.nodePort"));
    let inputs = json["inputs"].as_array().unwrap();
    let port = inputs.iter().find(|input| input["path"] == "expose.nodePort").unwrap();
    assert!(text_at(&repository, &port["source"]).starts_with("30090"));
    assert!(text_at(&repository, &port["beat"][0]["source"]).starts_with("30081"));
    // A list item can be given by name or by index.
    let (by_name, ..) =
        run(&repository, &["explain", "notification", "service/datastorage", "spec.ports[http].nodePort"]);
    assert!(by_name.starts_with("30090\n"), "{by_name}");
}

#[test]
fn a_field_of_a_config_file_is_explained_with_its_tree() {
    let repository = Repository::new();
    let field = "data[config.yaml].database.max_open_conns";
    let set = "database.maxOpenConns=70";
    let (text, ..) = run(&repository, &["explain", "gateway", "ConfigMap/datastorage-config", field, "--set", set]);
    in_order(
        &text,
        &[
            "70\n",
            "deploy/templates/datastorage/config.yaml:",
            "database.maxOpenConns",
            "--set:1:",
            "was 25",
            "deploy/profiles/base.yaml:",
        ],
    );
}

#[test]
fn every_leaf_of_a_bundle_has_a_position() {
    let repository = Repository::new();
    let (text, ..) = run(&repository, &["explain", "gateway", "Deployment/datastorage", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fields = json["fields"].as_array().unwrap();
    assert!(fields.len() > 50, "{}", fields.len());
    for field in fields {
        let file = field["template"]["file"].as_str().unwrap_or_default();
        assert!(file.starts_with("deploy/templates/"), "{field}");
        // A literal value is in the template at that position.
        if field.get("expression").is_none()
            && field.get("contentName").is_none()
            && !field["value"].as_str().unwrap().contains(['"', '\n', '{', '['])
        {
            let there = text_at(&repository, &field["template"]);
            assert!(
                there.trim_start_matches(['"', '\'']).starts_with(field["value"].as_str().unwrap()),
                "{field}: {there}"
            );
        }
    }
}

#[test]
fn secrets_are_redacted_in_explanations() {
    let repository = Repository::new();
    for arguments in [
        &["explain", "gateway"][..],
        &["explain", "gateway", "Secret/datastorage-secret"],
        &["explain", "gateway", "Secret/datastorage-secret", "data[db-secrets.yaml]"],
        &["explain", "gateway", "Secret/datastorage-secret", "data[db-secrets.yaml].password"],
        &["explain", "gateway", "Secret/datastorage-db", "data.password", "--set", "database.password=n3w-Secret"],
    ] {
        let (text, errors, _) = run(&repository, arguments);
        assert!(!text.contains("test_password") && !text.contains("n3w-Secret"), "{arguments:?}: {text}");
        assert!(!errors.contains("test_password"), "{errors}");
        // Nor base64-encoded: `test_password`, `n3w-Secret`, and the file that contains the first.
        for encoded in ["dGVzdF9wYXNzd29yZA", "bjN3LVNlY3JldA", "dXNlcm5hbWU6"] {
            assert!(!text.contains(encoded) && !errors.contains(encoded), "{arguments:?}: {text}{errors}");
        }
    }
    // The inputs of a file in a Secret are those of its parts.
    let arguments = ["explain", "gateway", "Secret/datastorage-secret", "data[db-secrets.yaml]"];
    let (text, ..) = run(&repository, &arguments);
    assert!(text.contains("database.user") && text.contains("database.password"), "{text}");
}

#[test]
fn values_without_effect_are_listed() {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "cluster:", "replicas: 1\nexternal: {metrics: \"prom:9090\"}\ncluster:");
    let (text, ..) = run(&repository, &["explain", "gateway", "--unused"]);
    in_order(&text, &["replicas", "deploy/profiles/gateway.yaml:", "repeats what deploy/profiles/base.yaml:"]);
    let lines = text.lines().filter(|line| line.starts_with("replicas")).count();
    assert_eq!(lines, 1, "{text}");
    // The values that select the tables have an effect.
    assert!(!run(&repository, &["explain", "aianalysis", "--unused"]).0.contains("tables"));
}

#[test]
fn unknown_names_are_reported_with_a_suggestion() {
    let repository = Repository::new();
    let (_, text, code) = run(&repository, &["explain", "gateway", "Service/datastorag"]);
    assert!(code == Some(2) && text.contains("did you mean `Service/datastorage`?"), "{text}");
    let (_, text, code) = run(&repository, &["explain", "gateway", "Service/datastorage", "spec.port[0].nodePort"]);
    assert!(code == Some(2) && text.contains("did you mean `spec.ports[0].nodePort`?"), "{text}");
}

#[test]
fn the_graph_shows_references() {
    let repository = Repository::new();
    let (text, _, code) = run(&repository, &["graph", "gateway"]);
    assert_eq!(code, Some(0));
    in_order(
        &text,
        &[
            "flowchart LR\n",
            "subgraph",
            "Deployment<br/>datastorage",
            "end\n",
            "-->|\"calls :5432\"|",
            "-->|\"mounts\"|",
        ],
    );
    let (text, ..) = run(&repository, &["graph", "gateway", "--output", "dot"]);
    in_order(&text, &["digraph bundle {", "subgraph cluster_0 {", "[label=\"mounts\"]", "}\n"]);
    // A reference to an object that does not exist.
    let lonely = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: a, image: a:1}]\n  volumes: [{name: v, configMap: {name: gone}}]\n";
    std::fs::write(repository.path().join("pod.yaml"), lonely).unwrap();
    let (text, ..) = run(&repository, &["graph", "pod.yaml"]);
    in_order(&text, &["ConfigMap<br/>gone<br/>⛔ missing", "-.->|\"mounts\"|", "classDef missing"]);
}
