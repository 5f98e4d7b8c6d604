//! Rule `config-path-unmounted`.

use std::cell::LazyCell;

use foldhash::HashMap;

use crate::check::rules::wiring::_shared::{has_keys, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, File, Graph, Pod, data_keys};
use crate::node::Node;
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigPathUnmounted,
    doc: Doc {
        checks: "\
Checks that the path of a config file, given to a container by a variable or a flag, exists in the
container: that a volume is mounted at or above it, and that the mounted ConfigMap or Secret has
that key.

A mounted object without the key is an error. A path under no volume mount is an error for a known
service. For other programs it is a warning, reported only if a ConfigMap or Secret in the namespace
has a key with the name of the file: otherwise the image may contain the file. Variables and flags
that a known service does not read are reported by `env-not-read` and `config-path-missing`.",
        why: "\
The process exits with `no such file or directory` when it opens the file, and the pod ends up in
`CrashLoopBackOff`.",
        fix: "\
Mount the ConfigMap or Secret in the directory of the path, correct the key, or change the path to
where the file is mounted.",
        source: "\
https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#populate-a-volume-with-data-stored-in-a-configmap.",
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
        env: [{name: CONFIG_PATH, value: /etc/config/config.yaml}]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "\
-        env: [{name: CONFIG_PATH, value: /etc/config/config.yaml}]
+        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let holders = LazyCell::new(|| holders(graph));
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let known = graph.known_as(at, number);
            let read = known.and_then(|view| view.file()).and_then(|file| file.env.as_deref());
            for (node, path, setting) in paths(container) {
                // `env-not-read` and `config-path-missing` report what a known service does not read.
                let is_read = match (&known, setting) {
                    (Some(view), Setting::Env(name)) => view.file().is_some_and(|file| {
                        // A flag may contain the value of the variable: `--config=$(CONFIG_PATH)`.
                        read == Some(name)
                            || file.flag.is_some() && view.explicit_config_path().as_deref() == Some(&*path)
                    }),
                    (Some(view), Setting::Flag(flag)) => view
                        .file()
                        .and_then(|file| file.flag.as_deref())
                        .is_some_and(|known| known.trim_start_matches('-') == flag.trim_start_matches('-')),
                    (None, _) => false,
                };
                if known.is_some() && !is_read {
                    continue;
                }
                check_path(&holders, pod, container, node, &path, is_read, report);
            }
        }
    }
}

/// What sets a path.
#[derive(Clone, Copy)]
enum Setting<'a> {
    Env(&'a str),
    Flag(&'a str),
}

/// The first ConfigMap or Secret that has a key, by namespace and key.
type Holders<'a> = HashMap<(&'a str, &'a str), &'a Object>;

fn holders<'a>(graph: &Graph<'a>) -> Holders<'a> {
    let mut holders = Holders::default();
    for object in graph.objects.iter().filter(|object| matches!(object.kind(), "ConfigMap" | "Secret")) {
        for key in data_keys(object) {
            holders.entry((object.namespace(), key)).or_insert(object);
        }
    }
    holders
}

fn check_path(
    holders: &Holders<'_>,
    pod: &Pod<'_>,
    container: &Container<'_>,
    node: &Node,
    path: &str,
    is_read: bool,
    report: &mut Report<'_>,
) {
    let key = path.rsplit('/').next().unwrap_or_default();
    match container.file(path) {
        File::Unmounted => {
            let holder = holders.get(&(pod.namespace(), key)).copied();
            if !is_read && holder.is_none() {
                return;
            }
            let message = format!("no volume of container `{}` is mounted at or above `{path}`", container.name());
            let draft = report.at(pod.object, node, message);
            let elsewhere = container.mounts.iter().find(|mount| {
                matches!(container.file(&format!("{}/{key}", mount.path.trim_end_matches('/'))), File::Found { .. })
            });
            let draft = match (elsewhere, holder) {
                (Some(mount), _) => draft
                    .related(mount.node["mountPath"].origin.span, format!("`{key}` is mounted here"))
                    .help(format!(
                        "use `{}/{key}`, or mount the file at the expected path",
                        mount.path.trim_end_matches('/')
                    )),
                (None, Some(holder)) => draft.help(format!("mount {}, which has the key `{key}`", title(holder))),
                (None, None) => draft.help(format!(
                    "mount a ConfigMap with the key `{key}` at `{}`",
                    path.rsplit_once('/').map_or("/", |(folder, _)| folder)
                )),
            };
            if !is_read {
                draft.severity(Severity::Warning);
            }
        }
        File::Lacking { mount, key, object } => {
            let message = format!("{} has no key `{key}`, so `{path}` does not exist", title(object));
            let help = has_keys(object, &key);
            report.at(pod.object, node, message).related(mount.origin.span, "the mount").help(help);
        }
        _ => {}
    }
}

/// Whether the name of a variable is that of the path of a config file: `CONFIG_PATH`, `APP_FILE`.
fn names_file(name: &str) -> bool {
    let is_config = |part: &[u8]| part.eq_ignore_ascii_case(b"CONFIG");
    let ends = |end: &str| {
        let at = name.len().saturating_sub(end.len());
        name.as_bytes()[at..].eq_ignore_ascii_case(end.as_bytes())
    };
    ends("_FILE") || ends("_FILE_PATH") || name.as_bytes().windows(6).any(is_config)
}

/// The paths of config files in the variables and flags of a container.
fn paths<'c>(container: &'c Container<'_>) -> Vec<(&'c Node, String, Setting<'c>)> {
    let mut found = Vec::new();
    for var in container.env.iter().filter(|var| var.own) {
        let Some(node) = var.value else { continue };
        if names_file(&var.name) {
            let text = container.expand(node.text());
            if is_file(&text) && var.entry["value"].is_set() {
                found.push((node, text.into_owned(), Setting::Env(&var.name)));
            }
        }
    }
    let words: Vec<&Node> = container.words().collect();
    for (at, word) in words.iter().enumerate() {
        let text = word.text();
        let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
        let names_config =
            flag.starts_with('-') && (flag.contains("config") || flag == "-c" || flag == "-f") && !text.contains(' ');
        if !names_config {
            continue;
        }
        match value {
            Some(value) if is_file(&container.expand(value)) => {
                found.push((*word, container.expand(value).into_owned(), Setting::Flag(flag)))
            }
            None => {
                if let Some(next) = words.get(at + 1).filter(|next| is_file(&container.expand(next.text()))) {
                    found.push((*next, container.expand(next.text()).into_owned(), Setting::Flag(flag)));
                }
            }
            Some(_) => {}
        }
    }
    found
}

/// Whether a string is the absolute path of a config file.
fn is_file(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    text.starts_with('/')
        && !text.contains([' ', '$', '*', '\n', ':', ','])
        && matches!(
            end,
            "yaml" | "yml" | "json" | "toml" | "conf" | "cfg" | "ini" | "properties" | "env" | "cnf" | "xml" | "hcl"
        )
}
