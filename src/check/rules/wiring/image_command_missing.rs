//! Rule `image-command-missing`.

use crate::check::rules::wiring::_images::official_images;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageCommandMissing,
    doc: Doc {
        checks: "\
Checks that a container that runs a public image has the arguments, command or file that the image
needs. The shells and language runtimes (`busybox`, `alpine`, `node`, `python`) start an interactive
program, MinIO and Keycloak need a command to run, HAProxy needs its configuration file.

The finding is an error. It is a warning if the image needs the argument or file only while its data
directory is empty, and that directory is on a volume that may already contain data. Nothing is
reported for an interactive program with `stdin` or `tty`, and for Jobs.",
        why: "\
An interactive program exits at once where there is no terminal; MinIO and Keycloak print their help
and exit; HAProxy exits without its configuration. The pod ends up in `CrashLoopBackOff`.",
        fix: "Set `command` or `args`, or mount the file.",
        source: "The pages that `software/` names for each image, listed in docs/services.md.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: minio}
spec:
  selector: {matchLabels: {app: minio}}
  template:
    metadata: {labels: {app: minio}}
    spec:
      containers:
      - name: minio
        image: quay.io/minio/minio:RELEASE.2024-01-01T00-00-00Z
"#,
    good: r#"         image: quay.io/minio/minio:RELEASE.2024-01-01T00-00-00Z
+        args: [server, /data]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for image in official_images(bundle.graph()) {
        let node = image.container.node;
        let (name, software) = (image.container.name(), image.software);
        let at = &node["name"];
        if software.interactive {
            let has_terminal = node["stdin"].as_bool() == Some(true) || node["tty"].as_bool() == Some(true);
            let is_alone = image.pod.is_long_running() && node["args"].items().is_empty();
            if is_alone && !has_terminal {
                report
                    .at(
                        image.pod.object,
                        at,
                        format!("container `{name}` has no command, but its image exits without one"),
                    )
                    .severity(Severity::Error)
                    .label("starts an interactive program without a terminal")
                    .help("set `command` or `args`");
            }
            continue;
        }
        let needs = software.required.iter().filter(|need| need.any_of.iter().all(|one| one.env.is_none()));
        for need in needs.filter(|need| image.lacks(need)) {
            let file = need.any_of.iter().find_map(|one| one.file.as_deref());
            report
                .at(image.pod.object, at, format!("{} in container `{name}` requires {}", software.name, need.what))
                .severity(image.severity(need.only_when_empty))
                .help(match file {
                    Some(file) => format!("mount the file at {file}"),
                    None => "set `args`".to_owned(),
                });
        }
    }
}
