//! Rule `storage-ephemeral`.

use crate::check::{Bundle, Check, Doc, Purpose, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{By, MountSource};
use crate::software::{self, Tag};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::StorageEphemeral,
    doc: Doc {
        checks: "\
An emptyDir, or no volume at all, is gone when the pod is rescheduled, evicted or rolled: the data
with it, and the schema, which a finished migration Job does not make again. In a test cluster that
may be meant, as long as the schema is made anew with each database. In production it is an error.
Use a volume claim.",
        why: "",
        fix: "",
        source: "",
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
    let mut jobs = None;
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
            let named = default.env.as_ref().and_then(|name| container.var_text(name));
            let folder = named.unwrap_or_else(|| default.path.clone());
            // Of another version the folder may be another: a mount at any of them counts.
            let others = || software.data.iter().find_map(|folder| container.mount_of(&folder.path));
            let mount = container.mount_of(&folder).or_else(others);
            // Other images keep their data elsewhere: any claim counts.
            let claimed = container
                .mounts
                .iter()
                .any(|mount| matches!(&mount.source, MountSource::Opaque(volume) if volume["emptyDir"].is_null()));
            let (place, how) = match mount.map(|mount| (mount, &mount.source)) {
                Some((mount, MountSource::Opaque(volume))) if volume["emptyDir"].is_set() => {
                    (mount.node, "in an emptyDir")
                }
                Some(_) => continue,
                None if claimed => continue,
                None => (&container.node["name"], "in the container itself"),
            };
            let once = *jobs.get_or_insert_with(|| {
                graph
                    .migrations()
                    .iter()
                    .any(|migration| migration.by == By::Job && graph.pods[migration.pod].object.kind() != "CronJob")
            });
            let severity = match bundle.options.purpose {
                Purpose::Production => Severity::Error,
                Purpose::Test if !once => Severity::Note,
                // What the cluster is for, nobody said: that it is no test is a guess.
                Purpose::Unknown if !bundle.options.whole && !bundle.options.own => Severity::Note,
                _ => Severity::Warning,
            };
            let message = format!("container `{}` keeps its database {how}: it goes with the pod", container.name());
            let draft = report.at(pod.object, place, message).severity(severity);
            if once {
                draft.help("the Job that made the tables does not run again: use a volume claim");
            } else {
                draft.help("use a volume claim");
            }
        }
    }
}
