//! Rule `config-key-required`.

use std::cell::LazyCell;

use crate::check::rules::wiring::_shared::{at_section, at_setting};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Value;
use crate::service::{self, KeyType};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigKeyRequired,
    doc: Doc {
        checks: "\
Checks that the config file of a known service has the keys that the service requires, and that they
are not empty. A port of 0 counts as empty. Nothing is reported for a key that another key
makes unnecessary. The finding is an error, or a warning for a ConfigMap that no workload among the
manifests mounts.

Often the key is there with another spelling: releases of a service differ (`snake_case` and
`camelCase`), but `secretsFile`, `usernameKey` and `passwordKey` are spelled the same in all of
them.",
        why: "\
The service validates its config when it starts, and exits if a required key is missing or empty.",
        fix: "Add the key to the config file, or correct its spelling.",
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
      password_key: password
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
    good: "-      password_key: password\n+      passwordKey: password\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for config in bundle.graph().configs() {
        let (Some(tree), Some(dialect)) = (&config.tree, config.dialect) else { continue };
        let present = LazyCell::new(|| service::leaves(tree));
        for (path, key) in dialect.config.iter().filter(|(_, key)| key.required) {
            let value = config.value(path);
            let is_unneeded = key.unless.as_ref().is_some_and(|other| !config.value(other).text().is_empty());
            let is_empty = match &value.value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Int(0) => key.kind == KeyType::Port,
                _ => false,
            };
            if !is_empty || is_unneeded {
                continue;
            }
            let service = &config.service.name;
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            let draft = if value.is_set() {
                at_setting(report, config, value, format!("`{path}` is empty, but {service} requires it"))
            } else {
                at_section(report, config, path, format!("`{path}` is missing, but {service} requires it"))
            };
            let draft = draft.severity(config.severity());
            let near = suggest::nearest(
                path.rsplit('.').next().unwrap_or(path),
                present
                    .iter()
                    .filter(|(other, _)| {
                        other.rsplit_once('.').map_or("", |(section, _)| section) == section
                            && !dialect.config.contains_key(other)
                    })
                    .filter_map(|(other, _)| other.rsplit('.').next()),
            );
            match near {
                Some(near) => draft.help(format!(
                    "rename `{near}`, which is not read, to `{}`",
                    path.rsplit('.').next().unwrap_or(path)
                )),
                None => draft.help(hint(path, key.kind)),
            };
        }
    }
}

fn hint(path: &str, kind: KeyType) -> String {
    match kind {
        KeyType::SecretFile => format!("set `{path}` to the path of the mounted file with the credentials"),
        KeyType::SecretKey => format!("set `{path}` to a key of the secret file"),
        KeyType::Address => format!("set `{path}` to `host:port`"),
        _ => format!("set `{path}` in the config file"),
    }
}
