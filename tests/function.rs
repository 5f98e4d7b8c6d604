//! Tests of `plimsoll fn` as kustomize and kpt run it: through stdin and stdout, and in kustomize if it is installed.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use plimsoll::node::Node;
use plimsoll::source::Sources;
use plimsoll::yaml::{Dialect, emit, load};
use snapbox::{assert_data_eq, str};

const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/kustomize");

fn function(folder: &Path, input: &str) -> Output {
    let mut command = Command::new(PLIMSOLL);
    command.arg("fn").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env("COLUMNS", "160").spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn documents(text: &str) -> Vec<Node> {
    let sources = Sources::new();
    let loaded = load(&sources, sources.add("text", text), Dialect::Kubectl);
    assert_eq!(loaded.findings, []);
    loaded.documents
}

/// The ResourceList printed by a run with this exit code.
fn list(output: &Output, code: i32) -> Node {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    documents(std::str::from_utf8(&output.stdout).unwrap()).remove(0)
}

/// A ResourceList with items and a configuration, both in YAML.
fn input(items: &str, config: &str) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let items: String = documents(items).iter().map(|item| format!("-\n{}", indented(&emit(item)))).collect();
    let items = if items.is_empty() { "items: []\n".to_owned() } else { format!("items:\n{items}") };
    format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n{items}functionConfig:\n{}", indented(config))
}

fn rendered(args: &[&str]) -> Vec<Node> {
    let output = Command::new(PLIMSOLL).arg("render").args(args).current_dir(EXAMPLE).output().unwrap();
    documents(std::str::from_utf8(&output.stdout).unwrap())
}

/// The objects as JSON with sorted fields.
fn plain(nodes: &[Node]) -> Vec<String> {
    let value = |node: &Node| -> serde_json::Value { serde_json::from_str(&plimsoll::yaml::json(node)).unwrap() };
    fn sorted(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(entries) => {
                let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                entries.into_iter().collect()
            }
            serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
            value => value,
        }
    }
    nodes.iter().map(|node| sorted(value(node)).to_string()).collect()
}

fn example(file: &str) -> String {
    fs::read_to_string(format!("{EXAMPLE}/{file}")).unwrap()
}

#[test]
fn a_bundle_is_added_as_it_is_rendered() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = rendered(&["gateway", "--set", "image.tag=pr-17"]);
    assert!(wanted.len() > 10);
    let config = example("bundle.yaml");
    let made = list(&function(folder.path(), &input("", &config)), 0);
    assert_eq!(plain(made["items"].items()), plain(&wanted));
    assert_eq!(made["apiVersion"].text(), "config.kubernetes.io/v1");
    assert!(!made["results"].is_set());
    // A run on its own output, with the annotations that an orchestrator adds, changes nothing.
    let noted: Vec<String> = wanted.iter().map(emit).collect();
    let noted = noted.join("---\n").replacen(
        "metadata:\n",
        "metadata:\n  annotations: {internal.config.kubernetes.io/path: a.yaml, internal.config.kubernetes.io/index: \"3\"}\n",
        1,
    );
    let again = list(&function(folder.path(), &input(&noted, &config)), 0);
    assert_eq!(plain(again["items"].items()), plain(&documents(&noted)));
}

#[test]
fn a_config_map_can_be_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  profile: gateway\n  values: |\n    image: {tag: pr-17}\n";
    let made = list(&function(folder.path(), &input("", config)), 0);
    assert_eq!(plain(made["items"].items()), plain(&rendered(&["gateway", "--set", "image.tag=pr-17"])));
    let config =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {only: \"api, wiring\", complete: \"true\"}\n";
    list(&function(folder.path(), &input(SERVICE, config)), 1);
    list(&function(folder.path(), &input(SERVICE, "{}").replace("functionConfig:\n  {}\n", "")), 1);
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\n  annotations: {config.kubernetes.io/path: web/service.yaml, config.kubernetes.io/index: \"1\"}\nspec: {prots: [], ports: [{port: 80}]}\n";

#[test]
fn findings_become_results() {
    let folder = tempfile::tempdir().unwrap();
    let output = function(folder.path(), &input(SERVICE, &example("check.yaml")));
    let made = list(&output, 1);
    // The items are returned unchanged.
    assert_eq!(plain(made["items"].items()), plain(&documents(SERVICE)));
    assert_data_eq!(
        emit(&made["results"]),
        str![[r#"
- message: "unknown field `spec.prots` (help: did you mean `ports`?)"
  severity: error
  resourceRef:
    apiVersion: v1
    kind: Service
    name: web
    namespace: shop
  field:
    path: spec.prots
  file:
    path: web/service.yaml
    index: 1
  tags:
    rule: field-unknown

"#]]
    );
    // kustomize shows only standard error to its user.
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[field-unknown]: unknown field `spec.prots`"));
    // Objects that are not applied (`local-config`) are not checked.
    let local = SERVICE.replace("annotations: {", "annotations: {config.kubernetes.io/local-config: \"true\", ");
    assert!(!list(&function(folder.path(), &input(&local, &example("check.yaml"))), 0)["results"].is_set());
    // A bundle with an error is not returned partially, and its results refer to the profile.
    let config = example("bundle.yaml").replace("image: {tag: pr-17}", "imge: {tag: pr-17}");
    let made = list(&function(folder.path(), &input("", &config)), 1);
    assert_eq!(made["items"].items().len(), 0);
    assert_eq!(made["results"].items()[0]["tags"]["rule"].text(), "profile-field-unknown");
    assert_eq!(made["results"].items()[0]["file"]["path"].text(), "functionConfig values");
}

#[test]
fn unsupported_input_exits_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = example("bundle.yaml");
    for (text, words) in [
        ("", "not a ResourceList"),
        (SERVICE, "not a ResourceList"),
        ("a: [\n", "error[yaml-syntax]"),
        (&input("", &bundle.replace("kind: Bundle", "kind: Budle")), "cannot use a functionConfig of kind `Budle`"),
        (&input("", &bundle.replace("profile:", "profil:")), "unknown field `profil`"),
        (&input("", &bundle.replace("profile: gateway", "profile: gatway")), "did you mean `gateway`?"),
        (&input("", &bundle.replace("environment: e2e", "kubernetesVersion: \"1.12\"")), "kubernetesVersion"),
        (&input(SERVICE, &example("check.yaml").replace("complete: true", "only: [apis]")), "did you mean `api`?"),
        (&input(SERVICE, &example("check.yaml").replace("complete: true", "complete: maybe")), "true or false"),
    ] {
        let output = function(folder.path(), text);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}\n{error}");
        assert!(output.stdout.is_empty(), "{text}");
        assert!(error.contains(words), "{words}\n{error}");
    }
}

#[test]
fn results_do_not_contain_secrets_of_values() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "hunter2-hunter2";
    for values in [format!("database: {{pasword: {secret}}}"), format!("database: {{password: [{secret}]}}")] {
        let config = example("bundle.yaml").replace("image: {tag: pr-17}", &values);
        let output = function(folder.path(), &input("", &config));
        let results = emit(&list(&output, 1)["results"]);
        assert!(!results.contains(secret), "{results}");
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains(secret),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Whether a program is installed.
fn is_installed(program: &str) -> bool {
    Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn kustomize_builds_the_example() {
    if !is_installed("kustomize") {
        eprintln!("kustomize is not installed: the example is run through stdin and stdout alone");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(EXAMPLE).unwrap().flatten() {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let build = || {
        let path = format!("{}:{}", Path::new(PLIMSOLL).parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("kustomize");
        command.args(["build", "--enable-alpha-plugins", "--enable-exec", "."]);
        command.current_dir(folder.path()).env("PATH", path).output().unwrap()
    };
    let output = build();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = documents(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(plain(&built), plain(&rendered(&["gateway", "--set", "image.tag=pr-17"])));
    // An error caused by a patch is found by the check.
    let kustomization = example("kustomization.yaml")
        + "patches:\n- patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: datastorage, namespace: kubernaut-system}\n    spec: {selector: {app.kubernetes.io/name: datstorage}}\n";
    fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
    let output = build();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("error[service-selects-nothing]"), "{error}");
}
