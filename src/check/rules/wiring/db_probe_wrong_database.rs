//! Rule `db-probe-wrong-database`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, File};
use crate::node::Node;
use crate::object::Object;
use crate::software::program;
use crate::text::shell;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DbProbeWrongDatabase,
    doc: Doc {
        checks: "\
A probe of PostgreSQL names a database or user that the container does not create from `POSTGRES_DB`
and `POSTGRES_USER`. With `psql` the probe fails and the pod never gets ready; `pg_isready` passes,
and the server logs `FATAL: database … does not exist` each time. Without `-d` both ask for a
database that is called like the user. Name what the container creates. Nothing is said where
scripts in `/docker-entrypoint-initdb.d` may create more. Sources:
https://www.postgresql.org/docs/current/app-pg-isready.html, https://hub.docker.com/_/postgres.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: postgresql}
spec:
  containers:
  - name: postgresql
    image: postgres:16-alpine
    env:
    - {name: POSTGRES_DB, value: action_history}
    - {name: POSTGRES_USER, value: slm_user}
    - {name: POSTGRES_PASSWORD, value: test_password}
    readinessProbe: {exec: {command: [pg_isready, -U, slm_user, -d, slm]}}
"#,
    good: r#"-    readinessProbe: {exec: {command: [pg_isready, -U, slm_user, -d, slm]}}
+    readinessProbe: {exec: {command: [pg_isready, -U, slm_user, -d, action_history]}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        for container in pod.running().filter(|container| program(container.image()) == Some("postgresql")) {
            let more = !matches!(container.file("/docker-entrypoint-initdb.d/x"), File::Unmounted);
            if more || container.env_open {
                continue;
            }
            let told = |name: &str| container.var(name).map(|var| var.text.as_deref().map(str::to_owned));
            let user = told("POSTGRES_USER").unwrap_or_else(|| Some("postgres".to_owned()));
            let database = told("POSTGRES_DB").unwrap_or_else(|| user.clone());
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let command = &container.node[probe]["exec"]["command"];
                for (node, asked) in asked(container, command) {
                    let mut differs = |what: &str, wanted: Option<&String>, created: Option<&String>| {
                        if let (Some(wanted), Some(created)) = (wanted, created)
                            && wanted != created
                            && !(what == "database" && matches!(wanted.as_str(), "postgres" | "template1"))
                            && !(what == "user" && wanted == "postgres")
                        {
                            report_one(report, pod.object, node, what, (wanted, created), asked.fails);
                        }
                    };
                    differs("database", asked.database.as_ref(), database.as_ref());
                    differs("user", asked.user.as_ref(), user.as_ref());
                    // A database of the user's name.
                    if asked.database.is_none() && asked.user == user {
                        differs("database", asked.user.as_ref(), database.as_ref());
                    }
                }
            }
        }
    }
}

fn report_one(
    report: &mut Report<'_>,
    object: &Object,
    node: &Node,
    what: &str,
    (wanted, created): (&str, &str),
    fails: bool,
) {
    let consequence = if fails { "the probe fails" } else { "the server logs an error at each probe" };
    report
        .at(object, node, format!("the probe asks for {what} `{wanted}`, and the container creates `{created}`"))
        .severity(Severity::Warning)
        .label(consequence)
        .help(if what == "database" { format!("pass `-d {created}`") } else { format!("pass `-U {created}`") });
}

/// What a command of a probe asks for.
#[derive(Default)]
struct Asked {
    database: Option<String>,
    user: Option<String>,
    /// Whether it fails where the database or user is not there.
    fails: bool,
}

/// What the commands of a probe ask for, each with where it stands.
fn asked<'a>(container: &Container<'a>, command: &'a Node) -> Vec<(&'a Node, Asked)> {
    let words: Vec<&Node> = command.items().iter().collect();
    let expanded = |text: &str| {
        let mut room = shell::MOST_EXPANDED;
        shell::expand(text, &mut room, &|name| container.var_text(name)).into_owned()
    };
    if words.first().is_some_and(|word| shell::is_shell(word.text())) {
        let scripts = words.iter().skip(1).filter(|word| word.text().contains(' '));
        let commands =
            scripts.flat_map(|word| shell::commands(word.text()).into_iter().map(move |words| (*word, words)));
        return commands
            .filter_map(|(node, words)| {
                let words: Vec<String> = words.iter().map(|word| expanded(&word.text)).collect();
                Some((node, of_words(&words)?))
            })
            .collect();
    }
    // Without a shell nothing is expanded, but for $(NAME).
    let texts: Vec<String> = words.iter().map(|word| container.expand(word.text()).into_owned()).collect();
    of_words(&texts).map(|asked| (command, asked)).into_iter().collect()
}

fn of_words(words: &[String]) -> Option<Asked> {
    let at = words.iter().position(|word| matches!(shell::tail(word), "pg_isready" | "psql"))?;
    let fails = shell::tail(&words[at]) == "psql";
    let mut asked = Asked { fails, ..Asked::default() };
    // Another host is another server, and what a script puts in is not known.
    let unknown = |text: &str| text.is_empty() || text.contains(['$', '`', '{']);
    let mut rest = words[at + 1..].iter();
    while let Some(word) = rest.next() {
        let value = |short: &str, long: &str, rest: &mut std::slice::Iter<'_, String>| {
            if word == short || word == long {
                return rest.next().cloned();
            }
            let long = word.strip_prefix(long).and_then(|end| end.strip_prefix('='));
            let short = word.strip_prefix(short).filter(|_| !word.starts_with("--"));
            long.or(short).map(str::to_owned)
        };
        if let Some(host) = value("-h", "--host", &mut rest) {
            if !matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") && !host.starts_with('/') {
                return None;
            }
        } else if let Some(user) = value("-U", "--username", &mut rest) {
            asked.user = Some(user);
        } else if let Some(database) = value("-d", "--dbname", &mut rest) {
            asked.database = Some(database);
        }
    }
    let known = |text: &Option<String>| text.as_ref().is_none_or(|text| !unknown(text) && !text.contains(['=', ':']));
    (known(&asked.user) && known(&asked.database)).then_some(asked)
}
