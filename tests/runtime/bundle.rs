//! Every rendered bundle, from its text to a written and read audit event.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::manifests::Manifests;
use super::pod::{Container, Pod};
use super::servers::{Database, POSTGRES, RedisServer, program};
use super::{config, migrate};

/// What the bundles of the consumers must have made: facts, not what the profiles say.
const AUDIT: &str = "audit_events";
const ALL: &str = "audit_events remediation_workflow_catalog";

/// All bundles name their database and user alike, and the server has one of each name.
static SERVER: Mutex<()> = Mutex::new(());

/// What `plimsoll render` prints for these arguments.
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

/// Leads a container's connection to the server of the tests, if what it names leads to the bundle's own.
fn connected(manifests: &Manifests, container: Container) -> Container {
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

/// One bundle at work.
struct Case {
    manifests: Manifests,
    database: Database,
    /// The owner of the tables, where the service uses another role.
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

    /// The whole life of a bundle: waiting, migrating, serving, upkeep.
    fn works(&self) {
        let service = self.workload("Deployment", "datastorage");
        let waiting = || connected(&self.manifests, service.container("wait-for-schema").unwrap());
        let early = waiting().with("SCHEMA_WAIT_SECONDS", "0").start().finish().failed();
        assert!(early.last_line().contains("the migrations have not begun"), "{}", early.log);

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
        self.serves(&settings);
        self.writes(&settings);
        self.keeps_partitions();
        self.queues(&settings);
    }

    /// The port of the config is the one that the Service leads to and the probes ask.
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

    /// An audit event goes in and comes out again, with exactly the settings that the binary reads.
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
            query(
                "INSERT INTO remediation_workflow_catalog (workflow_id, version, name, content, content_hash) VALUES ('w', '1', 'n', 'c', 'h')",
            );
            assert_eq!(query("SELECT status FROM remediation_workflow_catalog"), "active");
        }
    }

    /// The CronJob makes the months that are missing after this one.
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

    /// The queue takes a message with the settings that the binary reads; so does the bundle's own Redis.
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

/// A bundle with its own database, made as the PostgreSQL pod makes it: one user, one database, one password.
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
fn any_password_and_any_names() {
    let password = r#"it's "odd" $HOME $(PGUSER) `id` \n \\ %41 :x $$ {{ x }} # é: - 'y'"#;
    let redis = r#"r'"$(X)\ $$ é #: yes"#;
    own(
        &[
            "gateway",
            "--set",
            &format!("database.password={}", password.replace('\\', "\\\\")),
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
