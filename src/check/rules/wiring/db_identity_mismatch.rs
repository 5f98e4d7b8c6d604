//! Rule `db-identity-mismatch`.

use std::cell::OnceCell;

use crate::check::rules::wiring::_shared::at_value;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Container, File, Graph, ServiceContainer, Target, text_of};
use crate::node::Node;
use crate::object::Object;
use crate::service::KeyType;
use crate::software::program;
use crate::source::FileId;
use crate::validation::Report;
use crate::yaml::{self, Dialect};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DbIdentityMismatch,
    doc: Doc {
        checks: "\
Checks that a client and the PostgreSQL among the manifests agree on the database, user and
password. The client's values come from its config file, secret file or variables, those of
PostgreSQL from `POSTGRES_DB`, `POSTGRES_USER` and `POSTGRES_PASSWORD`. The password itself is never
shown.

The finding is an error if the client and the database are in one file, or if the manifests are
complete (`--complete`, `--profile`, `render`), otherwise a warning. Nothing is reported for users
and databases that a script among the manifests creates, if the Service may select several pods,
or if a value is not among the manifests.",
        why: "\
PostgreSQL rejects the connection: `database \"…\" does not exist`, `role \"…\" does not exist` or
`password authentication failed for user \"…\"`.",
        fix: "Use one value on both sides; take the password of both from one Secret.",
        source: "The description of the service (docs/services.md) and https://hub.docker.com/_/postgres.",
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
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
---
apiVersion: v1
kind: Service
metadata: {name: postgresql}
spec: {selector: {app: postgresql}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: postgresql, labels: {app: postgresql}}
spec:
  containers:
  - name: postgresql
    image: postgres:16-alpine
    env: [{name: POSTGRES_DB, value: datastorage}, {name: POSTGRES_USER, value: slm_user}, {name: POSTGRES_PASSWORD, value: test_password}]
"#,
    good: "\
-    env: [{name: POSTGRES_DB, value: datastorage}, {name: POSTGRES_USER, value: slm_user}, {name: POSTGRES_PASSWORD, value: test_password}]
+    env: [{name: POSTGRES_DB, value: action_history}, {name: POSTGRES_USER, value: slm_user}, {name: POSTGRES_PASSWORD, value: test_password}]
",
    check: Check::Bundle(check),
};

/// The database, user and password that a PostgreSQL container creates.
struct Database<'g, 'a> {
    object: &'a Object,
    container: &'g Container<'a>,
    name: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let scripts = Scripts::of(graph);
    for view in graph.known() {
        for dependency in view.service.dependencies.iter().filter(|dependency| dependency.kind == "postgresql") {
            let host = dependency.host_key.as_ref().map(|key| view.value(key).text()).unwrap_or_default();
            let Target::Service(service) = graph.resolve(host, None, view.pod.object) else {
                continue;
            };
            let Some(database) = database(graph, service) else { continue };
            if let Some((node, key)) = keyed(&view, dependency.database_key.as_deref()) {
                check_value(
                    bundle,
                    &scripts,
                    report,
                    &database,
                    &ClientValue { view: &view, node, what: "database", key },
                    node.text(),
                    database.name.as_deref(),
                );
            }
            let Some((user, password)) = credentials(&view) else { continue };
            let user_node = keyed(&view, dependency.user_key.as_deref());
            let user =
                user.or_else(|| user_node.map(|(node, _)| node.text().to_owned()).filter(|user| !user.is_empty()));
            if let (Some(user), Some((node, key))) = (&user, user_node) {
                check_value(
                    bundle,
                    &scripts,
                    report,
                    &database,
                    &ClientValue { view: &view, node, what: "user", key },
                    user,
                    database.user.as_deref(),
                );
            }
            if let (Some(created), Some(password)) = (&database.password, &password)
                && created != password
                && user.as_deref().is_none_or(|user| database.user.as_deref() == Some(user))
            {
                report_password(bundle, report, view.object(), view.name_node(), &database);
            }
        }
    }
    variables(bundle, &scripts, report);
}

/// A value of a client that must be the same as that of its database.
struct ClientValue<'v, 'g, 'a> {
    view: &'v ServiceContainer<'g, 'a>,
    node: &'g Node,
    what: &'static str,
    key: &'v str,
}

fn check_value(
    bundle: &Bundle<'_>,
    scripts: &Scripts<'_, '_>,
    report: &mut Report<'_>,
    database: &Database<'_, '_>,
    client: &ClientValue<'_, '_, '_>,
    value: &str,
    created: Option<&str>,
) {
    let Some(created) = created.filter(|created| *created != value && !value.is_empty()) else { return };
    if scripts.may_create(client.what, value) {
        return;
    }
    let var = if client.what == "user" { "POSTGRES_USER" } else { "POSTGRES_DB" };
    let span =
        database.container.var(var).map_or(database.object.span(), |var| var.value.unwrap_or(var.entry).origin.span);
    at_value(
        report,
        client.view,
        if client.node.is_set() { client.node } else { Node::absent() },
        format!("`{}` is {} `{value}`, but PostgreSQL creates `{created}`", client.key, client.what),
    )
    .severity(bundle.between(client.view.object(), database.object))
    .related(span, format!("{} of {}", var, database.object.name()))
    .help("use the same name in both");
}

fn report_password(
    bundle: &Bundle<'_>,
    report: &mut Report<'_>,
    object: &Object,
    node: &Node,
    database: &Database<'_, '_>,
) {
    let span = database.container.var("POSTGRES_PASSWORD").map_or(database.object.span(), |var| var.entry.origin.span);
    report
        .at(object, node, "the password for the database differs from that of PostgreSQL")
        .severity(bundle.between(object, database.object))
        .related(span, "POSTGRES_PASSWORD")
        .help("use one Secret for both");
}

/// The value of a config key.
fn keyed<'g, 'k>(view: &ServiceContainer<'g, '_>, key: Option<&'k str>) -> Option<(&'g Node, &'k str)> {
    key.map(|key| (view.value(key), key))
}

/// The user and password in the secret file that the config refers to; `None` if the file cannot be read.
fn credentials(view: &ServiceContainer<'_, '_>) -> Option<(Option<String>, Option<String>)> {
    let dialect = view.dialect?;
    let (file_key, _) =
        dialect.config.iter().find(|(path, key)| key.kind == KeyType::SecretFile && path.starts_with("database"))?;
    let File::Found { object, key, .. } = view.container.file(view.value(file_key).as_str()?) else { return None };
    let text = text_of(object, key)?;
    let tree = yaml::load_text(&text, FileId(u32::MAX - 1), Dialect::Kubectl).documents.into_iter().next()?;
    let named = |word: &str| {
        let (path, _) =
            dialect.config.iter().find(|(path, key)| key.of.as_ref() == Some(file_key) && path.contains(word))?;
        tree.get(view.value(path).as_str()?)?.as_str().map(str::to_owned)
    };
    Some((named("username"), named("password")))
}

/// The database behind a Service; `None` if there may be several.
fn database<'g, 'a>(graph: &'g Graph<'a>, service: usize) -> Option<Database<'g, 'a>> {
    let service = &graph.services[service];
    let [pod] = service.pods.as_slice() else { return None };
    if service.may_select_more() {
        return None;
    }
    let pod = &graph.pods[*pod];
    let container = pod.running().find(|container| program(container.image()) == Some("postgresql"))?;
    if container.env_open {
        return None;
    }
    let text = |names: &[&str]| names.iter().find_map(|name| container.var_text(name));
    let known = |names: &[&str]| names.iter().all(|name| container.var(name).is_none_or(|var| var.value.is_some()));
    let user =
        known(&["POSTGRES_USER", "POSTGRESQL_USER"]).then(|| text(&["POSTGRES_USER", "POSTGRESQL_USER"])).flatten();
    let name = known(&["POSTGRES_DB", "POSTGRESQL_DATABASE"])
        .then(|| text(&["POSTGRES_DB", "POSTGRESQL_DATABASE"]).or_else(|| user.clone()))
        .flatten();
    Some(Database {
        object: pod.object,
        container,
        name,
        user,
        password: text(&["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"]),
    })
}

/// The scripts among the manifests that create users or databases.
struct Scripts<'g, 'a> {
    graph: &'g Graph<'a>,
    users: OnceCell<Creators<'g>>,
    databases: OnceCell<Creators<'g>>,
}

/// The scripts that create users or databases, and whether one of them may create a user or database of any name.
#[derive(Default)]
struct Creators<'g> {
    texts: Vec<&'g str>,
    any: bool,
}

impl<'g, 'a> Scripts<'g, 'a> {
    fn of(graph: &'g Graph<'a>) -> Self {
        Self { graph, users: OnceCell::new(), databases: OnceCell::new() }
    }

    /// Whether one of them may create a user or database with this name.
    fn may_create(&self, what: &str, name: &str) -> bool {
        let creators = match what {
            "user" => self.users.get_or_init(|| self.creators(&["create user", "create role", "createuser"])),
            _ => self.databases.get_or_init(|| self.creators(&["create database", "createdb"])),
        };
        creators.any || creators.texts.iter().any(|text| text.contains(name))
    }

    fn creators(&self, words: &[&str]) -> Creators<'g> {
        let objects = self.graph.objects.iter().filter(|object| matches!(object.kind(), "ConfigMap" | "Secret"));
        let data = objects
            .flat_map(|object| ["data", "stringData"].into_iter().flat_map(|field| object.node[field].entries()))
            .map(|entry| entry.value.text());
        let containers = self.graph.pods.iter().flat_map(|pod| &pod.containers);
        let mut creators = Creators::default();
        for text in data.chain(containers.flat_map(Container::words).map(Node::text)) {
            let lower = text.to_ascii_lowercase();
            if words.iter().any(|word| lower.contains(word)) {
                creators.any |= text.contains('$') || lower.contains(":'");
                creators.texts.push(text);
            }
        }
        creators
    }
}

/// Checks clients with host, database, user and password in environment variables.
fn variables(bundle: &Bundle<'_>, scripts: &Scripts<'_, '_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    // Variables of `env` and `envFrom`: often the host is in a ConfigMap, and the user in the Deployment.
    let containers = graph.pods.iter().enumerate().flat_map(|(at, pod)| {
        pod.containers.iter().enumerate().map(move |(number, container)| ((at, number), pod, container))
    });
    let hosts = containers.flat_map(|(number, pod, container)| {
        let names = container.env.iter().map(|var| &*var.name);
        names.filter_map(move |name| Some((number, pod, container, name.strip_suffix("HOST")?, name)))
    });
    for ((at, number), pod, container, prefix, name) in hosts {
        let Some(host) = container.var_text(name) else { continue };
        let Target::Service(service) = graph.resolve(&host, None, pod.object) else { continue };
        let Some(database) = database(graph, service) else { continue };
        // `env-not-read` reports variables that a known service does not read.
        if graph.known_as(at, number).is_some() {
            continue;
        }
        let find =
            |ends: &[&str]| ends.iter().map(|end| format!("{prefix}{end}")).find(|name| container.var(name).is_some());
        for (ends, what, created) in [
            (["NAME", "DB", "DATABASE"], "database", &database.name),
            (["USER", "USERNAME", "LOGIN"], "user", &database.user),
        ] {
            let Some(name) = find(&ends) else { continue };
            let (Some(value), Some(created)) = (container.var_text(&name), created) else { continue };
            if value != *created
                && !value.is_empty()
                && (what != "database" || value != "postgres")
                && !scripts.may_create(what, &value)
            {
                let Some(var) = container.var(&name) else { continue };
                report
                    .at(
                        pod.object,
                        if std::ptr::eq(var.object, pod.object) { var.value.unwrap_or(var.entry) } else { var.entry },
                        format!("`{name}` is {what} `{value}`, but PostgreSQL creates `{created}`"),
                    )
                    .severity(bundle.between(pod.object, database.object))
                    .related(database.object.span(), "the database")
                    .help("use the same name in both");
            }
        }
        let Some(name) = find(&["PASSWORD", "PASS", "PASSWD"]) else { continue };
        let same_user = match find(&["USER", "USERNAME", "LOGIN"]) {
            Some(name) => container.var_text(&name).is_some_and(|user| database.user.as_ref() == Some(&user)),
            None => !container.env_open,
        };
        if let (Some(value), Some(created)) = (container.var_text(&name), &database.password)
            && value != *created
            && same_user
            && let Some(var) = container.var(&name)
        {
            report_password(bundle, report, pod.object, &var.entry["name"], &database);
        }
    }
}
