//! Rule `secret-file-unparsable`.

use crate::check::rules::wiring::_shared::{at_value, data_node};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{File, text_of};
use crate::node::{Node, Value};
use crate::service::KeyType;
use crate::source::FileId;
use crate::suggest;
use crate::validation::Report;
use crate::yaml::{self, Dialect};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretFileUnparsable,
    doc: Doc {
        checks: "\
Checks that a secret file of a known service is a YAML or JSON mapping, and that the keys that the
config names are in it and are strings. An unquoted number (`password: 12345`) and an empty value
(`password:`) are not strings; the empty string `\"\"` is one. The finding is an error. A missing key
is not reported if the service does not require it and the config has the value instead.",
        why: "The service cannot parse the file, or does not find the credentials in it, and exits.",
        fix: "\
Write the file as a mapping, such as `username: app` and `password: \"…\"` on a line each, with the
values in quotes.",
        source: "The description of the service (docs/services.md).",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8080}
    database:
      host: postgresql
      port: 5432
      name: action_history
      secretsFile: /etc/datastorage/secrets/db.yaml
      usernameKey: username
      passwordKey: password
    redis:
      addr: redis:6379
      secretsFile: /etc/datastorage/secrets/redis.yaml
      passwordKey: password
---
apiVersion: v1
kind: Secret
metadata: {name: datastorage-secret}
stringData:
  db.yaml: |
    username: slm_user
    password: 12345
  redis.yaml: "password: \"\""
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: datastorage}
spec:
  selector: {matchLabels: {app: datastorage}}
  template:
    metadata: {labels: {app: datastorage}}
    spec:
      containers:
      - name: datastorage
        image: quay.io/acme/datastorage:v1
        ports: [{containerPort: 8080}]
        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: r#"-    password: 12345
-  redis.yaml: "password: \"\""
+    password: test_password
+  redis.yaml: |
+    password: ""
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let Some(dialect) = view.dialect else { continue };
        for (file_key, value) in view.keys(KeyType::SecretFile) {
            let Some(path) = value.as_str() else { continue };
            let File::Found { object, key, node } = view.container.file(path) else { continue };
            let Some(text) = text_of(object, key) else { continue };
            let file_node = data_node(object, key);
            let loaded = yaml::load_text(&text, FileId(u32::MAX - 1), Dialect::Kubectl);
            let tree = loaded.documents.first().filter(|tree| matches!(tree.value, Value::Mapping(_)));
            let Some(tree) = tree.filter(|_| loaded.is_readable_by_all()) else {
                report
                    .at(object, file_node, format!("`{key}` is not a YAML mapping"))
                    .related(view.name_node().origin.span, format!("{} reads it: `{file_key}`", view.service.name))
                    .help("write `username: …` and `password: …` on separate lines");
                continue;
            };
            for (named, _) in dialect
                .config
                .iter()
                .filter(|(_, key)| key.kind == KeyType::SecretKey && key.of.as_deref() == Some(file_key))
            {
                let key_name = view.value(named);
                let Some(name) = key_name.as_str().filter(|name| !name.is_empty()) else { continue };
                // The config may set the value instead.
                let is_optional = dialect.config.get(named).is_some_and(|key| !key.required)
                    && dialect.config.iter().any(|(other, key)| {
                        key.unless.as_deref() == Some(named) && !view.value(other).text().is_empty()
                    });
                match tree.get(name) {
                    None if is_optional => {}
                    None => {
                        let draft = at_value(report, &view, key_name, format!("`{key}` has no key `{name}`"))
                            .related(file_node.origin.span, "the secret file");
                        let keys: Vec<&str> = tree.entries().iter().map(|entry| entry.key.as_str()).collect();
                        match suggest::nearest(name, keys.iter().copied()) {
                            Some(near) => draft.help(format!("did you mean `{near}`?")),
                            None => {
                                draft.help(format!("use one of its keys: {}", suggest::list(keys.iter().take(6), "or")))
                            }
                        };
                    }
                    Some(found) if found.as_str().is_none() => {
                        report_type(report, object, node, file_node, found, key, name)
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

fn report_type(
    report: &mut Report<'_>,
    object: &crate::object::Object,
    node: &Node,
    file_node: &Node,
    found: &Node,
    key: &str,
    name: &str,
) {
    let what = if found.is_null() { "empty" } else { found.type_name() };
    let message = format!("`{name}` in `{key}` is {what}, not a string");
    let span = found.origin.span;
    let draft = if node.is_set() && !span.is_none() && span.end > span.start {
        report.text(object, node, span.start as usize..span.end as usize, message)
    } else {
        report.at(object, file_node, message)
    };
    draft.help("quote the value");
}
