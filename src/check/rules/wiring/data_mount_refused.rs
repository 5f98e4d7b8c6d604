//! Rule `data-mount-refused`.

use crate::check::rules::wiring::_images::official_images;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DataMountRefused,
    doc: Doc {
        checks: "\
Checks for volumes that are mounted at a path where this version of a public image does not allow
one. The images of PostgreSQL 18 and later keep their data in a directory for each version below
`/var/lib/postgresql`, and exit if a volume is mounted at `/var/lib/postgresql/data`, where older
images keep it. The finding is an error. Nothing is reported if the variable for the data directory
(`PGDATA`) is set, or if `envFrom` uses an object that is not among the manifests.",
        why: "The entrypoint of the image exits, and the pod ends up in `CrashLoopBackOff`.",
        fix: "\
Mount the volume at `/var/lib/postgresql`, or set `PGDATA`. A volume with data of an older version
also needs `pg_upgrade`.",
        source: "https://github.com/docker-library/postgres/pull/1259.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers:
  - name: db
    image: postgres:18
    env: [{name: POSTGRES_PASSWORD, value: example}]
    volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
  volumes: [{name: data, emptyDir: {}}]
"#,
    good: r#"-    volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
+    volumeMounts: [{name: data, mountPath: /var/lib/postgresql}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for image in official_images(bundle.graph()) {
        for folder in image.software.data.iter().filter(|folder| folder.refuses.is_some()) {
            let applies = image.tag.is_within(folder.since.as_ref(), folder.until.as_ref());
            let is_named = folder.env.as_ref().is_some_and(|name| image.container.var(name).is_some());
            if !applies || is_named || image.container.env_open {
                continue;
            }
            let refused = folder.refuses.as_deref().unwrap_or_default();
            let is_there = |path: &str| path.trim_end_matches('/') == refused;
            for mount in image.container.mounts.iter().filter(|mount| is_there(mount.path)) {
                let message = format!("this version of {} exits if a volume is mounted here", image.software.name);
                report
                    .at(image.pod.object, &mount.node["mountPath"], message)
                    .severity(Severity::Error)
                    .help(format!("mount the volume at {}", folder.path));
            }
        }
    }
}
