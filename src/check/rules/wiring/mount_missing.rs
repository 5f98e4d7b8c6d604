//! Rule `mount-missing`.

use std::cell::LazyCell;

use foldhash::HashMap;

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{File, Graph, MountSource, ServiceContainer, data_keys, kind_of};
use crate::object::Object;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MountMissing,
    doc: Doc {
        checks: "\
Checks that the container of a known service mounts volumes that can contain its config file and its
secret files. It reports a container without such volumes, and a volume of the pod, made from a
ConfigMap or Secret, that no container mounts. The finding is an error.",
        why: "\
The service reads its config and its credentials from files. It exits because it cannot open them,
and the pod ends up in `CrashLoopBackOff`.",
        fix: "\
Add a `volumeMounts` entry for the volume in the directory of the config file; mount the Secret in
the directory that the config names.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/storage/volumes/.",
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
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: r"         env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
+        volumeMounts:
+        - {name: config, mountPath: /etc/datastorage}
+        - {name: secrets, mountPath: /etc/datastorage/secrets}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let with_files = LazyCell::new(|| secrets(bundle.graph()));
    // The pod whose unmounted volumes were reported last, and whether it had any. Services are in the order of their pods.
    let mut last = (None, false);
    for view in bundle.graph().known() {
        if !view.needs_file() {
            continue;
        }
        // An unmounted volume is the most precise finding, and is reported once for all containers.
        if last.0 != Some(view.at) {
            last = (Some(view.at), report_unmounted(&view, report));
        }
        let (_, has_unmounted) = last;
        let config = has_mount_for(&view, "ConfigMap", &view.path());
        let secret_keys = view
            .dialect
            .is_some_and(|dialect| dialect.config.values().any(|key| key.kind == KeyType::SecretFile && key.required));
        let secret_paths: Vec<&str> = view
            .keys(KeyType::SecretFile)
            .map(|(_, value)| value.text())
            .filter(|path| path.starts_with('/'))
            .collect();
        let secrets = !secret_keys
            || if secret_paths.is_empty() {
                has_mount_for(&view, "Secret", "")
            } else {
                secret_paths.iter().all(|path| has_mount_for(&view, "Secret", path))
            };
        if has_unmounted || (config && secrets) {
            continue;
        }
        let what = match (config, secrets) {
            (false, false) => "neither its config file nor its secret files",
            (false, true) => "no config file",
            _ => "no secret files",
        };
        let message = format!("container `{}` mounts {what}", view.container.name());
        let related = match config {
            true => with_files.get(view.pod.namespace()).copied(),
            false => bundle.graph().object_with_key("ConfigMap", view.pod.namespace(), Some(view.service.config_key())),
        };
        let draft = report
            .at(view.object(), view.name_node(), message)
            .label(format!("{} reads its files from volumes", view.service.name));
        let draft = match related {
            Some(object) => {
                let name = &object.node["metadata"]["name"];
                draft.related(name.origin.span, format!("{} is not mounted", title(object)))
            }
            None => draft,
        };
        draft.help(format!(
            "mount the ConfigMap at {} and the Secret at {}/secrets",
            folder(view.service.config_path()),
            folder(view.service.config_path())
        ));
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(folder, _)| folder)
}

/// Whether a mount may contain a file: one at or above its path, or any one of this kind.
fn has_mount_for(view: &ServiceContainer<'_, '_>, kind: &str, path: &str) -> bool {
    let is_mounted = !path.is_empty()
        && match view.container.file(path) {
            File::Unmounted => false,
            // A ConfigMap mounted above the directory of the secrets does not contain them.
            File::Lacking { object, key, .. } => object.kind() == kind || !key.contains('/'),
            _ => true,
        };
    is_mounted
        || view.container.mounts.iter().any(|mount| match &mount.source {
            MountSource::Files(_, parts) => parts.iter().any(|part| part.kind == kind),
            MountSource::Opaque(volume) => path.is_empty() && volume["csi"].is_set(),
            MountSource::Missing => true,
        })
}

/// The first Secret of each namespace that has a key with an extension.
fn secrets<'a>(graph: &Graph<'a>) -> HashMap<&'a str, &'a Object> {
    let files = |object: &&Object| kind_of(object) == Some("Secret") && data_keys(object).any(|key| key.contains('.'));
    // In reverse order, so that the first one wins.
    graph.objects.iter().rev().filter(files).map(|object| (object.namespace(), object)).collect()
}

/// Reports the volumes with files that no container of the pod mounts. Returns whether there are any.
fn report_unmounted(view: &ServiceContainer<'_, '_>, report: &mut Report<'_>) -> bool {
    let mut any = false;
    for volume in view.pod.spec["volumes"].items() {
        let files = volume["configMap"].is_set() || volume["secret"].is_set() || volume["projected"].is_set();
        if files && !view.pod.mounts(volume["name"].text()) {
            any = true;
            let message = format!("volume `{}` is not mounted by any container", volume["name"].text());
            report
                .at(view.object(), &volume["name"], message)
                .related(view.name_node().origin.span, format!("{} reads its files", view.service.name))
                .help(format!("mount the volume at {}", folder(&view.path())));
        }
    }
    any
}
