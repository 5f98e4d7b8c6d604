//! Rule `env-required-missing`.

use crate::check::rules::wiring::_images::official_images;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvRequiredMissing,
    doc: Doc {
        checks: "\
Checks that the environment variables are set without which a program exits: the images of
PostgreSQL and MySQL create no database without a password, and a service description may require
other variables. A variable with an empty value counts as missing.

The finding is an error. It is a warning if the image needs the variable only while its data
directory is empty, and that directory is on a volume that may already contain a database. Nothing
is reported for Jobs, if `envFrom` uses an object that is not among the manifests, or if the
container has a `command` of its own.",
        why: "\
The program prints what it needs and exits, and the pod ends up in `CrashLoopBackOff`. PostgreSQL
says `Database is uninitialized and superuser password is not specified`.",
        fix: "Set the variable, from a Secret if it is a password.",
        source: "\
The description of the service and the pages that `software/` names for each image, listed in
docs/services.md.",
    },
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

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        let by_file = view.file().and_then(|file| file.env.as_deref());
        for name in view.service.environment.required.iter().filter(|name| Some(name.as_str()) != by_file) {
            if view.container.var(name).is_none() && !view.container.env_open {
                let message = format!("{} requires the environment variable `{name}`", view.service.name);
                report
                    .at(view.object(), view.name_node(), message)
                    .help(format!("set the environment variable `{name}`"));
            }
        }
    }
    for image in official_images(graph).filter(|image| !image.container.env_open) {
        let needs = image.software.required.iter().filter(|need| need.any_of.iter().any(|one| one.env.is_some()));
        for need in needs.filter(|need| image.lacks(need)) {
            let names = need.any_of.iter().filter_map(|setting| match (&setting.env, &setting.value) {
                (Some(name), Some(value)) => Some(format!("{name}={value}")),
                (name, _) => name.clone(),
            });
            let name = image.container.name();
            let message = format!("{} in container `{name}` requires {}", image.software.name, need.what);
            report
                .at(image.pod.object, &image.container.node["name"], message)
                .severity(image.severity(need.only_when_empty))
                .help(format!("set {}", suggest::list(names.take(3).collect::<Vec<_>>(), "or")));
        }
    }
}
