//! Rule `storage-ephemeral`.

use crate::check::{Bundle, Check, Doc, Purpose, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{MigrationKind, MountSource};
use crate::software::{self, Tag};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::StorageEphemeral,
    doc: Doc {
        checks: "\
Checks that the data directory of a database is on a persistent volume. It reports a data directory
on an `emptyDir`, or in the container itself.

The finding is a warning. It is an error in production, and a note in a test environment, unless a
migration Job creates the schema only once. It is also a note if the purpose of the environment is
unknown and the manifests are not complete (`--complete`, `--profile`, `render`). Nothing is
reported for containers with a `command` of their own, and for those that mount any volume claim if
no volume is at the data directory.",
        why: "\
The data is lost when the pod is rescheduled, evicted or replaced by a rollout, and with it the
schema, which a completed migration Job does not create again.",
        fix: "Use a PersistentVolumeClaim, or the `volumeClaimTemplates` of a StatefulSet.",
        source: "https://kubernetes.io/docs/concepts/storage/volumes/#emptydir.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: db
        image: postgres:16
        env: [{name: POSTGRES_PASSWORD, value: example}]
        volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
      volumes: [{name: data, emptyDir: {}}]
"#,
    good: r#"-kind: Deployment
+kind: StatefulSet
@@
 spec:
+  serviceName: ""
@@
-      volumes: [{name: data, emptyDir: {}}]
+  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut migration_jobs = None;
    for pod in graph.pods.iter().filter(|pod| pod.is_long_running()) {
        for container in pod.running() {
            let Some(software) = software::of(container.image()).filter(|software| software.database) else { continue };
            let Some(default) = software.data_folder(&Tag::of(container.image())).or(software.data.first()) else {
                continue;
            };
            let custom = container.node["command"].items().first().is_some_and(|word| {
                let own = software.entry.iter().map(String::as_str).chain(["docker-entrypoint.sh"]);
                !own.into_iter().any(|known| word.text().ends_with(known))
            });
            if custom {
                continue;
            }
            let configured = default.env.as_ref().and_then(|name| container.var_text(name));
            let folder = configured.unwrap_or_else(|| default.path.clone());
            // Other versions may use another directory: a mount at any of them counts.
            let others = || software.data.iter().find_map(|folder| container.mount_of(&folder.path));
            let mount = container.mount_of(&folder).or_else(others);
            // Other images use other directories: any claim counts.
            let claimed = container
                .mounts
                .iter()
                .any(|mount| matches!(&mount.source, MountSource::Opaque(volume) if volume["emptyDir"].is_null()));
            let (node, how) = match mount.map(|mount| (mount, &mount.source)) {
                Some((mount, MountSource::Opaque(volume))) if volume["emptyDir"].is_set() => {
                    (mount.node, "in an emptyDir")
                }
                Some(_) => continue,
                None if claimed => continue,
                None => (&container.node["name"], "in the container file system"),
            };
            let has_migration_job = *migration_jobs.get_or_insert_with(|| {
                graph.migrations().iter().any(|migration| {
                    migration.kind == MigrationKind::Job && graph.pods[migration.pod].object.kind() != "CronJob"
                })
            });
            let severity = match bundle.options.purpose {
                Purpose::Production => Severity::Error,
                Purpose::Test if !has_migration_job => Severity::Note,
                // The purpose of the cluster is unknown: it may be for tests.
                Purpose::Unknown if !bundle.options.complete && !bundle.options.is_rendered => Severity::Note,
                _ => Severity::Warning,
            };
            let message =
                format!("container `{}` stores its database {how}: the data is lost with the pod", container.name());
            let draft = report.at(pod.object, node, message).severity(severity);
            if has_migration_job {
                draft.help("use a PersistentVolumeClaim: the Job that creates the tables does not run again");
            } else {
                draft.help("use a PersistentVolumeClaim");
            }
        }
    }
}
