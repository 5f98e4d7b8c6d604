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
Checks the database and user that an `exec` probe of PostgreSQL (`pg_isready`, `psql`) connects
with: they must be those that the container creates from `POSTGRES_DB` and `POSTGRES_USER`. Without
`-d` both programs connect to a database with the name of the user. The finding is a warning.
Nothing is reported if something is mounted at `/docker-entrypoint-initdb.d`, since its scripts may
create more, for `-h` with another host, and for the databases `postgres` and `template1` and the
user `postgres`.",
        why: "\
A probe with `psql` fails, and the pod never becomes ready. `pg_isready` succeeds, but the server
logs `FATAL: database \"…\" does not exist` at each probe.",
        fix: "Pass the database and user that the container creates: `pg_isready -U app -d orders`.",
        source: "\
https://www.postgresql.org/docs/current/app-pg-isready.html and https://hub.docker.com/_/postgres.",
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
                    // The default database is the one with the name of the user.
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
        .at(object, node, format!("the probe uses {what} `{wanted}`, but the container creates `{created}`"))
        .severity(Severity::Warning)
        .label(consequence)
        .help(if what == "database" { format!("pass `-d {created}`") } else { format!("pass `-U {created}`") });
}

/// The database and user that a probe's command connects with.
#[derive(Default)]
struct Asked {
    database: Option<String>,
    user: Option<String>,
    /// Whether it fails if the database or user does not exist.
    fails: bool,
}

/// What the commands of a probe connect with, each with its node.
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
    // Without a shell only $(NAME) is expanded.
    let texts: Vec<String> = words.iter().map(|word| container.expand(word.text()).into_owned()).collect();
    of_words(&texts).map(|asked| (command, asked)).into_iter().collect()
}

fn of_words(words: &[String]) -> Option<Asked> {
    let at = words.iter().position(|word| matches!(shell::tail(word), "pg_isready" | "psql"))?;
    let fails = shell::tail(&words[at]) == "psql";
    let mut asked = Asked { fails, ..Asked::default() };
    // Another host is another server, and values that a script computes are unknown.
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
