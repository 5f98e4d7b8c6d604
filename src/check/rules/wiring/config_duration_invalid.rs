//! Rule `config-duration-invalid`.

use crate::check::rules::wiring::_shared::at_value;
use crate::check::{Bundle, Check, Rule};
use crate::finding::RuleId;
use crate::formats::go;
use crate::node::Value;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigDurationInvalid,
    doc: "The service parses its durations when it starts and ends at one it cannot read. A Go duration is a number and a unit: `30s`, `5m`, `1h30m`, `500ms`. A bare number has no unit and is refused; days are no unit.",
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8080, read_timeout: 30}
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
    password: test_password
  redis.yaml: |
    password: ""
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
    good: "-    server: {port: 8080, read_timeout: 30}\n+    server: {port: 8080, read_timeout: 30s}\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let Some(dialect) = view.dialect else { continue };
        for (path, value) in view.keys(KeyType::Duration) {
            let filled = dialect.config.get(path).is_some_and(|key| key.filled);
            let text = match &value.value {
                Value::Null => continue,
                Value::String(text) => text.to_string(),
                Value::Int(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                _ => String::new(),
            };
            let scalar = !matches!(value.value, Value::Sequence(_) | Value::Mapping(_) | Value::Bool(_));
            if scalar && (go::duration(&text).is_some() || (text.is_empty() && !filled)) {
                continue;
            }
            let message = if text.is_empty() {
                format!("`{path}` is an empty duration")
            } else {
                format!("`{path}` is no duration: `{text}`")
            };
            let help = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("a unit is missing: `{text}s`?")
            } else if text.ends_with('d') {
                "days are no unit: write hours, `24h`".to_owned()
            } else {
                "a number and a unit: `30s`, `5m`, `1h30m`".to_owned()
            };
            at_value(report, &view, value, message)
                .label(format!("{} parses it when it starts", view.service.name))
                .help(help);
        }
    }
}
