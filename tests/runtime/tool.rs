//! A team's own migration tool in the bundle's Job, and its check before the service starts.
//!
//! The tool is a script that does what the documentation of goose and dbmate describes for these commands. To run the
//! same tests with the real tools: `GOOSE=/path/to/goose DBMATE=/path/to/dbmate ./test runtime::tool`.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::bundle::{SERVER, connected, project_with, render};
use super::manifests::Manifests;
use super::pod::{Container, Pod};
use super::servers::{Database, POSTGRES};
use super::shell::Run;
use super::{config, migrate};

/// Implements `up` and `status --exit-code` for SQL files in the order of their versions. Each Up section runs in a
/// transaction with the row that records it. The environment variable STYLE is `goose` or `dbmate`.
const STAND_IN: &str = r#"#!/bin/sh
set -eu
case $STYLE in
goose)
    folder=$2 action=$3 up='-- +goose Up' down='-- +goose Down' table=goose_db_version
    create='CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now()); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true)'
    record='INSERT INTO goose_db_version (version_id, is_applied) VALUES (VERSION, true)'
    applied="SELECT version_id FROM goose_db_version"
    ;;
dbmate)
    folder=$DBMATE_MIGRATIONS_DIR action=$1 up='-- migrate:up' down='-- migrate:down' table=schema_migrations
    create='CREATE TABLE schema_migrations (version varchar PRIMARY KEY)'
    record="INSERT INTO schema_migrations VALUES ('VERSION')"
    applied="SELECT version FROM schema_migrations"
    ;;
esac
sql="psql -XqAtw -v ON_ERROR_STOP=1"
# A recursive reader would find each file twice in a ConfigMap's volume.
[ "$(find "$folder" -name '*.sql' | wc -l)" = "$(find "$folder" -maxdepth 1 -type f -name '*.sql' | wc -l)" ]
[ -n "$($sql -c "SELECT to_regclass('$table')")" ] || $sql -c "$create"
done=$($sql -c "$applied")
for file in $(cd "$folder" && ls | grep '[.]sql$' | sort -n); do
    version=$(echo "${file%%_*}" | sed 's/^0*//')
    ! echo "$done" | grep -qx "0*$version" || continue
    [ "$action" != status ] || { echo "$file is pending"; exit 1; }
    {
        echo 'BEGIN;'
        sed -n "/^$up/,/^$down/p" "$folder/$file"
        echo "$record;" | sed "s/VERSION/${file%%_*}/"
        echo 'COMMIT;'
    } | $sql
done
"#;

/// The command line and file format of a tool.
struct Tool {
    style: &'static str,
    /// The environment variable with the path of the real program.
    variable: &'static str,
    arguments: &'static [&'static str],
    check: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    up: &'static str,
    down: &'static str,
    /// The table of applied migrations, if it is neither the bundle's ledger nor goose's table.
    own_table: &'static str,
}

const GOOSE: Tool = Tool {
    style: "goose",
    variable: "GOOSE",
    arguments: &["-dir", "/migrations", "up"],
    check: &[],
    env: &[("GOOSE_DRIVER", "postgres"), ("GOOSE_DBSTRING", "sslmode=$(PGSSLMODE)")],
    up: "-- +goose Up\n",
    down: "-- +goose Down\n",
    own_table: "",
};

const DBMATE: Tool = Tool {
    style: "dbmate",
    variable: "DBMATE",
    arguments: &["migrate"],
    check: &["status", "--exit-code"],
    env: &[
        ("DATABASE_URL", "postgres://$(PGUSER):$(PGPASSWORD)@$(PGHOST):$(PGPORT)/$(PGDATABASE)?sslmode=$(PGSSLMODE)"),
        ("DBMATE_MIGRATIONS_DIR", "/migrations"),
        ("DBMATE_NO_DUMP_SCHEMA", "true"),
    ],
    up: "-- migrate:up\n",
    down: "-- migrate:down\n",
    own_table: " schema_migrations",
};

impl Tool {
    /// The bundle with these migrations (file names and Up statements). `program` is the path of the tool.
    fn bundle(&self, program: &str, files: &[(&str, &str)]) -> Manifests {
        let texts: Vec<(&str, String)> = files
            .iter()
            .map(|(name, up)| (*name, format!("{}{up}\n{}DROP TABLE audit_events;\n", self.up, self.down)))
            .collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let command = |arguments: &[&'static str]| -> Vec<String> {
            [program].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
        };
        let mut env: serde_json::Map<_, _> =
            self.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        env.insert("STYLE".to_owned(), self.style.into());
        let mut migrations = serde_json::json!({
            "folder": "sql",
            "image": "registry.example.com/tool:1",
            "command": command(self.arguments),
            "env": env,
        });
        if !self.check.is_empty() {
            migrations["check"] = command(self.check).into();
        }
        let project = project_with(&files, &migrations.to_string());
        render(&["gateway", "--project", project.path().to_str().unwrap()])
    }

    fn works(&self) {
        // Not below `/tmp`, where the container mounts a volume.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let program = folder.path().join("tool");
        match std::env::var_os(self.variable) {
            Some(real) => _ = std::fs::copy(PathBuf::from(real), &program).unwrap(),
            None => std::fs::write(&program, STAND_IN).unwrap(),
        }
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let program = program.to_str().unwrap();
        let events = [
            (
                "1_events.sql",
                "CREATE TABLE audit_events (event_id uuid DEFAULT gen_random_uuid(), event_timestamp timestamptz NOT NULL DEFAULT now(), event_date date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date, event_type text, event_category text, event_action text, event_outcome text, correlation_id text, PRIMARY KEY (event_id, event_date)) PARTITION BY RANGE (event_date);",
            ),
            ("2_own.sql", "CREATE TABLE own (x int);"),
        ];
        let bundle = Bundle(self.bundle(program, &events));
        let binary = Pod::of(&bundle.0, bundle.0.only("Deployment", "datastorage"));
        let settings = config::read(&binary.container("datastorage").unwrap()).unwrap().database;
        let _alone = SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let database = Database::anew(&settings.name, &settings.user, &settings.password);

        let early = bundle.wait("0").failed();
        assert!(early.last_line().contains("table audit_events does not exist"), "{}", early.log);
        bundle.migrate();
        bundle.wait("0").fine();
        let tables = |more: &str| format!("audit_events{more} own{}", self.own_table);
        assert_eq!(database.tables(), tables(""));
        assert_eq!(database.query("SELECT to_regclass('plimsoll_migrations') IS NULL"), "t");
        database.query(migrate::EVENT);
        let count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass";
        assert_eq!(database.query(count), "4", "the bundle makes the partitions");

        // The same bundle again changes nothing; a new file results in a new Job, which the check waits for.
        let before = database.fingerprint();
        bundle.migrate();
        assert_eq!(database.fingerprint(), before);
        let more = [events[0], events[1], ("10_more.sql", "CREATE TABLE more (x int);")];
        let newer = Bundle(self.bundle(program, &more));
        assert_ne!(newer.job()["metadata"]["name"], bundle.job()["metadata"]["name"]);
        if !self.check.is_empty() {
            bundle.check().fine();
            assert_eq!(newer.check().status.code(), Some(1));
        }
        newer.migrate();
        assert_eq!(database.tables(), tables(" more"));
        if !self.check.is_empty() {
            newer.check().fine();
        }
        assert_eq!(database.query("SELECT count(*) FROM audit_events"), "1");
    }
}

/// A bundle whose containers run one after the other, as in the kubelet.
struct Bundle(Manifests);

impl Bundle {
    fn job(&self) -> &serde_json::Value {
        self.0.only("Job", "datastorage-migrate")
    }

    /// Connects a container to the tests' server, also where a variable repeats the address.
    fn run(&self, pod: &Pod<'_>, name: &str) -> Run {
        let container = pod.container(name).unwrap();
        let own = format!("{}:{}", container.variable("PGHOST").unwrap(), container.variable("PGPORT").unwrap());
        let spelt: Vec<(String, String)> = container
            .env
            .iter()
            .filter(|(_, value)| value.contains(&own))
            .map(|(name, value)| (name.clone(), value.replace(&own, &format!("127.0.0.1:{}", POSTGRES.port))))
            .collect();
        let container = connected(&self.0, container).with("PGHOST", "127.0.0.1");
        let with = |container: Container, (name, value): &(String, String)| container.with(name, value);
        spelt.iter().fold(container, with).start().finish()
    }

    fn migrate(&self) {
        let pod = Pod::of(&self.0, self.job());
        for name in ["prepare", "migrate", "finish"] {
            self.run(&pod, name).fine();
        }
    }

    fn wait(&self, seconds: &str) -> Run {
        let pod = Pod::of(&self.0, self.0.only("Deployment", "datastorage"));
        let container = connected(&self.0, pod.container("wait-for-schema").unwrap());
        container.with("SCHEMA_WAIT_SECONDS", seconds).start().finish()
    }

    fn check(&self) -> Run {
        let pod = Pod::of(&self.0, self.0.only("Deployment", "datastorage"));
        self.run(&pod, "prepare-check").fine();
        self.run(&pod, "check-schema")
    }
}

#[test]
fn goose_migrates() {
    GOOSE.works();
}

#[test]
fn dbmate_migrates_and_checks() {
    DBMATE.works();
}

#[test]
fn an_image_with_its_own_files_gets_no_config_map() {
    let project = project_with(
        &[],
        r#"{image: "registry.example.com/tool:1", command: [/migrate, up], check: [/migrate, check]}"#,
    );
    let bundle = render(&["gateway", "--project", project.path().to_str().unwrap()]);
    let names: Vec<&str> = bundle.objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect();
    assert!(!names.iter().any(|name| name.starts_with("datastorage-migrations")), "{names:?}");
    let job = &bundle.only("Job", "datastorage-migrate")["spec"]["template"]["spec"];
    let tool = &job["initContainers"][1];
    assert_eq!(tool["command"], serde_json::json!(["/migrate", "up"]));
    assert_eq!(tool["volumeMounts"].as_array().unwrap().len(), 1);
    let service = &bundle.only("Deployment", "datastorage")["spec"]["template"]["spec"]["initContainers"];
    let names: Vec<&str> = service.as_array().unwrap().iter().filter_map(|each| each["name"].as_str()).collect();
    assert_eq!(names, ["wait-for-schema", "check-schema", "wait-for-redis"]);
}

/// In a mounted ConfigMap, a recursive reader finds each file twice; the copies must be plain files.
#[test]
fn a_tool_finds_plain_files_of_any_format() {
    let files = [
        ("V1__a.sql", "CREATE TABLE audit_events (x int);\n"),
        ("changelog.yaml", "databaseChangeLog: []\n"),
        ("atlas.sum", "h1:x\n"),
    ];
    let project = project_with(&files, "{folder: sql, image: \"flyway/flyway:11\", command: [flyway, migrate]}");
    let bundle = Bundle(render(&["gateway", "--project", project.path().to_str().unwrap()]));
    let pod = Pod::of(&bundle.0, bundle.job());
    let database = Database::new();
    let env = database.env();
    let prepare = connected(&bundle.0, pod.container("prepare").unwrap());
    env.iter().fold(prepare, |container, (name, value)| container.with(name, value)).start().finish().fine();
    let tool = pod.container("migrate").unwrap();
    for (name, text) in files {
        assert_eq!(std::fs::read_to_string(tool.path(&format!("/migrations/{name}"))).unwrap(), text);
    }
    assert_eq!(std::fs::read_dir(tool.path("/migrations")).unwrap().count(), files.len());
}
