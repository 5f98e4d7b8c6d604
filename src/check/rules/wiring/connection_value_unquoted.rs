//! Rule `connection-value-unquoted`.

use crate::check::rules::wiring::_shared::{at_value, data_node};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{File, text_of};
use crate::node::{Node, Value};
use crate::service::{Key, KeyType};
use crate::source::FileId;
use crate::validation::{Draft, Report};
use crate::yaml::{self, Dialect};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConnectionValueUnquoted,
    doc: Doc {
        checks: "\
Checks the password, user and database name that DataStorage writes without quotes into a connection
string of `key=value` words. White space ends a value, and a leading `'` begins a quoted value: both
are errors. A backslash may be read as an escape character, and an empty value takes the next word
as its value: both are warnings. The values of the config file and of the secret file are checked;
the value itself is never shown.",
        why: "\
The service cannot connect to its database: the connection string has a syntax error, or names
another password, user or database.",
        fix: "Use a value without white space, backslashes and a leading `'`.",
        source: "\
The description of the service (docs/services.md) and
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE.",
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
    password: correct horse
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
    good: r#"-    password: correct horse
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
        let unquoted = |kind: KeyType| {
            dialect.config.iter().filter(move |(_, key): &(&String, &Key)| key.unquoted && key.kind == kind)
        };
        for (path, _) in unquoted(KeyType::Text) {
            let value = view.value(path);
            if let Some((severity, fault)) = value.as_str().and_then(fault) {
                explain(at_value(report, &view, value, format!("`{path}` {fault}")), severity, &view.service.name);
            }
        }
        for (file_key, value) in view.keys(KeyType::SecretFile) {
            let Some(path) = value.as_str() else { continue };
            let File::Found { object, key, node } = view.container.file(path) else { continue };
            let Some(text) = text_of(object, key) else { continue };
            let loaded = yaml::load_text(&text, FileId(u32::MAX - 1), Dialect::Kubectl);
            let Some(tree) = loaded.documents.first() else { continue };
            for (named, _) in unquoted(KeyType::SecretKey).filter(|(_, key)| key.of.as_deref() == Some(file_key)) {
                let Some(name) = view.value(named).as_str().filter(|name| !name.is_empty()) else { continue };
                let Some(found) = tree.get(name) else { continue };
                let Some((severity, fault)) = found.as_str().and_then(fault) else { continue };
                let message = format!("`{name}` in `{key}` {fault}");
                let draft = at_secret(report, object, key, node, found, message);
                explain(draft, severity, &view.service.name);
            }
        }
    }
}

/// Why a value breaks a connection string of unquoted words, and the severity.
fn fault(value: &str) -> Option<(Severity, &'static str)> {
    if value.contains([' ', '\t', '\n', '\r', '\x0b', '\x0c']) {
        Some((Severity::Error, "contains white space, which ends the value in the connection string"))
    } else if value.starts_with('\'') {
        Some((Severity::Error, "starts with `'`, which begins a quoted value in the connection string"))
    } else if value.contains('\\') {
        Some((Severity::Warning, "contains a backslash, which may be an escape in the connection string"))
    } else if value.is_empty() {
        Some((Severity::Warning, "is empty, so that the next word of the connection string becomes its value"))
    } else {
        None
    }
}

fn explain(draft: Draft<'_>, severity: Severity, service: &str) {
    draft
        .severity(severity)
        .help(format!("use a value without white space, backslashes and a leading `'`: {service} does not quote it"));
}

/// Reports a finding at a value in a secret file, or at the whole file if it is base64-encoded.
fn at_secret<'r>(
    report: &'r mut Report<'_>,
    object: &crate::object::Object,
    key: &str,
    node: &Node,
    found: &Node,
    message: String,
) -> Draft<'r> {
    let span = found.origin.span;
    if matches!(node.value, Value::String(_)) && !span.is_none() && span.end > span.start {
        report.text(object, node, span.start as usize..span.end as usize, message)
    } else {
        report.at(object, data_node(object, key), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_break_the_connection_string_are_recognized() {
        for good in ["secret", "it's", "a=b", "é", "\u{a0}", "$(x)`\"#"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, severity) in [
            ("a b", Severity::Error),
            ("a\tb\\", Severity::Error),
            ("'a", Severity::Error),
            ("a\\b", Severity::Warning),
            ("", Severity::Warning),
        ] {
            assert_eq!(fault(bad).map(|(severity, _)| severity), Some(severity), "{bad}");
        }
    }
}
