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
            let has_init_scripts = !matches!(container.file("/docker-entrypoint-initdb.d/x"), File::Unmounted);
            if has_init_scripts || container.env_open {
                continue;
            }
            let variable = |name: &str| container.var(name).map(|var| var.text.as_deref().map(str::to_owned));
            let user = variable("POSTGRES_USER").unwrap_or_else(|| Some("postgres".to_owned()));
            let database = variable("POSTGRES_DB").unwrap_or_else(|| user.clone());
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let command = &container.node[probe]["exec"]["command"];
                for (node, connection) in connections(container, command) {
                    let mut differs = |what: &str, used: Option<&String>, created: Option<&String>| {
                        if let (Some(used), Some(created)) = (used, created)
                            && used != created
                            && !(what == "database" && matches!(used.as_str(), "postgres" | "template1"))
                            && !(what == "user" && used == "postgres")
                        {
                            report_difference(report, pod.object, node, what, (used, created), connection.fails);
                        }
                    };
                    differs("database", connection.database.as_ref(), database.as_ref());
                    differs("user", connection.user.as_ref(), user.as_ref());
                    // The default database is the one with the name of the user.
                    if connection.database.is_none() && connection.user == user {
                        differs("database", connection.user.as_ref(), database.as_ref());
                    }
                }
            }
        }
    }
}

fn report_difference(
    report: &mut Report<'_>,
    object: &Object,
    node: &Node,
    what: &str,
    (used, created): (&str, &str),
    fails: bool,
) {
    let consequence = if fails { "the probe fails" } else { "the server logs an error at each probe" };
    report
        .at(object, node, format!("the probe uses {what} `{used}`, but the container creates `{created}`"))
        .severity(Severity::Warning)
        .label(consequence)
        .help(if what == "database" { format!("pass `-d {created}`") } else { format!("pass `-U {created}`") });
}

/// The database and user that a probe's command connects with.
#[derive(Default)]
struct Connection {
    database: Option<String>,
    user: Option<String>,
    /// Whether it fails if the database or user does not exist.
    fails: bool,
}

/// The connections that the commands of a probe open, each with its node.
fn connections<'a>(container: &Container<'a>, command: &'a Node) -> Vec<(&'a Node, Connection)> {
    let words: Vec<&Node> = command.items().iter().collect();
    let expanded = |text: &str| {
        let mut budget = shell::MOST_EXPANDED;
        shell::expand(text, &mut budget, &|name| container.var_text(name)).into_owned()
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
    // Without a shell, only $(NAME) is expanded.
    let texts: Vec<String> = words.iter().map(|word| container.expand(word.text()).into_owned()).collect();
    of_words(&texts).map(|connection| (command, connection)).into_iter().collect()
}

fn of_words(words: &[String]) -> Option<Connection> {
    let at = words.iter().position(|word| matches!(shell::tail(word), "pg_isready" | "psql"))?;
    let fails = shell::tail(&words[at]) == "psql";
    let mut connection = Connection { fails, ..Connection::default() };
    // Values that a script computes are unknown.
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
            connection.user = Some(user);
        } else if let Some(database) = value("-d", "--dbname", &mut rest) {
            connection.database = Some(database);
        }
    }
    let known = |text: &Option<String>| text.as_ref().is_none_or(|text| !unknown(text) && !text.contains(['=', ':']));
    (known(&connection.user) && known(&connection.database)).then_some(connection)
}
