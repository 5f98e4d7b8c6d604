//! Rule `config-not-a-file`.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::check::rules::wiring::_shared::{data_node, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{MountSource, data_keys};
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigNotAFile,
    doc: Doc {
        checks: "\
Checks that a known service that reads a config file gets one. It reports a ConfigMap, mounted or
used in `envFrom`, whose keys are all single variables (`DB_HOST`, `LOG_LEVEL`) and none a file, if
the service has no config file; and a config file that is not a YAML mapping. The finding is an
error.",
        why: "\
The service reads none of these settings. It exits because it cannot open or parse its config file.",
        fix: "Put the settings as YAML under one key of the ConfigMap, the name of the file, and mount it.",
        source: "The description of the service (docs/services.md).",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data: {DB_HOST: postgresql, DB_PORT: "5432", LOG_LEVEL: info}
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
    good: r#"-data: {DB_HOST: postgresql, DB_PORT: "5432", LOG_LEVEL: info}
+data:
+  config.yaml: |
+    server: {port: 8080}
+    database:
+      host: postgresql
+      port: 5432
+      name: action_history
+      secretsFile: /etc/datastorage/secrets/db.yaml
+      usernameKey: username
+      passwordKey: password
+    redis:
+      addr: redis:6379
+      secretsFile: /etc/datastorage/secrets/redis.yaml
+      passwordKey: password
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    // Computed once for each object: several containers may use the same one.
    let mut first_keys = HashMap::new();
    for view in bundle.graph().known() {
        let (Some(_), key) = (view.file(), view.service.config_key()) else { continue };
        let service = &view.service.name;
        if let Some(config) = view.config {
            if config.tree.is_none() {
                let message = format!("`{key}` of {} is not a YAML mapping", title(config.object));
                report
                    .at(config.object, config.node, message)
                    .help("write a mapping with sections such as `server:` and `database:`");
            }
            continue;
        }
        let mut seen = HashSet::new();
        let mounted = view.container.mounts.iter().flat_map(|mount| match &mount.source {
            MountSource::Files(_, parts) => parts.as_slice(),
            _ => &[],
        });
        let mounted = mounted.filter(|part| part.kind == "ConfigMap").filter_map(|part| part.object);
        let graph = bundle.graph();
        let from_env = view.container.node["envFrom"]
            .items()
            .iter()
            .filter_map(|entry| graph.find("ConfigMap", view.pod.namespace(), entry["configMapRef"]["name"].text()));
        for object in mounted.chain(from_env) {
            if let Some(first) = *first_keys.entry(std::ptr::from_ref(object)).or_insert_with(|| first_variable(object))
                && seen.insert(std::ptr::from_ref(object))
            {
                let message =
                    format!("{} contains environment variables, but {service} reads a config file", title(object));
                report
                    .at(object, data_node(object, first), message)
                    .related(view.name_node().origin.span, "used by this container")
                    .help(format!("put the settings as YAML under the key `{key}`"));
            }
        }
    }
}

/// The first key of an object, if all its keys are names of variables.
fn first_variable(object: &Object) -> Option<&str> {
    let first = data_keys(object).next()?;
    data_keys(object).all(is_variable).then_some(first)
}

/// Extensions of files; other dots separate the words of a setting, as in `database.host`.
const FILES: &[&str] = &[
    "yaml",
    "yml",
    "json",
    "toml",
    "conf",
    "cfg",
    "ini",
    "properties",
    "env",
    "txt",
    "xml",
    "sql",
    "sh",
    "pem",
    "crt",
    "key",
    "tpl",
    "tmpl",
    "rules",
    "lua",
    "js",
    "py",
    "hcl",
    "html",
];

/// Whether a key is the name of a variable rather than of a file.
fn is_variable(key: &str) -> bool {
    let file = key.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end));
    !file && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
