//! Tests of the migration Job's script on a real PostgreSQL server.

use std::net::TcpListener;
use std::time::Duration;

use super::servers::{Database, Gate, ODD_PASSWORD, Session, wait_until};
use super::shell::Volume;

const BOTH: [&str; 2] = ["audit_events", "remediation_workflow_catalog"];

const TABLE: (&str, &str) = ("1_t.sql", "CREATE TABLE t (x int);\n");

#[test]
fn creates_exactly_the_selected_tables_and_changes_nothing_afterwards() {
    for tables in [&BOTH[..1], &BOTH[1..], &BOTH] {
        let database = Database::new();
        let volume = Volume::own(&database, tables);
        let run = volume.migrate().fine();
        assert_eq!(database.tables(), tables.join(" "), "{}", run.log);
        assert!(run.last_line().starts_with("migrate: done: "), "{}", run.log);
        let before = database.fingerprint();
        volume.migrate().fine().says("is already applied");
        assert_eq!(database.fingerprint(), before);
        assert!(volume.is_clean());
    }
}

#[test]
fn applies_new_migrations_of_a_newer_bundle() {
    let database = Database::new();
    Volume::own(&database, &BOTH[..1]).migrate().fine();
    Volume::own(&database, &BOTH).migrate().fine().says("0001_audit_events.sql is already applied");
    assert_eq!(database.tables(), BOTH.join(" "));
}

#[test]
fn accepts_a_ledger_newer_than_the_bundle() {
    let database = Database::new();
    Volume::own(&database, &BOTH).migrate().fine();
    let before = database.fingerprint();
    let older = Volume::own(&database, &BOTH[..1]);
    older.migrate().fine().says("the database has 2 migrations that are not in this bundle");
    older.run("wait-for-schema.sh").fine();
    assert_eq!(database.fingerprint(), before);
}

#[test]
fn accepts_tables_that_already_exist() {
    let database = Database::new();
    let sql =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/migrations/0001_audit_events.sql"));
    database.query(&sql.unwrap());
    database.query("DROP INDEX audit_events_type_idx");
    Volume::own(&database, &BOTH[..1]).migrate().fine();
    assert_eq!(database.query("SELECT to_regclass('audit_events_type_idx') IS NOT NULL"), "t");
}

#[test]
fn runs_one_of_two_while_the_other_waits() {
    let database = Database::new();
    // A session that blocked on the lock instead of polling would hold a snapshot, and the index build would never
    // finish.
    let files = [
        ("1_t.sql", "-- +goose Up\nCREATE TABLE t (x int);\nSELECT pg_sleep(0.7);\n"),
        ("2_i.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n"),
    ];
    let volumes: Vec<Volume> = (0..3).map(|_| Volume::new(&database, &files)).collect();
    let running: Vec<_> = volumes.iter().map(|volume| volume.start("migrate.sh")).collect();
    let runs: Vec<_> = running.into_iter().map(|running| running.finish().fine()).collect();
    let count = |text: &str| runs.iter().filter(|run| run.log.contains(text)).count();
    assert_eq!(count("1_t.sql applied"), 1);
    assert_eq!(count("2_i.sql applied"), 1);
    assert_eq!(count("waiting for another run to finish"), 2);
    assert_eq!(database.ledger(), "1_t.sql applied, 2_i.sql applied");
}

#[test]
fn gives_up_on_a_lock_that_is_never_released() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE]).with("LOCK_WAIT_SECONDS", "1");
    let _holder = Session::open(&database, "SELECT pg_advisory_lock(7236837193624577396);");
    wait_until("the lock", || {
        database.as_admin("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == "1"
    });
    let run = volume.migrate().failed().says("another run held the lock for 1 s");
    assert!(run.took < Duration::from_secs(5));
    assert_eq!(database.tables(), "");
}

#[test]
fn rejects_a_file_that_changed_after_it_was_applied() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE, ("2_u.sql", "CREATE TABLE u (x int);\n")]);
    volume.migrate().fine();
    let before = database.fingerprint();
    let changed = Volume::new(
        &database,
        &[TABLE, ("2_u.sql", "CREATE TABLE u (x text);\n"), ("3_v.sql", "CREATE TABLE v (x int);\n")],
    );
    let run = changed.migrate().failed().says("migrate: 2_u.sql changed after it was applied");
    assert!(run.last_line().ends_with("nothing was changed"), "{}", run.log);
    assert_eq!(database.fingerprint(), before);
}

#[test]
fn rolls_a_failing_file_back_and_names_file_and_line() {
    let database = Database::new();
    let files = [
        TABLE,
        (
            "2_bad.sql",
            "CREATE TABLE half (x int);\nINSERT INTO t\n  VALUES (1);\nINSERT INTO nowhere VALUES (2);\nSELECT 1;\n",
        ),
    ];
    let volume = Volume::new(&database, &files);
    let run = volume
        .migrate()
        .failed()
        .says("1_t.sql applied")
        .says("2_bad.sql:4: ERROR:  relation \"nowhere\" does not exist");
    assert!(run.last_line().contains("while at 2_bad.sql"), "{}", run.log);
    assert_eq!((database.tables().as_str(), database.ledger().as_str()), ("t", "1_t.sql applied"));
    assert_eq!(database.query("SELECT count(*) FROM t"), "0");
    volume.write("2_bad.sql", "CREATE TABLE half (x int);\n");
    volume.migrate().fine();
    assert_eq!(database.tables(), "half t");
    assert!(volume.is_clean());
}

#[test]
fn rejects_a_file_that_ends_the_transaction() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE]);
    volume.write("1_t.sql", "CREATE TABLE t (x int);\nCOMMIT;\nCREATE TABLE u (x int);\n");
    volume.migrate().failed().says("can only be used in transaction blocks");
    assert_eq!(database.query("SELECT count(*) FROM plimsoll_migrations"), "0");
}

#[test]
fn starts_each_file_with_the_settings_of_the_first() {
    let database = Database::new();
    let role = format!("{}_other", database.user);
    database.as_admin(&format!(
        "CREATE ROLE {role}; GRANT {role} TO {}; CREATE SCHEMA elsewhere AUTHORIZATION {}",
        database.user, database.user
    ));
    let first = format!(
        "SELECT pg_catalog.set_config('search_path', 'elsewhere', false);\nCREATE TABLE e (x int);\nSET ROLE {role};\n"
    );
    Volume::new(&database, &[("1_e.sql", first.as_str()), ("2_t.sql", "CREATE TABLE t (x int);\n")]).migrate().fine();
    assert_eq!(database.query("SELECT to_regclass('public.t'), to_regclass('elsewhere.e')"), "t|elsewhere.e");
}

#[test]
fn waits_for_a_database_that_is_not_up_yet() {
    let database = Database::new();
    let gate = Gate::closed();
    let volume = Volume::new(&database, &[TABLE]).with("PGPORT", &gate.port.to_string());
    let running = volume.start("migrate.sh");
    gate.open_after(Duration::from_millis(500));
    let run = running.finish().fine().says("waiting for PostgreSQL at 127.0.0.1:");
    assert_eq!(run.log.matches("waiting for PostgreSQL").count(), 1, "the same words once: {}", run.log);
    assert_eq!(database.tables(), "t");
}

#[test]
fn gives_up_on_a_database_that_never_starts() {
    let database = Database::new();
    let gate = Gate::closed();
    let volume =
        Volume::new(&database, &[TABLE]).with("PGPORT", &gate.port.to_string()).with("DATABASE_WAIT_SECONDS", "1");
    for script in ["migrate.sh", "wait-for-schema.sh", "partitions.sh"] {
        let run = volume.run(script).failed();
        assert!(run.last_line().contains("did not accept connections within 1 s: psql: error: "), "{}", run.log);
        assert!(run.last_line().contains("Connection refused"), "{}", run.log);
        assert!(run.took < Duration::from_secs(4), "{:?}", run.took);
    }
}

#[test]
fn gives_up_on_a_server_that_never_responds() {
    let database = Database::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let volume = Volume::new(&database, &[TABLE])
        .with("PGPORT", &port)
        .with("DATABASE_WAIT_SECONDS", "1")
        .with("PGCONNECT_TIMEOUT", "2");
    let run = volume.migrate().failed().says("timeout expired");
    assert!(run.took < Duration::from_secs(6), "{:?}", run.took);
}

#[test]
fn reports_wrong_credentials_without_showing_them() {
    let database = Database::new();
    let volume =
        Volume::new(&database, &[TABLE]).with("PGPASSWORD", "not-the-pass'word").with("DATABASE_WAIT_SECONDS", "0");
    let run = volume.migrate().failed().says("password authentication failed for user");
    assert!(!run.log.contains("not-the-pass"));
}

#[test]
fn does_not_interpret_special_characters_in_names_and_passwords() {
    let names = [
        ("Odd Name'1", "user \"2\"", ODD_PASSWORD),
        ("dbname=x host=nowhere", "$(touch hacked)", "\\'\"$PATH`~*?!&|<>{}[]()#%= "),
        ("postgres://x/y", "a;b -- c", "${PGUSER}\u{1F511}\\\\"),
    ];
    for (name, user, password) in names {
        let database = Database::named(name, user, password);
        let volume = Volume::own(&database, &BOTH);
        volume.migrate().fine();
        volume.run("wait-for-schema.sh").fine();
        volume.run("partitions.sh").fine();
    }
}

#[test]
fn fails_when_a_selected_table_is_not_created() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE]).with("MIGRATIONS_TABLES", "t audit_events");
    volume.migrate().failed().says("no migration created audit_events");
}

#[test]
fn changes_nothing_when_the_volume_lacks_a_file() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE]);
    for (order, words) in [
        ("transaction - 1_t.sql\ntransaction - 2_u.sql\n", "2_u.sql is missing"),
        ("sometimes - 1_t.sql\n", "unknown mode 'sometimes'"),
        ("transaction - ../1_t.sql\n", "which is not a valid ConfigMap key"),
    ] {
        volume.write("order", order);
        volume.migrate().failed().says(words);
    }
    assert_eq!(database.query("SELECT to_regclass('plimsoll_migrations') IS NULL"), "t");
    assert!(volume.is_clean());
}

#[test]
fn grants_privileges_to_the_runtime_user() {
    let database = Database::new();
    let runtime = format!("{} \"rt\"", database.user);
    database.as_admin(&format!("CREATE ROLE \"{}\" LOGIN PASSWORD 'p'", runtime.replace('"', "\"\"")));
    let volume = Volume::own(&database, &BOTH).with("RUNTIME_USER", &runtime);
    volume.migrate().fine();
    let user = Database { name: database.name.clone(), user: runtime, password: "p".to_owned() };
    user.query(EVENT);
    assert_eq!(user.query("SELECT count(*) FROM audit_events"), "1");
    assert!(user.try_query("DROP TABLE audit_events").is_err());
    Volume::own(&user, &BOTH).run("wait-for-schema.sh").fine();
    let before = database.fingerprint();
    volume.migrate().fine();
    assert_eq!(database.fingerprint(), before);
}

/// Images that are not based on Alpine may have dash, whose `echo` interprets backslash escapes.
#[test]
fn works_in_dash_as_well() {
    let database = Database::new();
    let files = [
        ("1_t.sql", "-- +goose Up\nCREATE TABLE t (x text DEFAULT '\\else');\n"),
        ("2_i.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n"),
    ];
    let volume = Volume::new(&database, &files).with("MIGRATIONS_TABLES", "t");
    volume.start_in("dash", "migrate.sh").finish().fine().says("1_t.sql applied").says("2_i.sql applied");
    volume.start_in("dash", "migrate.sh").finish().fine().says("2_i.sql is already applied");
    for script in ["wait-for-schema.sh", "partitions.sh", "prepare.sh"] {
        volume.start_in("dash", script).finish().fine();
    }
    assert_eq!(database.ledger(), "1_t.sql applied, 2_i.sql applied");
    let failing = Volume::new(&database, &[("3_bad.sql", "-- +goose Up\nSELECT nothing;\n")]);
    failing.start_in("dash", "migrate.sh").finish().failed().says("3_bad.sql:2: ERROR:");
}

/// Inserts an audit event of today.
pub(super) const EVENT: &str =
    "INSERT INTO audit_events (event_type, event_category, event_action, event_outcome, correlation_id)
    VALUES ('signal.received', 'signal', 'receive', 'success', 'c-1')";

#[test]
fn stores_an_event_under_the_date_of_its_timestamp() {
    let database = Database::new();
    Volume::own(&database, &BOTH).migrate().fine();
    database.query(EVENT);
    // The given date differs from the timestamp's. Within the same month, the timestamp's date is used.
    database.query(
        "INSERT INTO audit_events (event_timestamp, event_date, event_type, event_category, event_action, event_outcome, correlation_id)
         SELECT first + interval '3 days', first + interval '9 days', 't', 'c', 'a', 'success', 'c-2'
         FROM date_trunc('month', now(), 'UTC') AS first",
    );
    assert_eq!(
        database
            .query("SELECT count(*) FROM audit_events WHERE event_date = (event_timestamp AT TIME ZONE 'UTC')::date"),
        "2"
    );
}

#[test]
fn runs_hundreds_of_files_quickly() {
    let database = Database::new();
    let files: Vec<(String, String)> =
        (1..=300).map(|n| (format!("{n:05}_t.sql"), format!("-- +goose Up\nCREATE TABLE t{n} (x int);\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let volume = Volume::new(&database, &files);
    volume.migrate().fine();
    assert_eq!(database.query("SELECT count(*) FROM plimsoll_migrations WHERE state = 'applied'"), "300");
    let run = volume.migrate().fine();
    assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
}
