//! Rule `config-file-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::File;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigFileMissing,
    doc: Doc {
        checks: "\
The service reads its settings from a file, and no ConfigMap or Secret of these manifests holds it.
Where the manifests are only a part of what is applied this is a warning; where they are known to be
all, an error. Add a ConfigMap with the file under its usual key and mount it.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
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
    good: "\
+apiVersion: v1
+kind: ConfigMap
+metadata: {name: datastorage-config}
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
+---
 apiVersion: v1
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        let (true, None) = (view.needs_file(), view.config) else { continue };
        let path = view.path();
        let absent = match view.container.file(&path) {
            File::Absent { kind, name } => Some((kind, name.text())),
            File::Unmounted => None,
            File::Opaque if view.is_never_filled(&path) => None,
            File::Lacking { .. } | File::Found { .. } | File::Opaque => continue,
        };
        let key = view.service.config_key();
        // Somewhere it is: then the mount is at fault.
        let holds = |kind| graph.holder(kind, view.pod.namespace(), Some(key)).is_some();
        if (holds("ConfigMap") || holds("Secret")) && absent.is_none() && !view.is_never_filled(&path) {
            continue;
        }
        let service = &view.service.name;
        let message = match absent {
            Some((kind, name)) => {
                format!("{kind} `{name}`, which is to hold `{key}` for {service}, is not among these manifests")
            }
            None => format!("no ConfigMap among these manifests holds `{key}` for {service}"),
        };
        report
            .at(view.object(), view.name_node(), message)
            .severity(bundle.absent())
            .label(format!("reads {path}"))
            .help(format!(
                "add a ConfigMap with the key `{key}` and mount it at `{}`",
                path.rsplit_once('/').map_or("/", |(folder, _)| folder)
            ));
    }
}
