//! Tests of the script of the init container that waits for the schema.

use std::time::Duration;

use super::servers::{Database, Gate};
use super::shell::Volume;

const TABLES: [&str; 2] = ["audit_events", "remediation_workflow_catalog"];

#[test]
fn gives_up_in_time_while_the_schema_is_missing_or_older() {
    let database = Database::new();
    let volume = Volume::own(&database, &TABLES).with("SCHEMA_WAIT_SECONDS", "1");
    let run = volume.run("wait-for-schema.sh").failed();
    assert!(run.last_line().ends_with("within 1 s: the migrations have not started"), "{}", run.log);
    assert!(run.took < Duration::from_secs(4));

    Volume::own(&database, &TABLES[..1]).migrate().fine();
    let run = volume.run("wait-for-schema.sh").failed();
    assert!(run.last_line().contains("0002_remediation_workflow_catalog.sql is not applied"), "{}", run.log);
}

#[test]
fn passes_as_soon_as_the_migrations_are_applied() {
    let database = Database::new();
    let gate = Gate::closed();
    let volume = Volume::own(&database, &TABLES);
    let waiting = Volume::own(&database, &TABLES).with("PGPORT", &gate.port.to_string());
    let running = waiting.start("wait-for-schema.sh");
    gate.open_after(Duration::from_millis(200));
    std::thread::sleep(Duration::from_millis(600));
    volume.migrate().fine();
    running
        .finish()
        .fine()
        .says("waiting for PostgreSQL")
        .says("the migrations have not started")
        .says("done: the schema is ready");
    assert!(waiting.is_clean());
}

#[test]
fn does_not_pass_a_schema_of_a_different_file() {
    let database = Database::new();
    Volume::new(&database, &[("1_t.sql", "CREATE TABLE t (x int);\n")]).migrate().fine();
    let volume = Volume::new(&database, &[("1_t.sql", "CREATE TABLE t (x text);\n")]).with("SCHEMA_WAIT_SECONDS", "0");
    volume.run("wait-for-schema.sh").failed().says("1_t.sql was applied with different contents");
}

#[test]
fn does_not_pass_while_a_table_or_its_partitions_are_missing() {
    let database = Database::new();
    let volume = Volume::own(&database, &TABLES).with("SCHEMA_WAIT_SECONDS", "0");
    volume.migrate().fine();
    database.query("DROP TABLE remediation_workflow_catalog");
    volume.run("wait-for-schema.sh").failed().says("table remediation_workflow_catalog does not exist");
    let month = database.query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')");
    database.query(&format!("DROP TABLE audit_events_{month}"));
    volume.run("wait-for-schema.sh").failed().says("table audit_events has no partition for today");
}
