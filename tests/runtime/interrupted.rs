//! Runs that are killed or stopped before they finish, and the runs after them.

use std::time::Duration;

use super::servers::{Database, Session, wait_until};
use super::shell::Volume;

const TABLE: (&str, &str) = ("1_t.sql", "-- +goose Up\nCREATE TABLE t (x int);\nINSERT INTO t VALUES (1);\n");

fn at_work(database: &Database, query: &str) {
    wait_until("the migration", || database.sessions(&format!("state = 'active' AND query LIKE '{query}%'")) == 1);
}

/// Terminates the server's sessions of a killed run, which the server would otherwise detect within ten seconds.
fn end_sessions(database: &Database) {
    database.as_admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'plimsoll-%'",
    );
    wait_until("the sessions to end", || database.sessions("application_name LIKE 'plimsoll-%'") == 0);
}

#[test]
fn completes_after_a_kill_within_a_transaction() {
    let database = Database::new();
    let slow = "-- +goose Up\nCREATE TABLE half (x int);\nSELECT pg_sleep(60);\n";
    let volume = Volume::new(&database, &[TABLE, ("2_half.sql", slow)]);
    let running = volume.start("migrate.sh");
    at_work(&database, "SELECT pg_sleep");
    running.signal("-KILL", true);
    assert!(!running.finish().status.success());
    end_sessions(&database);
    assert_eq!((database.tables().as_str(), database.ledger().as_str()), ("t", "1_t.sql applied"));
    volume.write("2_half.sql", "CREATE TABLE half (x int);\n");
    volume.migrate().fine();
    assert_eq!(database.tables(), "half t");
}

#[test]
fn blocks_the_next_run_until_the_server_has_ended_the_killed_one() {
    let database = Database::new();
    let slow = "-- +goose Up\nCREATE TABLE half (x int);\nSELECT pg_sleep(2);\n";
    let volume = Volume::new(&database, &[TABLE, ("2_half.sql", slow)]);
    let running = volume.start("migrate.sh");
    at_work(&database, "SELECT pg_sleep");
    running.signal("-KILL", true);
    running.finish();
    volume.migrate().fine().says("waiting for another run to finish").says("2_half.sql applied");
    assert_eq!(database.ledger(), "1_t.sql applied, 2_half.sql applied");
}

#[test]
fn rolls_back_immediately_when_it_is_stopped() {
    let database = Database::new();
    let slow = "-- +goose Up\nCREATE TABLE half (x int);\nSELECT pg_sleep(60);\n";
    let volume = Volume::new(&database, &[TABLE, ("2_half.sql", slow)]);
    let running = volume.start("migrate.sh");
    at_work(&database, "SELECT pg_sleep");
    running.signal("-TERM", false);
    let run = running.finish();
    assert_eq!(run.status.code(), Some(143), "{}", run.log);
    assert!(run.last_line().contains("stopped by a signal while at 2_half.sql"), "{}", run.log);
    assert!(run.took < Duration::from_secs(20));
    wait_until("the rollback", || database.sessions("application_name LIKE 'plimsoll-%'") == 0);
    assert_eq!(database.tables(), "t");
    assert!(volume.is_clean());
}

#[test]
fn stops_while_it_waits() {
    let database = Database::new();
    let volume = Volume::new(&database, &[TABLE]);
    let _holder = Session::open(&database, "SELECT pg_advisory_lock(7236837193624577396);");
    wait_until("the lock", || database.sessions("query LIKE '%pg_advisory_lock%' AND state = 'idle'") == 1);
    let running = volume.start("migrate.sh");
    wait_until("the session", || {
        database.sessions("application_name = 'plimsoll-migrate' AND query LIKE '%try_advisory%'") == 1
    });
    running.signal("-TERM", false);
    let run = running.finish();
    assert_eq!(run.status.code(), Some(143), "{}", run.log);
    assert!(volume.is_clean());
}

/// Kills a run during CREATE INDEX CONCURRENTLY, which leaves an invalid index.
fn kill_while_indexing(statement: &str) -> (Database, Volume) {
    let database = Database::new();
    let file = format!("-- +goose NO TRANSACTION\n-- +goose Up\n{statement}\n");
    let volume = Volume::new(&database, &[TABLE, ("2_i.sql", &file)]);
    Volume::new(&database, &[TABLE]).migrate().fine();
    // An open transaction on the table keeps the index build from finishing.
    let writer = Session::open(&database, "BEGIN; UPDATE t SET x = 2;");
    wait_until("the writer", || database.sessions("state = 'idle in transaction'") == 1);
    let running = volume.start("migrate.sh");
    at_work(&database, "CREATE");
    wait_until("the index", || database.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "1");
    running.signal("-KILL", true);
    running.finish();
    end_sessions(&database);
    drop(writer);
    wait_until("the writer to end", || database.sessions("state = 'idle in transaction'") == 0);
    assert_eq!(database.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "1");
    (database, volume)
}

#[test]
fn completes_after_a_kill_within_a_concurrent_index() {
    for statement in [
        "CREATE INDEX CONCURRENTLY i ON t (x);",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON public.t (x);",
        "CREATE INDEX CONCURRENTLY ON t (x);",
        "CREATE INDEX CONCURRENTLY \"Odd, Name\" ON t (x);",
    ] {
        let (database, volume) = kill_while_indexing(statement);
        assert_eq!(database.ledger(), "1_t.sql applied, 2_i.sql started");
        let volume = volume.with("SCHEMA_WAIT_SECONDS", "0");
        volume.run("wait-for-schema.sh").failed().says("2_i.sql is being applied");
        volume.migrate().fine().says("left unfinished by an earlier run");
        let indexes = "SELECT string_agg(indisvalid::text, ' ') FROM pg_index WHERE indrelid = 't'::regclass";
        assert_eq!(database.query(indexes), "true", "{statement}");
        assert_eq!(database.ledger(), "1_t.sql applied, 2_i.sql applied");
    }
}

#[test]
fn drops_the_invalid_index_that_another_tool_left() {
    let (database, volume) = kill_while_indexing("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x);");
    database.query("DELETE FROM plimsoll_migrations WHERE state = 'started'");
    volume.migrate().fine();
    assert_eq!(database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), "t");
}

#[test]
fn does_not_drop_other_invalid_indexes() {
    let (database, _) = kill_while_indexing("CREATE INDEX CONCURRENTLY other ON t (x);");
    database.query("DELETE FROM plimsoll_migrations WHERE state = 'started'");
    let file = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n";
    let volume = Volume::new(&database, &[TABLE, ("2_i.sql", file)]);
    volume.migrate().fine();
    assert_eq!(database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'other'::regclass"), "f");
}

#[test]
fn retries_what_failed_outside_a_transaction() {
    let database = Database::new();
    let file = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (x);\n";
    let volume = Volume::new(
        &database,
        &[("1_t.sql", "-- +goose Up\nCREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);\n"), ("2_i.sql", file)],
    );
    volume.migrate().failed().says("2_i.sql:3: ERROR:  could not create unique index");
    volume.migrate().failed().says("dropping public.i").says("could not create unique index");
    database.query("DELETE FROM t");
    volume.migrate().fine();
    assert_eq!(database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), "t");
}
