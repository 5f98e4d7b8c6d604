//! Tests of partition maintenance: audit events must always have a partition.

use super::servers::{Database, Session, wait_until};
use super::shell::Volume;

/// Inserts an event with a timestamp a number of months from now.
fn event(months: i32) -> String {
    format!(
        "INSERT INTO audit_events (event_timestamp, event_date, event_type, event_category, event_action, event_outcome, correlation_id)
         SELECT at, (at AT TIME ZONE 'UTC')::date, 't', 'c', 'a', 'success', 'c-1'
         FROM (SELECT date_trunc('month', now(), 'UTC') + interval '{months} months' AS at) AS s"
    )
}

/// The partitions of audit_events in order, as months relative to the current one.
fn months(database: &Database) -> String {
    database.query(
        "SELECT string_agg(((extract(year FROM first) - extract(year FROM today)) * 12
             + extract(month FROM first) - extract(month FROM today))::text, ' ' ORDER BY first)
         FROM (SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('([^']+)'$$))[1]::date AS first,
             (now() AT TIME ZONE 'UTC')::date AS today
             FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'audit_events'::regclass) AS p",
    )
}

fn migrated() -> (Database, Volume) {
    let database = Database::new();
    let volume = Volume::own(&database, &["audit_events"]);
    volume.migrate().fine();
    (database, volume)
}

#[test]
fn creates_this_month_and_the_next_three() {
    let (database, _) = migrated();
    assert_eq!(months(&database), "0 1 2 3");
    let names = "SELECT string_agg(to_char(now() AT TIME ZONE 'UTC' - (extract(day FROM now() AT TIME ZONE 'UTC') - 1) * interval '1 day'
        + n * interval '1 month', '\"audit_events_\"YYYY_MM'), ' ' ORDER BY n) FROM generate_series(0, 3) AS n";
    let there = "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits
        WHERE inhparent = 'audit_events'::regclass";
    assert_eq!(database.query(there), database.query(names));
    assert!(database.try_query(&event(4)).unwrap_err().contains("no partition of relation"));
}

#[test]
fn creates_the_following_months_when_this_is_the_last() {
    let (database, volume) = migrated();
    for month in 1..=3 {
        let name = database.query(&format!(
            "SELECT to_char(date_trunc('month', now(), 'UTC') + interval '{month} months', '\"audit_events_\"YYYY_MM')"
        ));
        database.query(&format!("DROP TABLE {name}"));
    }
    assert_eq!(months(&database), "0");
    assert!(database.try_query(&event(1)).is_err());
    volume.run("partitions.sh").fine();
    assert_eq!(months(&database), "0 1 2 3");
    database.query(&event(1));
    // A new partition has the same indexes and trigger as the others.
    assert_eq!(database.query("SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM pg_inherits AS p
        JOIN pg_index AS i ON i.indrelid = p.inhrelid WHERE inhparent = 'audit_events'::regclass GROUP BY inhrelid) AS s"), "1");
    assert_eq!(
        database.query("SELECT count(*) FROM pg_trigger AS t JOIN pg_inherits AS p ON p.inhrelid = t.tgrelid"),
        "4"
    );
    let before = database.fingerprint();
    volume.run("partitions.sh").fine();
    assert_eq!(database.fingerprint(), before);
}

#[test]
fn creates_the_configured_number_of_months() {
    let (database, volume) = migrated();
    volume.with("PARTITION_MONTHS_AHEAD", "15").run("partitions.sh").fine();
    assert_eq!(months(&database), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15");
    database.query(&event(15));
}

#[test]
fn two_concurrent_runs_create_each_month_once() {
    let (database, volume) = migrated();
    let volume = volume.with("PARTITION_MONTHS_AHEAD", "12");
    let running: Vec<_> = (0..4).map(|_| volume.start("partitions.sh")).collect();
    running.into_iter().for_each(|running| drop(running.finish().fine()));
    assert_eq!(months(&database).split(' ').count(), 13);
}

#[test]
fn does_not_replace_partitions_made_by_others() {
    let database = Database::new();
    let volume = Volume::new(&database, &[("1_t.sql", "CREATE TABLE audit_events (at timestamptz NOT NULL, x int) PARTITION BY RANGE (at);\nCREATE TABLE future PARTITION OF audit_events FOR VALUES FROM ('2020-01-01 00:00:00+00') TO (MAXVALUE);\nCREATE TABLE plain (x int);\nCREATE TABLE listed (x int) PARTITION BY LIST (x);\n")]).with("MIGRATIONS_TABLES", "audit_events plain listed");
    volume.migrate().fine();
    assert_eq!(database.query("SELECT count(*) FROM pg_inherits"), "1");

    database.query("ALTER TABLE audit_events DETACH PARTITION future");
    volume.run("partitions.sh").fine();
    assert_eq!(database.query("SELECT count(*) FROM pg_inherits"), "4");
    database.query("SET TimeZone = 'Pacific/Kiritimati'; INSERT INTO audit_events VALUES (now(), 1), (now() + interval '80 days', 2)");
    volume.run("partitions.sh").fine();
    assert_eq!(database.query("SELECT count(*) FROM pg_inherits"), "4");
}

#[test]
fn does_not_move_rows_of_a_default_partition() {
    let database = Database::new();
    let volume = Volume::new(&database, &[("1_t.sql", "CREATE TABLE audit_events (at date NOT NULL) PARTITION BY RANGE (at);\nCREATE TABLE rest PARTITION OF audit_events DEFAULT;\nINSERT INTO audit_events VALUES ((now() AT TIME ZONE 'UTC')::date);\n")]).with("MIGRATIONS_TABLES", "audit_events");
    volume.migrate().fine().says("in audit_events, no partition created");
    assert_eq!(database.query("SELECT count(*) FROM pg_inherits"), "4", "the default one and the next three months");
    volume.run("wait-for-schema.sh").fine();
}

#[test]
fn does_not_block_readers_and_writers() {
    let (database, volume) = migrated();
    // A transaction that has read and written the table stays open while partitions are attached.
    let _writer = Session::open(&database, &format!("BEGIN; {};", super::migrate::EVENT));
    wait_until("the writer", || database.sessions("state = 'idle in transaction'") == 1);
    volume.with("PARTITION_MONTHS_AHEAD", "5").run("partitions.sh").fine();
    assert_eq!(months(&database), "0 1 2 3 4 5");
}
