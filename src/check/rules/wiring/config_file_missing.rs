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
Checks that a ConfigMap or Secret among the manifests contains the config file of a known service.
The finding is a warning, since the ConfigMap may be applied from elsewhere, and an error if the
manifests are complete (`--complete`, `--profile`, `render`). Nothing is reported if an object among
the manifests has the key but is not mounted (see `mount-missing` and `config-path-unmounted`), or
if the file may come from a volume whose content is unknown.",
        why: "\
The service reads its settings from that file when it starts. If the ConfigMap that the pod mounts
does not exist, the pod stays in `ContainerCreating` with the event `FailedMount`; if nothing is
mounted, the service exits because it cannot open the file.",
        fix: "\
Add a ConfigMap with the file under its usual key, and mount it in the directory of the config file.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/configuration/configmap/.",
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
        // If an object has the key, other rules report the mount.
        let exists = |kind| graph.object_with_key(kind, view.pod.namespace(), Some(key)).is_some();
        if (exists("ConfigMap") || exists("Secret")) && absent.is_none() && !view.is_never_filled(&path) {
            continue;
        }
        let service = &view.service.name;
        let message = match absent {
            Some((kind, name)) => {
                format!("{kind} `{name}` with the config file `{key}` of {service} not found")
            }
            None => format!("no ConfigMap with the config file `{key}` of {service} found"),
        };
        report
            .at(view.object(), view.name_node(), message)
            .severity(bundle.absent())
            .label(format!("reads {path}"))
            .help(format!(
                "add a ConfigMap with the key `{key}`, and mount it at `{}`",
                path.rsplit_once('/').map_or("/", |(folder, _)| folder)
            ));
    }
}
