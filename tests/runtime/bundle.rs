//! End-to-end tests of every bundle, from rendering to an audit event that is written and read back.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::manifests::Manifests;
use super::pod::{Container, Pod};
use super::servers::{Database, POSTGRES, RedisServer, free_port, program};
use super::{catalog, config, migrate};

/// The tables that each bundle must create, independent of what the profiles declare.
const AUDIT: &str = "audit_events";
const ALL: &str = "audit_events remediation_workflow_catalog";

/// Held while a bundle uses the database server: all bundles use the same database and user names.
pub(super) static SERVER: Mutex<()> = Mutex::new(());

/// The output of `plimsoll render` with these arguments.
pub(super) fn render(arguments: &[&str]) -> Manifests {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .arg("render")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && messages.is_empty(), "render {arguments:?}: {messages}");
    Manifests::parse(&String::from_utf8(output.stdout).unwrap())
}

/// The namespace of the bundle's Deployment.
fn namespace(manifests: &Manifests) -> &str {
    manifests.find("Deployment", "datastorage").unwrap()["metadata"]["namespace"].as_str().unwrap()
}

/// Connects a container to the tests' PostgreSQL server, after checking that its address resolves to the bundle's own.
pub(super) fn connected(manifests: &Manifests, container: Container) -> Container {
    let host = container.variable("PGHOST").unwrap();
    let port: i64 = container.variable("PGPORT").unwrap().parse().unwrap();
    if manifests.find("StatefulSet", "postgresql").is_some() {
        let (template, port) = manifests.resolve(namespace(manifests), host, port).unwrap();
        assert_eq!(template["metadata"]["labels"]["app.kubernetes.io/name"], "postgresql");
        assert_eq!(port, 5432);
    }
    let port = POSTGRES.port.to_string();
    container.with("PGHOSTADDR", "127.0.0.1").with("PGPORT", &port).with("POLL_SECONDS", "0.05")
}

/// A bundle and its database.
struct Case {
    manifests: Manifests,
    database: Database,
    /// The owner of the tables, if the service uses another role.
    owner: Option<Database>,
    tables: &'static str,
}

impl Case {
    fn workload<'a>(&'a self, kind: &str, name: &str) -> Pod<'a> {
        Pod::of(&self.manifests, self.manifests.only(kind, name))
    }

    fn job(&self, pod: &Pod<'_>) -> Container {
        connected(&self.manifests, pod.container("migrate").unwrap())
    }

    fn owner(&self) -> &Database {
        self.owner.as_ref().unwrap_or(&self.database)
    }

    /// The lifecycle of a bundle: wait for the schema, migrate, serve, maintain partitions.
    fn works(&self) {
        let service = self.workload("Deployment", "datastorage");
        let waiting = || connected(&self.manifests, service.container("wait-for-schema").unwrap());
        let early = waiting().with("SCHEMA_WAIT_SECONDS", "0").start().finish().failed();
        assert!(early.last_line().contains("the migrations have not started"), "{}", early.log);

        let job = self.workload("Job", "datastorage-migrate");
        let waiter = waiting().start();
        self.job(&job).start().finish().fine();
        waiter.finish().fine();
        assert_eq!(self.owner().tables(), self.tables);
        let before = self.owner().fingerprint();
        self.job(&job).start().finish().fine();
        assert_eq!(self.owner().fingerprint(), before, "a second run changes nothing");

        let binary = service.container("datastorage").unwrap();
        let settings = config::read(&binary).unwrap();
        self.waits_for_redis(&service, &settings);
        self.serves(&settings);
        self.writes(&settings);
        self.keeps_partitions();
        self.queues(&settings);
    }

    /// The service starts only after the Redis of its config responds.
    fn waits_for_redis(&self, service: &Pod<'_>, settings: &config::Settings) {
        let waiting = || service.container("wait-for-redis").unwrap().with("POLL_SECONDS", "0.05");
        assert_eq!(waiting().variable("REDIS_HOST").unwrap(), settings.redis.host);
        assert_eq!(waiting().variable("REDIS_PORT").unwrap(), settings.redis.port.to_string());
        let server = RedisServer::with_password(&settings.redis.password);
        let at = |port: u16| waiting().with("REDIS_HOST", "127.0.0.1").with("REDIS_PORT", &port.to_string());
        let run = at(free_port()).with("REDIS_WAIT_SECONDS", "0").start().finish().failed();
        assert!(run.last_line().contains("did not respond within 0 s: no response: "), "{}", run.log);
        at(server.port).start().finish().fine().says("done: Redis is ready");
    }

    /// The port in the config is the target port of the Service and the port of the probes.
    fn serves(&self, settings: &config::Settings) {
        let (template, port) =
            self.manifests.resolve(namespace(&self.manifests), "datastorage", settings.port).unwrap();
        assert_eq!(port, settings.port);
        let container = &template["spec"]["containers"][0];
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let asked = &container[probe]["httpGet"]["port"];
            assert!(*asked == "http" || *asked == settings.port, "{probe}: {asked}");
        }
        assert_eq!(container["args"][0], "--config=/etc/datastorage/config.yaml");
    }

    /// An audit event can be written and read back with exactly the settings that the binary reads.
    fn writes(&self, settings: &config::Settings) {
        let database = &settings.database;
        if self.owner.is_none() {
            self.manifests.resolve(namespace(&self.manifests), &database.host, database.port).unwrap();
        }
        let query = |sql: &str| {
            let output = Command::new(program("psql"))
                .args(["-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", sql])
                .env_clear()
                .env("PGHOST", &database.host)
                .env("PGHOSTADDR", "127.0.0.1")
                .env("PGPORT", POSTGRES.port.to_string())
                .env("PGDATABASE", &database.name)
                .env("PGUSER", &database.user)
                .env("PGPASSWORD", &database.password)
                .env("PGSSLMODE", &database.ssl_mode)
                .output()
                .unwrap();
            assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
        };
        query(migrate::EVENT);
        assert_eq!(
            query("SELECT event_type, correlation_id, event_date = (now() AT TIME ZONE 'UTC')::date FROM audit_events"),
            "signal.received|c-1|t"
        );
        if self.tables == ALL {
            query(&catalog::insert("w", "1", "{}"));
            assert_eq!(query("SELECT workflow_name, status FROM remediation_workflow_catalog"), "w|active");
        }
    }

    /// The CronJob creates the partitions of the following months.
    fn keeps_partitions(&self) {
        let count =
            || self.owner().query("SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass");
        self.owner().query(
            "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid::regclass FROM pg_inherits
             WHERE inhparent = 'audit_events'::regclass ORDER BY inhrelid::regclass::text OFFSET 1
             LOOP EXECUTE format('DROP TABLE %s', part); END LOOP; END $$",
        );
        assert_eq!(count(), "1");
        let pod = self.workload("CronJob", "datastorage-partitions");
        connected(&self.manifests, pod.container("partitions").unwrap()).start().finish().fine();
        assert_eq!(count(), "4");
    }

    /// The queue accepts a message with the settings that the binary reads, and so does the bundle's own Redis.
    fn queues(&self, settings: &config::Settings) {
        let redis = &settings.redis;
        let server = match self.manifests.find("Deployment", "redis") {
            Some(workload) => {
                let (_, port) = self.manifests.resolve(namespace(&self.manifests), &redis.host, redis.port).unwrap();
                RedisServer::of(
                    &Pod::of(&self.manifests, workload),
                    &workload["spec"]["template"]["spec"]["containers"][0],
                    port,
                )
            }
            None => RedisServer::with_password(&redis.password),
        };
        let ask = |words: &[&str]| server.ask(&redis.password, redis.database, words);
        assert_eq!(ask(&["PING"]), "PONG");
        ask(&["XADD", &redis.stream, "*", "event", "1"]);
        assert_eq!(ask(&["XLEN", &redis.stream]), "1");
        if !redis.password.is_empty() {
            assert!(server.ask("wrong", 0, &["PING"]).contains("WRONGPASS"));
        }
    }
}

/// A bundle with its own database, set up as the PostgreSQL pod does it: one user, one database, one password.
fn own(arguments: &[&str], tables: &'static str) {
    let manifests = render(arguments);
    let pod = Pod::of(&manifests, manifests.only("StatefulSet", "postgresql"));
    let container = pod.container("postgresql").unwrap();
    let given = |name: &str| container.variable(name).unwrap().to_owned();
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let database = Database::anew(&given("POSTGRES_DB"), &given("POSTGRES_USER"), &given("POSTGRES_PASSWORD"));
    Case { database, manifests, owner: None, tables }.works();
}

macro_rules! bundles {
    ($($name:ident: $profile:literal, $env:literal, $tables:expr;)*) => {
        $(#[test]
        fn $name() {
            own(&[$profile, "--env", $env], $tables);
        })*
    };
}

bundles! {
    gateway_e2e: "gateway", "e2e", AUDIT;
    gateway_ci: "gateway", "ci", AUDIT;
    aianalysis_e2e: "aianalysis", "e2e", ALL;
    aianalysis_ci: "aianalysis", "ci", ALL;
    notification_e2e: "notification", "e2e", AUDIT;
    notification_ci: "notification", "ci", AUDIT;
    signalprocessing_e2e: "signalprocessing", "e2e", AUDIT;
    signalprocessing_ci: "signalprocessing", "ci", AUDIT;
    workflowexecution_e2e: "workflowexecution", "e2e", AUDIT;
    workflowexecution_ci: "workflowexecution", "ci", AUDIT;
    remediationorchestrator_e2e: "remediationorchestrator", "e2e", AUDIT;
    remediationorchestrator_ci: "remediationorchestrator", "ci", AUDIT;
    datastorage_e2e: "datastorage", "e2e", ALL;
    datastorage_ci: "datastorage", "ci", ALL;
}

#[test]
fn special_characters_in_passwords_and_reserved_names() {
    let password = r##"it's"odd"$HOME$(PGUSER)`id`%41:x$${{x}}#"#é:-'y'=&<>?*~|;,!"##;
    let redis = r#"r'"$(X)\ $$ é #: yes"#;
    own(
        &[
            "gateway",
            "--set",
            &format!("database.password={password}"),
            "--set",
            &format!("redis.password={}", redis.replace('\\', "\\\\")),
            "--set",
            "database.user=select",
            "--set",
            "database.name=yes",
        ],
        AUDIT,
    );
}

/// A project whose gateway profile takes its SQL from a folder with these files.
fn project(files: &[(&str, &str)], tables: &str) -> tempfile::TempDir {
    project_with(files, &format!("{{folder: sql, tables: {{{tables}}}}}"))
}

/// The same with these `migrations` in the profile.
pub(super) fn project_with(files: &[(&str, &str)], migrations: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = Command::new("cp")
        .args(["-r", "plimsoll.toml", "profiles", "templates", "services"])
        .arg(folder.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(copy.unwrap().success());
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::fs::create_dir(folder.path().join("profiles/sql")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join("profiles/sql").join(name), text).unwrap();
    }
    let profile = folder.path().join("profiles/gateway.yaml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, format!("{text}\nmigrations: {migrations}\n")).unwrap();
    folder
}

const GOOSE: [(&str, &str); 4] = [
    (
        "00010_parts.sql",
        "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION touch() RETURNS trigger AS $$\nBEGIN\n  NEW.event_date := (NEW.event_timestamp AT TIME ZONE 'UTC')::date;\n  RETURN NEW;\nEND;\n$$ LANGUAGE plpgsql;\n-- +goose StatementEnd\nCREATE TRIGGER touch BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION touch();\n-- +goose Down\nDROP FUNCTION touch CASCADE;\n",
    ),
    (
        "2_audit_events.sql",
        "-- +goose Up\nCREATE TABLE audit_events (event_id uuid DEFAULT gen_random_uuid(), event_timestamp timestamptz NOT NULL DEFAULT now(),\n  event_date date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date, event_type text, event_category text, event_action text,\n  event_outcome text, correlation_id text, PRIMARY KEY (event_id, event_date)) PARTITION BY RANGE (event_date);\nCREATE TABLE teams_own (x int);\n-- +goose Down\nDROP TABLE audit_events;\n",
    ),
    (
        "9_index.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY IF NOT EXISTS own ON teams_own (x);\n-- +goose Down\nDROP INDEX own;\n",
    ),
    ("00001_first.sql", "-- +goose Up\nSELECT ':HOST';\n"),
];

#[test]
fn a_goose_folder_of_a_team() {
    let project = project(&GOOSE, "audit_events: true");
    own(&["gateway", "--project", project.path().to_str().unwrap()], "audit_events teams_own");
}

#[test]
fn a_folder_that_exceeds_one_config_map() {
    let big: Vec<(String, String)> = (20..23)
        .map(|n| {
            (
                format!("{n}_big.sql"),
                format!("-- +goose Up\nINSERT INTO teams_own SELECT length('{}');\n", "x".repeat(150_000)),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> =
        GOOSE.into_iter().chain(big.iter().map(|(name, text)| (name.as_str(), text.as_str()))).collect();
    let project = project(&files, "audit_events: true");
    let arguments = ["gateway", "--project", project.path().to_str().unwrap()];
    let maps = render(&arguments);
    let maps = maps.objects.iter().filter(|object| object["kind"] == "ConfigMap");
    assert!(
        maps.filter(|map| map["metadata"]["name"].as_str().unwrap().starts_with("datastorage-migrations")).count() > 1
    );
    own(&arguments, "audit_events teams_own");
}

#[test]
fn rejects_folders_that_would_not_run_as_in_goose() {
    let body = "-- +goose Up\nCREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1;\nEND;\n$$ LANGUAGE plpgsql;\n";
    let table = "-- +goose Up\nCREATE TABLE audit_events (x int);\n";
    for (files, tables, rule, place) in [
        (vec![("1_a.sql", table), ("00001_b.sql", table)], "", "migration-duplicate-version", "_"),
        (vec![("1_a.sql", table), ("2_f.sql", body)], "", "migration-statement-markers", "2_f.sql:2:36"),
        (
            vec![("1_a.sql", table), ("2_i.sql", "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON audit_events (x);\n")],
            "",
            "migration-needs-no-transaction",
            "2_i.sql:2:1",
        ),
        (
            vec![("1_a.sql", "-- +goose Up\nCREATE TABLE audit_events (x int);\n\\i other.sql\n")],
            "",
            "migration-psql-command",
            "1_a.sql:3:1",
        ),
        (vec![("1_a.sql", table)], ", remediation_workflow_catalog: true", "migration-table-missing", ""),
        (vec![("1_a.sql", "-- +goose Up\nCREATE TABLE audit_events (x int)\n")], "", "migration-form", "1_a.sql:2:1"),
    ] {
        let project = project(&files, &format!("audit_events: true{tables}"));
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["render", "gateway", "--project", project.path().to_str().unwrap()])
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{rule}: {messages}");
        assert!(
            messages.contains(&format!("error[{rule}]")) && messages.contains(place),
            "{rule} at {place}:\n{messages}"
        );
    }
}

/// Runs the same checks on bundles with one fault each, which the simulated cluster must detect.
#[test]
fn faulty_bundles_are_detected() {
    let broken = |change: fn(&mut Vec<serde_json::Value>)| {
        let mut manifests = render(&["gateway"]);
        change(&mut manifests.objects);
        let pod = Pod::of(&manifests, manifests.only("Deployment", "datastorage"));
        let job = Pod::of(&manifests, manifests.only("Job", "datastorage-migrate")).container("migrate").map(drop);
        job.and(pod.container("datastorage").and_then(|container| config::read(&container)).map(|settings| {
            manifests.resolve(namespace(&manifests), &settings.database.host, settings.database.port).map(drop)
        }))
        .and_then(|resolved| resolved)
    };
    fn find<'a>(objects: &'a mut [serde_json::Value], kind: &str, name: &str) -> &'a mut serde_json::Value {
        objects.iter_mut().find(|object| object["kind"] == kind && object["metadata"]["name"] == name).unwrap()
    }
    assert_eq!(broken(|_| {}), Ok(()));
    let seen = |change, words: &str| {
        let error = broken(change).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    seen(|all| *find(all, "Secret", "datastorage-db") = serde_json::Value::Null, "Secret `datastorage-db` not found");
    seen(
        |all| {
            drop(
                find(all, "Secret", "datastorage-secret")["data"].as_object_mut().unwrap().remove("redis-secrets.yaml"),
            )
        },
        "has no key `redis-secrets.yaml`",
    );
    seen(
        |all| {
            find(all, "Secret", "datastorage-secret")["stringData"] =
                serde_json::json!({"db-secrets.yaml": "username: u\npassword: 123\n"})
        },
        "no string `password`",
    );
    seen(|all| find(all, "Service", "postgresql")["metadata"]["name"] = "postgres".into(), "no Service `postgresql`");
    seen(|all| find(all, "Service", "postgresql")["spec"]["selector"]["app"] = "pg".into(), "selects no pod");
    for (from, to, words) in [
        ("passwordKey", "password_key", "is never read"),
        ("port: 8080", "port: \"8080\"", "`port` must be a number"),
        ("read_timeout: 30s", "read_timeout: 30", "no Go duration"),
    ] {
        let mut manifests = render(&["gateway"]);
        let text = &mut find(&mut manifests.objects, "ConfigMap", "datastorage-config")["data"]["config.yaml"];
        let edited = text.as_str().unwrap().replacen(from, to, 1);
        assert_ne!(*text, *edited);
        *text = edited.into();
        let pod = Pod::of(&manifests, manifests.only("Deployment", "datastorage"));
        let error = config::read(&pod.container("datastorage").unwrap()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
#[test]
fn production_with_a_separate_role_for_the_service() {
    let rendered = "datastorage --env production --values examples/production/values.yaml";
    let mut manifests = render(&rendered.split(' ').collect::<Vec<_>>());
    let config = manifests.data("ConfigMap", "datastorage-config").unwrap();
    let config: serde_json::Value = serde_saphyr::from_slice(&config["config.yaml"]).unwrap();
    let name = config["database"]["name"].as_str().unwrap();
    assert!(
        manifests.find("Secret", "datastorage-owner").is_none()
            && manifests.find("StatefulSet", "postgresql").is_none()
    );

    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let owner = Database::anew(name, "schema_owner", "owner's \"password\"");
    let service =
        Database { name: name.to_owned(), user: "datastorage".to_owned(), password: "service's $password".to_owned() };
    owner.as_admin(&format!("CREATE ROLE datastorage LOGIN PASSWORD {}", super::servers::literal(&service.password)));
    // The objects that the values file expects to exist.
    let secret = |name: &str, data: serde_json::Value| serde_json::json!({"kind": "Secret", "metadata": {"name": name}, "stringData": data});
    manifests
        .objects
        .push(secret("datastorage-owner", serde_json::json!({"username": owner.user, "password": owner.password})));
    manifests.objects.push(secret(
        "datastorage-runtime",
        serde_json::json!({
            "username": service.user,
            "password": service.password,
            "db-secrets.yaml": serde_json::json!({"username": service.user, "password": service.password}).to_string(),
            "redis-secrets.yaml": r#"{"password": "queue"}"#,
        }),
    ));
    Case { manifests, database: service, owner: Some(owner), tables: ALL }.works();
}
