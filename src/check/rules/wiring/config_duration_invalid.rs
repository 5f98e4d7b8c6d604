//! Rule `config-duration-invalid`.

use crate::check::rules::wiring::_shared::at_setting;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::go;
use crate::node::Value;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigDurationInvalid,
    doc: Doc {
        checks: "\
Checks that the durations in the config file of a known service are valid Go durations, and greater
than zero where the service requires that. A Go duration is a number with a unit: `30s`, `5m`,
`1h30m`, `500ms`. A number without a unit is invalid, and there is no unit for days. The finding is
an error, or a warning for a ConfigMap that no workload among the manifests mounts. Empty strings
are reported by `config-duration-empty`.",
        why: "\
The service parses its durations when it starts, and exits if one is invalid
(`time: missing unit in duration`).",
        fix: "Write a number with a unit, such as `30s`; for a day write `24h`.",
        source: "The description of the service (docs/services.md) and https://pkg.go.dev/time#ParseDuration.",
    },
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
    for config in bundle.graph().configs() {
        let durations = config.dialect.into_iter().flat_map(|dialect| &dialect.config);
        for (path, key) in durations.filter(|(_, key)| key.kind == KeyType::Duration) {
            let value = config.value(path);
            let text = match &value.value {
                Value::Null => continue,
                Value::String(text) => text.to_string(),
                Value::Int(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                _ => String::new(),
            };
            let is_scalar = !matches!(value.value, Value::Sequence(_) | Value::Mapping(_) | Value::Bool(_));
            let parsed = go::duration(&text);
            let is_valid = parsed.is_some_and(|duration| !key.positive || duration > 0);
            // `config-duration-empty` reports empty strings.
            if is_scalar && (is_valid || text.is_empty()) {
                continue;
            }
            let message = match parsed {
                Some(_) => format!("invalid duration `{text}` in `{path}`: must be greater than 0"),
                None => format!("invalid duration `{text}` in `{path}`"),
            };
            let help = if parsed.is_some() {
                "set a positive duration, or remove the key to use the default".to_owned()
            } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("missing unit: did you mean `{text}s`?")
            } else if text.ends_with('d') {
                "use hours, as there is no unit for days: `24h`".to_owned()
            } else {
                "write a number and a unit: `30s`, `5m`, `1h30m`".to_owned()
            };
            at_setting(report, config, value, message)
                .severity(config.severity())
                .label(format!("{} parses it at start", config.service.name))
                .help(help);
        }
    }
}
