//! Rule `migration-table-missing`.

use std::cell::LazyCell;

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{MountSource, mounted, sql_keys, text_of};
use crate::migrations::{self, SqlFile};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationTableMissing,
    doc: Doc {
        checks: "\
Checks that the SQL migrations among the manifests create the tables that a known service needs. The
finding is an error. It is a warning if other migrations may be applied as well, from an image or
from a volume whose content is unknown, and the manifests are not complete (`--complete`,
`--profile`, `render`). A table that is created and dropped again counts as missing.",
        why: "Every write to the table fails with HTTP 500.",
        fix: "Add the migration that creates the table, or correct the name of the table.",
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
---
apiVersion: v1
kind: ConfigMap
metadata: {name: migrations}
data:
  001_a.sql: "-- +goose Up\nCREATE TABLE audit_event (id int);\n"
---
apiVersion: batch/v1
kind: Job
metadata: {name: datastorage-migrate}
spec:
  template:
    metadata: {labels: {app: datastorage-migrate}}
    spec:
      restartPolicy: OnFailure
      containers: [{name: goose, image: "ghcr.io/acme/goose:v3", args: [up], volumeMounts: [{name: sql, mountPath: /migrations}]}]
      volumes: [{name: sql, configMap: {name: migrations}}]
"#,
    good: r#"-  001_a.sql: "-- +goose Up\nCREATE TABLE audit_event (id int);\n"
+  001_a.sql: "-- +goose Up\nCREATE TABLE audit_events (id int);\n"
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut required: Vec<&str> =
        graph.known().flat_map(|view| view.service.tables.required.iter().map(String::as_str)).collect();
    required.sort_unstable();
    required.dedup();
    if required.is_empty() {
        return;
    }
    let found = graph.migrations();
    let mut texts = Vec::new();
    let mut may_have_others = false;
    // Whether objects have SQL files, by address: several containers may mount the same object.
    let mut has_sql = HashMap::new();
    for migration in found {
        let container = &graph.pods[migration.pod].containers[migration.container];
        let mut any = false;
        for object in mounted(container) {
            any |= *has_sql.entry(std::ptr::from_ref(object)).or_insert_with(|| {
                let mut keys = sql_keys(object).peekable();
                let has_keys = keys.peek().is_some();
                texts.extend(keys.filter_map(|key| Some((object, key, text_of(object, key)?))));
                has_keys
            });
        }
        // Files in the image, or in a volume with unknown content, may create them.
        may_have_others |= !any
            || container.mounts.iter().any(|mount| match &mount.source {
                MountSource::Files(_, parts) => parts.iter().any(|part| part.object.is_none()),
                MountSource::Opaque(volume) => volume["emptyDir"].is_null(),
                MountSource::Missing => true,
            });
    }
    let Some((object, key, _)) = texts.first() else { return };
    let files: Vec<SqlFile<'_>> = texts.iter().map(|(_, name, text)| SqlFile { name, text }).collect();
    let (migrations, _) = migrations::read(&files);
    // Files that cannot be parsed, such as database dumps, may create the tables as well.
    let lower = LazyCell::new(|| texts.iter().map(|(_, _, text)| text.to_ascii_lowercase()).collect::<Vec<String>>());
    let missing: Vec<&str> = migrations::missing_tables(&migrations, required.iter().copied())
        .into_iter()
        .filter(|table| {
            // A table that is created and dropped again counts as missing.
            migrations.iter().any(|migration| migration.tables.iter().any(|created| created == table))
                || !lower.iter().any(|text| {
                    text.contains(&format!("create table {table} "))
                        || text.contains(&format!("{table} ("))
                        || text.contains(&format!("{table}("))
                })
        })
        .collect();
    if missing.is_empty() {
        return;
    }
    let tables: Vec<&str> =
        migrations.iter().flat_map(|migration| migration.tables.iter().map(String::as_str)).collect();
    let near = suggest::nearest(missing[0], tables.iter().copied());
    let node = crate::check::rules::wiring::_shared::data_node(object, key);
    let draft = report
        .at(object, node, format!("no migration creates table {}", suggest::list(&missing, "and")))
        .severity(if may_have_others && !bundle.options.complete { Severity::Warning } else { Severity::Error });
    match near {
        Some(near) => draft.help(format!("did you mean `{near}`, which a migration creates?")),
        None => draft.help("add a migration that creates it"),
    };
}
