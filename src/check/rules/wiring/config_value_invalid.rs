//! Rule `config-value-invalid`.

use crate::check::rules::wiring::_shared::at_setting;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::node::{Node, Value};
use crate::service::{Key, KeyType};
use crate::suggest;
use crate::text::scan;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigValueInvalid,
    doc: Doc {
        checks: "\
Checks the values in the config file of a known service: a port is an integer in its range,
`ssl_mode` and the logging keys have one of a few values, `redis.addr` is `host:port`, a host has
neither scheme nor port, a secrets file is an absolute path, a URL begins with `http://` or
`https://`, a section is a mapping. The finding is an error, or a warning for a ConfigMap that no
workload among the manifests mounts. URLs are always a warning.",
        why: "The service validates its config when it starts, and exits if a value is invalid.",
        fix: "Change the value to the form that the message names; write numbers and booleans without quotes.",
        source: "The description of the service (docs/services.md).",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 80}
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
    good: "-    server: {port: 80}\n+    server: {port: 8080}\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for config in bundle.graph().configs() {
        let (Some(dialect), Some(_)) = (config.dialect, &config.tree) else { continue };
        for (path, key) in &dialect.config {
            let value = config.value(path);
            if value.is_null() || value.as_str() == Some("") {
                continue;
            }
            if let Some((fault, help)) = fault(key, value) {
                at_setting(report, config, value, format!("`{path}` {fault}"))
                    .severity(if key.kind == KeyType::Url { Severity::Warning } else { config.severity() })
                    .help(help);
            }
        }
        // Sections that are not mappings.
        let sections = dialect.config.keys().filter_map(|path| path.split_once('.').map(|(section, _)| section));
        let mut last = "";
        for section in sections {
            let value = config.value(section);
            if section != last && value.is_set() && !matches!(value.value, Value::Mapping(_)) {
                at_setting(report, config, value, format!("`{section}` is {}, not a mapping", value.type_name()))
                    .severity(config.severity())
                    .help("write its keys indented below it");
            }
            last = section;
        }
    }
}

fn fault(key: &Key, value: &Node) -> Option<(String, String)> {
    let text = value.text();
    let invalid = |fault: &str, help: &str| Some((fault.to_owned(), help.to_owned()));
    match key.kind {
        KeyType::Port => {
            let least = key.min.unwrap_or(1);
            match value.as_i64() {
                Some(port) if (least..=65535).contains(&port) => None,
                // `config-key-required` reports 0, which counts as missing.
                Some(0) if key.required => None,
                Some(port) => Some((
                    format!("must be between {least} and 65535, but is {port}"),
                    "choose a port in this range".to_owned(),
                )),
                None => {
                    Some((format!("is {}, not a port number", value.type_name()), "write it without quotes".to_owned()))
                }
            }
        }
        KeyType::Int if value.as_i64().is_none() => {
            Some((format!("is {}, not an integer", value.type_name()), "write it without quotes".to_owned()))
        }
        KeyType::Int if key.positive && value.as_i64().is_some_and(|number| number <= 0) => {
            invalid("must be greater than 0", "set a positive number, or remove the key to use the default")
        }
        KeyType::Boolean if value.as_bool().is_none() => {
            Some((format!("is {}, not true or false", value.type_name()), "write it without quotes".to_owned()))
        }
        KeyType::Url => match text.split_once("://") {
            Some(("http" | "https", rest)) if !rest.is_empty() => None,
            _ if value.as_str().is_none() => {
                Some((format!("is {}, not a URL", value.type_name()), "write `http://host:port`".to_owned()))
            }
            _ => invalid("is not an `http://` or `https://` URL", "write `http://host:port`"),
        },
        KeyType::Choice => {
            let known = |word: &String| word == text || (key.any_case && word.eq_ignore_ascii_case(text));
            if value.as_str().is_none() {
                return Some((
                    format!("is {}, not a string", value.type_name()),
                    format!("use {}", suggest::list(&key.values, "or")),
                ));
            }
            if key.values.iter().any(known) {
                return None;
            }
            let help = match suggest::nearest(text, key.values.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use {}", suggest::list(&key.values, "or")),
            };
            Some((format!("is `{text}`, which is not an allowed value"), help))
        }
        KeyType::Address => {
            if text.contains("://") {
                return invalid("is a URL, not `host:port`", "remove the scheme");
            }
            let Some((host, port)) = text.rsplit_once(':') else {
                return invalid("has no port", "write it as `host:port`");
            };
            let is_valid = port.parse::<u16>().is_ok_and(|port| port > 0)
                && (host.is_empty()
                    || scan::is_name(host)
                    || host.parse::<std::net::IpAddr>().is_ok()
                    || host.starts_with('['));
            if is_valid { None } else { invalid("is not `host:port`", "write it as `host:port`") }
        }
        KeyType::Host => {
            if text.contains("://") {
                invalid("is a URL, not a host", "remove the scheme, and move the port to its own key")
            } else if text.contains(':') && text.parse::<std::net::IpAddr>().is_err() {
                invalid("contains a port", "move the port to its own key")
            } else if value.as_str().is_none() || (!scan::is_name(text) && text.parse::<std::net::IpAddr>().is_err()) {
                invalid("is not a host name", "use the name of a Service, or a DNS name")
            } else {
                None
            }
        }
        KeyType::SecretFile if !text.starts_with('/') => {
            invalid("is not an absolute path", "use the path at which the Secret is mounted")
        }
        KeyType::Text | KeyType::SecretKey | KeyType::SecretFile | KeyType::Listen | KeyType::CertificateDirectory
            if matches!(value.value, Value::Sequence(_) | Value::Mapping(_)) =>
        {
            Some((format!("is {}, not a string", value.type_name()), "write a single value".to_owned()))
        }
        _ => None,
    }
}
