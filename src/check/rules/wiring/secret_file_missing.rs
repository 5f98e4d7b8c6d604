//! Rule `secret-file-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{File, MountSource, ServiceContainer, is_declared_object};
use crate::service::KeyType;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretFileMissing,
    doc: Doc {
        checks: "\
Checks that a Secret among the manifests contains the files with credentials that the config of a
known service names. The finding is a warning, since the Secret may be applied from elsewhere, and
an error if the manifests are complete (`--complete`, `--profile`, `render`). Nothing is reported
for a Secret that is declared as an external (`Secret/name`), and for volumes whose content is
unknown.",
        why: "\
The service exits because it cannot open the file. If the pod mounts a Secret that does not exist,
it stays in `ContainerCreating` with the event `FailedMount` (`secret \"…\" not found`).",
        fix: "Add a Secret with these files, and mount it in the directory that the config names.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod.",
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
    good: r#"       secretsFile: /etc/datastorage/secrets/redis.yaml
       passwordKey: password
+---
+apiVersion: v1
+kind: Secret
+metadata: {name: datastorage-secret}
+stringData:
+  db.yaml: |
+    username: slm_user
+    password: test_password
+  redis.yaml: |
+    password: ""
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        let Some(dialect) = view.dialect else { continue };
        if !dialect.config.values().any(|key| key.kind == KeyType::SecretFile && key.required) {
            continue;
        }
        let exists = |name: &str| {
            let name = Some(name).filter(|name| !name.is_empty());
            graph.object_with_key("Secret", view.pod.namespace(), name).is_some()
        };
        let mut missing: Vec<String> = Vec::new();
        let mut count = 0;
        for (_, value) in view.keys(KeyType::SecretFile) {
            let Some(path) = value.as_str().filter(|path| path.starts_with('/')) else { continue };
            count += 1;
            match view.container.file(path) {
                File::Absent { kind, name } if is_declared_object(&bundle.options.externals, kind, name.text()) => {}
                File::Absent { .. } => missing.push(path.to_owned()),
                File::Unmounted if !exists(path.rsplit('/').next().unwrap_or_default()) => {
                    missing.push(path.to_owned())
                }
                // A ConfigMap that is mounted above the directory of the file does not contain it.
                File::Lacking { object, .. }
                    if object.kind() == "ConfigMap" && !exists(path.rsplit('/').next().unwrap_or_default()) =>
                {
                    missing.push(path.to_owned());
                }
                File::Opaque if view.is_never_filled(path) => missing.push(path.to_owned()),
                _ => {}
            }
        }
        let message = if count > 0 {
            if missing.is_empty() {
                continue;
            }
            format!("no Secret with the files {} found", suggest::list(&missing, "and"))
        } else if exists("") || mounts_secret(&view) {
            continue;
        } else {
            format!("no Secret with the credentials that {} reads from files found", view.service.name)
        };
        report
            .at(view.object(), view.name_node(), message)
            .severity(bundle.absent())
            .help("add a Secret with these files, and mount it in the directory that the config names");
    }
}

/// Whether a Secret among the manifests, or a volume with unknown contents, is mounted.
fn mounts_secret(view: &ServiceContainer<'_, '_>) -> bool {
    view.container.mounts.iter().any(|mount| match &mount.source {
        MountSource::Files(_, parts) => parts.iter().any(|part| part.kind == "Secret" && part.object.is_some()),
        MountSource::Opaque(volume) => volume["csi"].is_set() || volume["projected"].is_set(),
        MountSource::Missing => false,
    })
}
