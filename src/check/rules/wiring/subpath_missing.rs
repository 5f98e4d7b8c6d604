//! Rule `subpath-missing`.

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{FileSource, Mount, MountSource, Pod, data_keys};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SubpathMissing,
    doc: Doc {
        checks: "\
Checks that the `subPath` of a volume mount names a file of its ConfigMap, Secret or projected
volume. A volume with `items` has the files that the `path` fields of the items name, and no others;
a projected volume has those of all its sources. The finding is a warning. Without `items` the keys
of the object count, which `reference-missing` checks. Nothing is reported if an object of the
volume is not among the manifests or has no data.",
        why: "\
The kubelet creates a directory where the file is missing. The program finds a directory instead of
its file, or the container cannot be created (`not a directory`).",
        fix: "Use the `path` of an item, or add an item.",
        source: "\
https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath and
https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/#KeyToPath.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {app.conf: "a = 1"}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:v1
    volumeMounts: [{name: config, mountPath: /etc/web/app.conf, subPath: ap.conf}]
  volumes: [{name: config, configMap: {name: web, items: [{key: app.conf, path: app.conf}]}}]
"#,
    good: "\
-    volumeMounts: [{name: config, mountPath: /etc/web/app.conf, subPath: ap.conf}]
+    volumeMounts: [{name: config, mountPath: /etc/web/app.conf, subPath: app.conf}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        for mount in pod.containers.iter().flat_map(|container| &container.mounts) {
            check_mount(pod, mount, report);
        }
    }
}

fn check_mount(pod: &Pod<'_>, mount: &Mount<'_>, report: &mut Report<'_>) {
    let MountSource::Files(volume, parts) = &mount.source else { return };
    let path = mount.sub_path.trim_matches('/');
    if path.is_empty() || path.contains('$') || path == "." {
        return;
    }
    // `reference-missing` reports a missing key of a single object without items.
    if let [part] = parts.as_slice()
        && part.items.items().is_empty()
        && !path.contains('/')
    {
        return;
    }
    let Some(files) = files(parts) else { return };
    let is_at_path = |file: &&str| {
        file.trim_matches('/').strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if files.iter().any(is_at_path) {
        return;
    }
    let help = match suggest::nearest(path, files.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if files.is_empty() => "add the file: the volume is empty".to_owned(),
        None => format!("use one of its files: {}", suggest::list(files.iter().take(MAX_FILES), "or")),
    };
    let name = volume["name"].text();
    report
        .at(
            pod.object,
            &mount.node["subPath"],
            format!("volume `{name}` of {} has no file `{path}`", title(pod.object)),
        )
        .related(volume["name"].origin.span, "the volume")
        .help(help);
}

/// The maximum number of files in the help.
const MAX_FILES: usize = 6;

/// The files of a volume; `None` if not all of them are known.
fn files<'a>(parts: &[FileSource<'a>]) -> Option<Vec<&'a str>> {
    let mut files = Vec::new();
    for part in parts {
        let items = part.items.items();
        if !items.is_empty() {
            files.extend(items.iter().map(|item| item["path"].text()));
            continue;
        }
        let object = part.object?;
        let before = files.len();
        files.extend(data_keys(object));
        // An object without data is filled in the cluster.
        if files.len() == before {
            return None;
        }
    }
    Some(files)
}
