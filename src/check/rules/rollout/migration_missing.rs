//! Rule `migration-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationMissing,
    doc: Doc {
        checks: "\
Checks that a Job, an init container or a script of the database among the manifests creates the
tables that a known service needs. The finding is a warning, since the tables may be created
elsewhere, and an error if the manifests are complete (`--complete`, `--profile`, `render`).",
        why: "\
The service does not create its tables, and does not check for them when it starts: it becomes
ready, and every write fails with HTTP 500.",
        fix: "Add a Job that runs the migrations, and make the service wait for it.",
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
    good: r#"       - {name: secrets, secret: {secretName: datastorage-secret}}
+---
+apiVersion: batch/v1
+kind: Job
+metadata: {name: datastorage-migrate}
+spec:
+  template:
+    metadata: {labels: {app: datastorage-migrate}}
+    spec:
+      restartPolicy: OnFailure
+      containers: [{name: goose, image: "ghcr.io/acme/goose:v3", args: [up]}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut views = graph.known().filter(|view| !view.service.tables.required.is_empty()).peekable();
    if views.peek().is_none() || !graph.migrations().is_empty() {
        return;
    }
    for view in views {
        // The config of the service need not be among the manifests.
        report
            .at(
                view.object(),
                view.name_node(),
                format!("no migration in the manifests creates the tables that {} needs", view.service.name),
            )
            .severity(bundle.absent())
            .label(format!("needs tables {}", view.service.tables.required.join(", ")))
            .help("add a Job that runs the migrations, and make the service wait for it");
    }
}
