//! Tests of the language server with a small client over its standard streams.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Client {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: i64,
    /// The diagnostics that were published last, by file.
    published: std::collections::BTreeMap<String, Value>,
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

impl Client {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .arg("lsp")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Self { child, to, from, last: 0, published: Default::default() };
        let answer = client.request("initialize", json!({"capabilities": {}, "processId": null, "rootUri": null}));
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
        client.notify("initialized", json!({}));
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the server has ended");
            match line.trim().split_once(": ") {
                Some(("Content-Length", number)) => length = number.parse().unwrap(),
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        if message["method"] == "textDocument/publishDiagnostics" {
            let params = &message["params"];
            self.published.insert(params["uri"].as_str().unwrap().to_owned(), params["diagnostics"].clone());
        }
        message
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].clone();
            }
        }
    }

    /// Opens a file with these contents and waits for its diagnostics.
    fn open(&mut self, path: &Path, text: &str) -> Value {
        let document = json!({"uri": uri(path), "languageId": "yaml", "version": 1, "text": text});
        self.published.remove(&uri(path));
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
        self.wait(path)
    }

    fn change(&mut self, path: &Path, text: &str) -> Value {
        self.published.remove(&uri(path));
        let document = json!({"uri": uri(path), "version": 2});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": [{"text": text}]}));
        self.wait(path)
    }

    fn wait(&mut self, path: &Path) -> Value {
        while !self.published.contains_key(&uri(path)) {
            self.receive();
        }
        self.published[&uri(path)].clone()
    }

    /// Sends a request for the position of the `|` in a line of the file.
    fn ask(&mut self, method: &str, path: &Path, text: &str, marked: &str) -> Value {
        let line = marked.replacen('|', "", 1);
        let number = text.lines().position(|other| other == line).unwrap_or_else(|| panic!("no line `{line}`"));
        let character = marked[..marked.find('|').unwrap()].encode_utf16().count();
        let position = json!({"line": number, "character": character});
        self.request(method, json!({"textDocument": {"uri": uri(path)}, "position": position}))
    }

    fn stop(mut self) {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

/// The `rule line:column` of each diagnostic.
fn told(diagnostics: &Value) -> Vec<String> {
    let one = |diagnostic: &Value| {
        let start = &diagnostic["range"]["start"];
        format!("{} {}:{}", diagnostic["code"].as_str().unwrap(), start["line"], start["character"])
    };
    diagnostics.as_array().unwrap().iter().map(one).collect()
}

fn labels(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect()
}

/// A folder with the built-in project.
fn project() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).arg("init").arg(&root).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (folder, root)
}

const MANIFEST: &str = "# é→🙂\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: \
                        web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        \
                        image: web:1\n        env:\n        - {name: \"🙂\", value: x}\n        - name: PORT\n          value: 8080\n        \
                        - name: PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: db\n              key: pass\n";

#[test]
fn a_manifest_is_checked_while_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(
        root.join("db.yaml"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: abc}\n",
    )
    .unwrap();
    let path = root.join("web.yaml");
    let mut client = Client::start(&root);
    // The file is not on disk; the contents in the editor are used.
    let diagnostics = client.open(&path, MANIFEST);
    let errors: Vec<String> = told(&diagnostics);
    assert!(errors.contains(&"field-type 15:17".to_owned()), "{errors:?}");
    let actions = client.request(
        "textDocument/codeAction",
        json!({
            "textDocument": {"uri": uri(&path)},
            "range": {"start": {"line": 15, "character": 18}, "end": {"line": 15, "character": 18}},
            "context": {"diagnostics": []}
        }),
    );
    assert_eq!(actions[0]["title"], "quote the value");
    assert_eq!(actions[0]["isPreferred"], true);
    let edit = &actions[0]["edit"]["changes"][uri(&path)][0];
    assert_eq!(edit["newText"], "\"8080\"");
    assert_eq!(edit["range"]["end"], json!({"line": 15, "character": 21}));
    let mended = MANIFEST.replace("8080", "\"8080\"");
    let diagnostics = client.change(&path, &mended);
    assert!(!told(&diagnostics).iter().any(|one| one.starts_with("field-type")), "{diagnostics}");
    // The Secret in the other file does not have the key.
    assert!(told(&diagnostics).iter().any(|one| one.ends_with(" 20:19")), "{diagnostics}");
    // Names and keys that exist are completed.
    let text = mended.replace("key: pass", "key: ");
    client.change(&path, &text);
    let keys = client.ask("textDocument/completion", &path, &text, "              key: |");
    assert_eq!(labels(&keys), ["password"]);
    let names = client.ask("textDocument/completion", &path, &text, "              name: |db");
    assert_eq!(labels(&names), ["db"]);
    let fields = client.ask("textDocument/completion", &path, &text, "        im|age: web:1");
    assert_eq!(labels(&fields), ["image", "imagePullPolicy"]);
    let place = client.ask("textDocument/definition", &path, &text, "              name: d|b");
    assert_eq!(place[0]["uri"], uri(&root.join("db.yaml")));
    let hover = client.ask("textDocument/hover", &path, &text, "        im|age: web:1");
    let words = hover["contents"]["value"].as_str().unwrap();
    assert!(words.starts_with("Deployment `spec.template.spec.containers[].image`: string"), "{words}");
    client.stop();
}

#[test]
fn incomplete_yaml_does_not_stop_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("web.yaml");
    let mut client = Client::start(folder.path());
    assert_eq!(told(&client.open(&path, "a: [")), ["yaml-syntax 0:3"]);
    for text in ["", "\u{feff}", "---", "a:\n- b: {{ x", "\t", "kind: Pod\napiVersion: v1\n", "é: \"🙂"] {
        client.change(&path, text);
        for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
            for character in [0, 1, 3, 100] {
                let position = json!({"line": 0, "character": character});
                client.request(method, json!({"textDocument": {"uri": uri(&path)}, "position": position}));
            }
        }
    }
    // A file that is closed without having been saved no longer exists.
    client.published.clear();
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri(&path)}}));
    assert_eq!(client.wait(&path), json!([]));
    client.stop();
}

#[test]
fn a_profile_is_rendered_and_checked_while_it_is_typed() {
    let (_folder, root) = project();
    let path = root.join("profiles/gateway.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let mut client = Client::start(&root);
    assert_eq!(client.open(&path, &text), json!([]), "{text}");
    let wrong = format!("{text}nodeport: 1\n");
    let diagnostics = client.change(&path, &wrong);
    let line = text.lines().count();
    assert_eq!(told(&diagnostics), [format!("profile-field-unknown {line}:0")]);
    let all = client.ask("textDocument/completion", &path, &wrong, "node|port: 1");
    assert!(all.as_array().unwrap().is_empty(), "{all}");
    let all = client.ask("textDocument/completion", &path, &wrong, "n|odeport: 1");
    assert!(labels(&all).contains(&"namespace"), "{all}");
    let namespace = all.as_array().unwrap().iter().find(|one| one["label"] == "namespace").unwrap();
    assert!(namespace["documentation"].as_str().is_some_and(|words| !words.is_empty()), "{all}");
    assert_eq!(client.change(&path, &text), json!([]));
    client.stop();
}

#[test]
fn template_expressions_lead_to_the_values_in_profiles() {
    let (_folder, root) = project();
    let path = root.join("templates/datastorage/service.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let mut client = Client::start(&root);
    assert_eq!(client.open(&path, &text), json!([]));
    let line = text.lines().find(|line| line.contains("{{ namespace }}")).unwrap();
    let marked = line.replacen("{{ name", "{{ na|me", 1);
    let hover = client.ask("textDocument/hover", &path, &text, &marked);
    let words = hover["contents"]["value"].as_str().unwrap();
    assert!(words.contains("| `kubernaut-system` | profiles/base.yaml:7:12 | aianalysis · ci, "), "{words}");
    assert!(words.contains("| `notification-e2e` | profiles/notification.yaml:4:12 | notification · ci, "), "{words}");
    let places = client.ask("textDocument/definition", &path, &text, &marked);
    let uris: Vec<&str> = places.as_array().unwrap().iter().map(|place| place["uri"].as_str().unwrap()).collect();
    assert!(uris.contains(&uri(&root.join("profiles/notification.yaml")).as_str()), "{uris:?}");
    let unsaved = text.replacen("{{ namespace }}", "{{ namespaec }}", 1);
    let diagnostics = client.change(&path, &unsaved);
    assert!(told(&diagnostics)[0].starts_with("template-name-unknown"), "{diagnostics}");
    let unsaved = text.replacen("{{ namespace }}", "{{ expose. }}", 1);
    client.change(&path, &unsaved);
    let marked = line.replacen("{{ namespace }}", "{{ expose.| }}", 1);
    let all = client.ask("textDocument/completion", &path, &unsaved, &marked);
    assert!(labels(&all).contains(&"nodePort"), "{all}");
    client.stop();
}

#[test]
fn files_that_are_opened_together_have_separate_diagnostics() {
    let (_folder, root) = project();
    let profile = root.join("profiles/gateway.yaml");
    let wrong = fs::read_to_string(&profile).unwrap() + "nodeport: 1\n";
    let mut client = Client::start(&root);
    let (first, second) = (root.join("deploy/a.yaml"), root.join("deploy/b/b.yaml"));
    for (path, text) in [(&profile, wrong.as_str()), (&first, "a: ["), (&second, "b: {")] {
        let document = json!({"uri": uri(path), "languageId": "yaml", "version": 1, "text": text});
        client.notify("textDocument/didOpen", json!({"textDocument": document}));
    }
    for path in [&profile, &first, &second] {
        client.wait(path);
    }
    client.change(&second, "b: {}");
    // Diagnostics of other files remain.
    assert!(told(&client.published[&uri(&profile)])[0].starts_with("profile-field-unknown"));
    assert_eq!(told(&client.published[&uri(&first)]), ["yaml-syntax 0:3"]);
    client.stop();
}

#[test]
fn a_change_of_a_layer_rechecks_its_profiles() {
    let (_folder, root) = project();
    let (base, profile) = (root.join("profiles/base.yaml"), root.join("profiles/gateway.yaml"));
    let text = fs::read_to_string(&base).unwrap();
    let mut client = Client::start(&root);
    assert_eq!(client.open(&profile, &fs::read_to_string(&profile).unwrap()), json!([]));
    // The base is checked with all profiles, one of which lacks values that are only set when it is rendered.
    let missing = told(&client.open(&base, &text));
    assert!(missing.iter().all(|one| one.starts_with("profile-field-missing")), "{missing:?}");
    let diagnostics = client.change(&base, &format!("{text}nodeport: 1\n"));
    assert!(told(&diagnostics).iter().any(|one| one.starts_with("profile-field-unknown")), "{diagnostics}");
    // All profiles are checked again.
    assert_eq!(told(&client.change(&base, &text)), missing);
    client.stop();
}

#[test]
fn values_that_a_field_accepts_are_completed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let path = root.join("web.yaml");
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  strategy:\n    type: \n  selector: {matchLabels: \
                {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      hostNetwork: \n      restartPolicy: \n      \
                containers:\n      - name: web\n        image: web:1\n        imagePullPolicy: \"If\"\n        ports:\n        - \
                containerPort: 80\n          protocol: T # why\n          name: http\n        readinessProbe:\n          httpGet:\n            \
                scheme: \n            port: \n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
                accessModes:\n  - ReadWriteO\n  resources: {requests: {storage: 1Gi}}\n";
    let mut client = Client::start(&root);
    client.open(&path, text);
    for (marked, words) in [
        ("    type: |", &["Recreate", "RollingUpdate"][..]),
        ("      hostNetwork: |", &["true", "false"]),
        // A Deployment accepts no other value.
        ("      restartPolicy: |", &["Always"]),
        ("        imagePullPolicy: \"If|\"", &["IfNotPresent"]),
        ("          protocol: T| # why", &["TCP"]),
        ("            scheme: |", &["HTTP", "HTTPS"]),
        ("            port: |", &["http"]),
        ("  - ReadWriteO|", &["ReadWriteOnce", "ReadWriteOncePod"]),
        ("        image: |web:1", &[]),
    ] {
        let items = client.ask("textDocument/completion", &path, text, marked);
        let mut found = labels(&items);
        let mut words = words.to_vec();
        found.sort_unstable();
        words.sort_unstable();
        assert_eq!(found, words, "{marked}");
    }
    client.stop();
}

#[test]
fn values_that_the_schema_lists_are_completed() {
    let (_folder, root) = project();
    let path = root.join("profiles/gateway.yaml");
    let mut client = Client::start(&root);
    let text = "config:\n  logLevel: \nenvironments:\n  ci:\n    expose:\n      type: N\n";
    client.open(&path, text);
    let all = client.ask("textDocument/completion", &path, text, "  logLevel: |");
    assert!(labels(&all).contains(&"debug"), "{all}");
    let all = client.ask("textDocument/completion", &path, text, "      type: N|");
    assert_eq!(labels(&all), ["NodePort"]);
    client.stop();
}

#[test]
fn a_field_that_the_project_declares_leads_to_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let template = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: a}\nspec: {config: conf}\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {x: a}\n";
    for (name, text) in [
        ("plimsoll.toml", "[[references]]\nkind = 'Boat'\nfield = 'spec.config'\nnames = 'ConfigMap'\n"),
        ("profiles/schema.json", r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#),
        ("profiles/base.yaml", "environments: {dev: {}}\n"),
        ("profiles/p.yaml", "{}\n"),
        ("templates/t.yaml", template),
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = root.join("templates/t.yaml");
    let mut client = Client::start(&root);
    client.open(&path, template);
    let place = client.ask("textDocument/definition", &path, template, "spec: {config: co|nf}");
    assert_eq!(place[0]["range"]["start"], json!({"line": 7, "character": 17}), "{place}");
    client.stop();
}
