//! Tests of projects other than the built-in one, with the binary on a folder of files.

mod arguments;
mod environments;
mod needs;
mod patches;
mod pieces;
mod platform;
mod settings;
mod templates;
mod unused;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A small project of one service in three environments; tests change its files.
pub(super) struct Project(tempfile::TempDir);

const SCHEMA: &str = r#"{
  "type": "object", "additionalProperties": false,
  "properties": {
    "namespace": {"type": "string"},
    "image": {"type": "object", "additionalProperties": false,
      "properties": {"repository": {"type": "string"}, "tag": {"type": "string"}}},
    "replicas": {"type": "integer", "minimum": 0},
    "args": {"type": "array", "items": {"type": "string"}},
    "token": {"type": "string", "writeOnly": true},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "external": {"type": "object", "additionalProperties": {"type": "string"}}
  }
}"#;

const BASE: &str = "\
environments: {dev: {}, staging: {}, prod: {}}
namespace: shop
image: {repository: registry.example.com/web}
replicas: 1
args: []
labels: {}
external: {}
";

const PROFILE: &str = "\
image: {tag: dev}
environments:
  prod: {replicas: 3}
";

pub(super) const TEMPLATE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ profile }}", namespace: "{{ namespace }}", labels: "{{ labels }}"}
spec:
  replicas: "{{ replicas }}"
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: "{{ image.repository }}:{{ image.tag }}"
          args: "{{ args }}"
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}}
"#;

impl Project {
    pub(super) fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("plimsoll.toml", "");
        project.write("profiles/schema.json", SCHEMA);
        project.write("profiles/base.yaml", BASE);
        project.write("profiles/environments/prod.yaml", "namespace: shop-prod\n");
        project.write("profiles/web.yaml", PROFILE);
        project.write("templates/web.yaml", TEMPLATE);
        project
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    pub(super) fn edit(&self, name: &str, old: &str, new: &str) {
        let path = self.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{name} has no {old:?}");
        std::fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, "")
    }

    pub(super) fn run_with(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.current_dir(self.path()).args(args).env_clear().env("COLUMNS", "200");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The standard output of a run that must succeed without findings.
    pub(super) fn stdout(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The standard error of a run that must fail with this code and print nothing else.
    pub(super) fn stderr(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{error}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
        error
    }

    /// The bundle of the profile `web`.
    pub(super) fn web(&self, environment: &str) -> String {
        self.stdout(&["render", "web", "--env", environment])
    }

    /// Asserts that rendering the profile `web` fails, and that standard error contains each of the strings.
    #[track_caller]
    pub(super) fn fails(&self, environment: &str, texts: &[&str]) {
        let error = self.stderr(1, &["render", "web", "--env", environment]);
        for text in texts {
            assert!(error.contains(text), "no {text:?} in\n{error}");
        }
    }
}

#[track_caller]
pub(super) fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in\n{text}");
}
