//! Rule `env-required-missing`.

use crate::check::rules::wiring::_shared::data_folder;
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, MountSource, image_name};
use crate::object::ContainerRole;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvRequiredMissing,
    doc: "The program ends at once without one of these variables: PostgreSQL and MySQL images refuse to make a database without a password, and a service description may require others. Where the data folder is a volume that may hold a database already, it is a warning.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers: [{name: db, image: "postgres:16", env: [{name: POSTGRES_USER, value: app}]}]
"#,
    good: r#"-  containers: [{name: db, image: "postgres:16", env: [{name: POSTGRES_USER, value: app}]}]
+  containers: [{name: db, image: "postgres:16", env: [{name: POSTGRES_USER, value: app}, {name: POSTGRES_PASSWORD, value: example}]}]
"#,
    check: Check::Bundle(check),
};

/// Images, and of what variables one must be set.
const NEEDS: &[(&str, &str, &[&str])] = &[
    ("postgres", "postgresql", &["POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"]),
    (
        "mysql",
        "mysql",
        &[
            "MYSQL_ROOT_PASSWORD",
            "MYSQL_ROOT_PASSWORD_FILE",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "MYSQL_RANDOM_ROOT_PASSWORD",
        ],
    ),
    (
        "mariadb",
        "mysql",
        &[
            "MARIADB_ROOT_PASSWORD",
            "MARIADB_ROOT_PASSWORD_FILE",
            "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
            "MARIADB_RANDOM_ROOT_PASSWORD",
            "MARIADB_ROOT_PASSWORD_HASH",
            "MYSQL_ROOT_PASSWORD",
            "MYSQL_ROOT_PASSWORD_FILE",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "MYSQL_RANDOM_ROOT_PASSWORD",
        ],
    ),
];

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        let by_file = view.file().and_then(|file| file.env.as_deref());
        for name in view.service.environment.required.iter().filter(|name| Some(name.as_str()) != by_file) {
            if view.container.var(name).is_none() && !view.container.env_open {
                let message = format!("{} needs the variable `{name}`", view.service.name);
                report.at(view.object(), view.name_node(), message).help(format!("set env `{name}`"));
            }
        }
    }
    for pod in &graph.pods {
        for container in &pod.containers {
            if !matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar)
                || container.env_open
                || pod.is_job()
            {
                continue;
            }
            let image = image_name(container.image());
            let official = |name: &str| {
                image == name
                    || image.strip_suffix(name).is_some_and(|start| {
                        matches!(
                            start,
                            "docker.io/library/"
                                | "docker.io/"
                                | "library/"
                                | "mirror.gcr.io/library/"
                                | "public.ecr.aws/docker/library/"
                        )
                    })
            };
            // Another command makes it another program.
            let Some((_, program, names)) =
                NEEDS.iter().find(|(name, ..)| official(name)).filter(|_| container.node["command"].is_null())
            else {
                continue;
            };
            if names.iter().any(|name| container.var(name).is_some()) {
                continue;
            }
            let severity =
                if keeps(container, data_folder(program).unwrap_or("/")) { Severity::Warning } else { Severity::Error };
            let message =
                format!("container `{}` sets none of the password variables its image needs", container.name());
            report
                .at(pod.object, &container.node["name"], message)
                .severity(severity)
                .help(format!("set {}", suggest::list(names.iter().take(3), "or")));
        }
    }
}

/// Whether the data folder is on a volume that outlives the pod.
fn keeps(container: &Container<'_>, folder: &str) -> bool {
    container.mount_of(folder).is_some_and(|mount| match &mount.source {
        MountSource::Opaque(volume) => volume["emptyDir"].is_null(),
        _ => false,
    })
}
