//! Rule `readonly-root-write`.

use std::borrow::Cow;

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Container;
use crate::node::Node;
use crate::software::{self, Folder, Tag};
use crate::text::shell;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ReadonlyRootWrite,
    doc: Doc {
        checks: "\
Checks that a container with `readOnlyRootFilesystem: true` has a writable volume wherever it
writes: in the directories that public images need, and at paths in shell scripts, flags and
variables. PostgreSQL needs its data directory and `/var/run/postgresql`, MySQL its data directory
and `/var/run/mysqld`, nginx `/var/cache/nginx` and `/var/run`.

A directory without which a known program exits is an error. It is a warning if the image declares
the directory as a volume, which containerd makes writable and other container runtimes do not, and
if a mounted configuration may name another directory. Paths in scripts, flags and variables are
warnings.",
        why: "The write fails with `Read-only file system`, and the program exits.",
        fix: "Mount an `emptyDir` there.",
        source: "\
https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ and the pages that
`software/` names for each image, listed in docs/services.md.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:v1
    command: [sh, -c, "echo ready > /tmp/ready; exec /app"]
    securityContext: {readOnlyRootFilesystem: true}
"#,
    good: r"     securityContext: {readOnlyRootFilesystem: true}
+    volumeMounts: [{name: tmp, mountPath: /tmp}]
+  volumes: [{name: tmp, emptyDir: {}}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        for container in &pod.containers {
            let context = &container.node["securityContext"]["readOnlyRootFilesystem"];
            if context.as_bool() != Some(true) {
                continue;
            }
            let runs_entrypoint = container.node["command"].is_null();
            let mut reported: Vec<String> = Vec::new();
            let needed = if runs_entrypoint { needs(container) } else { Vec::new() };
            for need in needed.into_iter().filter(|need| !container.is_writable(&need.path)) {
                let path = need.path;
                let help = match need.volume {
                    true => format!(
                        "mount a volume at {path}: the image declares one, which containerd makes writable, but not every \
                         container runtime does"
                    ),
                    false => format!("mount an emptyDir at {path}"),
                };
                report
                    .at(
                        pod.object,
                        &container.node["name"],
                        format!(
                            "container `{}` writes to {path}, but its root file system is read-only",
                            container.name()
                        ),
                    )
                    .severity(if need.certain { Severity::Error } else { Severity::Warning })
                    .related(context.origin.span, "read-only")
                    .help(help);
                reported.push(path);
            }
            for (node, path) in written_paths(container) {
                let folder =
                    path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
                if container.is_writable(&path) || reported.contains(&path) {
                    continue;
                }
                report
                    .at(pod.object, node, format!("`{path}` is written to, but the root file system is read-only"))
                    .related(context.origin.span, "read-only")
                    .help(format!("mount an emptyDir at {folder}"));
                reported.push(path);
            }
        }
    }
}

/// A directory that a container must be able to write to.
struct WritablePath {
    path: String,
    /// Whether it is in a volume that the image declares.
    volume: bool,
    /// Whether the container certainly exits without it.
    certain: bool,
}

/// The directories that an official image writes to.
fn needs(container: &Container<'_>) -> Vec<WritablePath> {
    let Some(software) = software::official(container.image()) else { return Vec::new() };
    let tag = Tag::of(container.image());
    let has_arguments = !container.node["args"].items().is_empty();
    // A mounted configuration may name other directories, if a writable one is mounted.
    let configured =
        software.config.iter().any(|config| container.mounts.iter().any(|mount| overlaps(mount.path, config)))
            && container.mounts.iter().any(|mount| mount.is_writable());
    let folders: Vec<&Folder> = software
        .data
        .iter()
        .chain(&software.writable)
        .filter(|folder| tag.is_within(folder.since.as_ref(), folder.until.as_ref()))
        .collect();
    let in_volume = |path: &str| folders.iter().any(|folder| folder.volume && is_within(path, &folder.path));
    folders
        .iter()
        // Arguments may name other directories, or disable the writes.
        .filter(|folder| folder.stops || !has_arguments)
        .map(|folder| {
            let named = folder.env.as_ref().and_then(|name| container.var_text(name));
            let path = named.unwrap_or_else(|| folder.path.clone());
            let volume = in_volume(&path);
            WritablePath { volume, certain: folder.stops && !volume && !configured, path }
        })
        .collect()
}

/// Whether a path is a directory or inside it.
fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn overlaps(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// The paths that a container writes to according to shell scripts, flags and environment variables.
fn written_paths<'a>(container: &Container<'a>) -> Vec<(&'a Node, String)> {
    let mut found = Vec::new();
    let nodes: Vec<&Node> = container.words().collect();
    let script = nodes.first().is_some_and(|node| shell::is_shell(node.text())) && nodes.len() > 2;
    for (at, node) in nodes.iter().enumerate() {
        let text = node.text();
        if script && at >= 2 && text.contains([' ', '\n']) {
            let var = |name: &str| container.var_text(name);
            let mut budget = shell::MOST_EXPANDED;
            for words in shell::commands(text) {
                add_written_by_command(
                    &words.iter().map(|word| shell::expand(&word.text, &mut budget, &var)).collect::<Vec<_>>(),
                    node,
                    &mut found,
                );
            }
        }
        for flag in [
            "--log-file=",
            "--pid-file=",
            "--pidfile=",
            "--data-dir=",
            "--cache-dir=",
            "--tmp-dir=",
            "--storage.tsdb.path=",
        ] {
            if let Some(path) = text.strip_prefix(flag).filter(|path| is_file_path(path)) {
                found.push((*node, path.to_owned()));
            }
        }
    }
    for name in ["TMPDIR", "CACHE_DIR", "LOG_FILE", "GOCOVERDIR", "DATA_DIR", "XDG_CACHE_HOME"] {
        if let Some(var) = container.var(name).filter(|var| var.own)
            && let Some(path) = var.value.map(Node::text).filter(|path| is_file_path(path))
            && var.entry["value"].is_set()
        {
            found.push((&var.entry["value"], path.to_owned()));
        }
    }
    found
}

fn add_written_by_command<'a>(words: &[Cow<'_, str>], node: &'a Node, found: &mut Vec<(&'a Node, String)>) {
    for (at, word) in words.iter().enumerate() {
        let target = match word.trim_start_matches(['1', '2']) {
            ">" | ">>" => words.get(at + 1).map(AsRef::as_ref),
            other => other.strip_prefix(">>").or_else(|| other.strip_prefix('>')),
        };
        if let Some(path) = target.filter(|path| is_file_path(path)) {
            found.push((node, path.to_owned()));
        }
    }
    let args = || words[1..].iter().filter(|word| is_file_path(word));
    let Some(program) = words.first() else { return };
    match shell::tail(program) {
        "mkdir" | "touch" | "tee" => found.extend(args().map(|path| (node, path.to_string()))),
        "cp" | "mv" | "install" => {
            found.extend(words[1..].last().filter(|path| is_file_path(path)).map(|path| (node, path.to_string())))
        }
        _ => {}
    }
}

/// Whether a string is an absolute path, except of devices and kernel interfaces.
fn is_file_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() > 1
        && !text.contains(['$', '*', '('])
        && !["/dev", "/proc", "/sys"].iter().any(|root| text.starts_with(root))
}
