//! Rule `secret-file-unresolved`.

use crate::check::rules::wiring::_shared::{at_value, has_keys, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::File;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretFileUnresolved,
    doc: Doc {
        checks: "\
Checks that the path of a secret file in the config of a known service (`secretsFile`) exists in the
container: that a volume is mounted at or above it, and that the mounted Secret has a key with that
name. The finding is an error. Nothing is reported for volumes whose content is unknown.",
        why: "The service exits because it cannot open the file.",
        fix: "Mount the Secret in the directory of the path, or correct the path or the key.",
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
      secretsFile: /etc/datastorage/secrets/db-secrets.yaml
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
    good: "\
-      secretsFile: /etc/datastorage/secrets/db-secrets.yaml
+      secretsFile: /etc/datastorage/secrets/db.yaml
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        for (key, value) in view.keys(KeyType::SecretFile) {
            let Some(path) = value.as_str().filter(|path| path.starts_with('/')) else { continue };
            match view.container.file(path) {
                File::Unmounted => {
                    let name = path.rsplit('/').next().unwrap_or_default();
                    let elsewhere = view.container.mounts.iter().find(|mount| {
                        matches!(
                            view.container.file(&format!("{}/{name}", mount.path.trim_end_matches('/'))),
                            File::Found { .. }
                        )
                    });
                    let draft = at_value(
                        report,
                        &view,
                        value,
                        format!(
                            "no volume of container `{}` is mounted at or above the path in `{key}`",
                            view.container.name()
                        ),
                    );
                    match elsewhere {
                        Some(mount) => draft
                            .related(mount.node.origin.span, "the file is mounted here")
                            .help(format!("use `{}/{name}`", mount.path.trim_end_matches('/'))),
                        None => draft.help(format!(
                            "mount a Secret with the key `{name}` at `{}`",
                            path.rsplit_once('/').map_or("/", |(folder, _)| folder)
                        )),
                    };
                }
                File::Lacking { mount, key: missing, object } => {
                    let draft = at_value(report, &view, value, format!("{} has no key `{missing}`", title(object)));
                    draft.related(mount.origin.span, "mounted here").help(has_keys(object, &missing));
                }
                _ => {}
            }
        }
    }
}
