//! Databases that goose has migrated, and folders of goose migrations.

use super::servers::Database;
use super::shell::Volume;

/// Creates goose's table with the rows that goose writes: one for its initialization, then one per migration up or
/// down.
fn goose_table(database: &Database, steps: &[(i64, bool)]) {
    database.query(
        "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL,
         tstamp timestamp NULL DEFAULT now()); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true)",
    );
    for (version, applied) in steps {
        database.query(&format!("INSERT INTO goose_db_version (version_id, is_applied) VALUES ({version}, {applied})"));
    }
}

fn table(name: &str) -> String {
    format!("-- +goose Up\nCREATE TABLE {name} (x int);\n-- +goose Down\nDROP TABLE {name};\n")
}

#[test]
fn adopts_migrations_that_goose_has_applied() {
    let database = Database::new();
    database.query("CREATE TABLE a (x int); CREATE TABLE b (x int)");
    goose_table(&database, &[(1, true), (2, true), (3, true), (3, false)]);
    let (a, b, c) = (table("a"), table("b"), table("c"));
    let volume = Volume::new(&database, &[("00001_a.sql", &a), ("00002_b.sql", &b), ("00003_c.sql", &c)]);
    volume.migrate().fine().says("00001_a.sql is already applied").says("00003_c.sql applied");
    assert_eq!(database.ledger(), "00001_a.sql adopted, 00002_b.sql adopted, 00003_c.sql applied");
    assert_eq!(database.tables(), "a b c");
    let before = database.fingerprint();
    volume.migrate().fine();
    volume.run("wait-for-schema.sh").fine();
    assert_eq!(database.fingerprint(), before);
}

#[test]
fn adopts_versions_of_goose_that_only_a_later_bundle_has() {
    let database = Database::new();
    database.query("CREATE TABLE a (x int); CREATE TABLE b (x int)");
    goose_table(&database, &[(1, true), (2, true)]);
    let (a, b) = (table("a"), table("b"));
    Volume::new(&database, &[("1_a.sql", &a)]).migrate().fine();
    assert_eq!(database.ledger(), "1_a.sql adopted, goose 2 adopted");
    Volume::new(&database, &[("1_a.sql", &a), ("2_b.sql", &b)]).migrate().fine();
    assert_eq!(database.ledger(), "1_a.sql adopted, 2_b.sql adopted");
}

#[test]
fn rejects_a_version_older_than_applied_ones_as_goose_does() {
    let database = Database::new();
    let (a, b, c) = (table("a"), table("b"), table("c"));
    Volume::new(&database, &[("1_a.sql", &a), ("3_c.sql", &c)]).migrate().fine();
    let before = database.fingerprint();
    let volume = Volume::new(&database, &[("1_a.sql", &a), ("2_b.sql", &b), ("3_c.sql", &c)]);
    volume.migrate().failed().says("2_b.sql is older than applied migrations");
    assert_eq!(database.fingerprint(), before);

    let database = Database::new();
    goose_table(&database, &[(1, true), (3, true)]);
    let volume = Volume::new(&database, &[("1_a.sql", &a), ("2_b.sql", &b)]);
    volume.migrate().failed().says("2_b.sql is older than applied migrations");
    assert_eq!(database.query("SELECT to_regclass('plimsoll_migrations') IS NULL"), "t");
}

#[test]
fn identifies_a_renamed_file_by_its_version() {
    let database = Database::new();
    let a = table("a");
    Volume::new(&database, &[("1_a.sql", &a)]).migrate().fine();
    let renamed = Volume::new(&database, &[("00001_table_a.sql", &a)]);
    renamed.migrate().fine().says("00001_table_a.sql is already applied");
    renamed.run("wait-for-schema.sh").fine();
}

#[test]
fn ignores_goose_versions_for_plain_files() {
    let database = Database::new();
    goose_table(&database, &[(1, true), (2, true)]);
    let volume = Volume::own(&database, &["audit_events"]);
    volume.migrate().fine().says("0001_audit_events.sql applied");
    volume.run("wait-for-schema.sh").fine();
}

#[test]
fn runs_a_goose_folder_as_goose_does() {
    let database = Database::new();
    let files = [
        ("10_last.sql", "-- +goose Up\nINSERT INTO log VALUES ('last', twice(4));\n-- +goose Down\nDELETE FROM log;\n"),
        (
            "00002_body.sql",
            "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION twice(x int) RETURNS int AS $$\nBEGIN\n  RETURN 2 * x;\nEND;\n$$ LANGUAGE plpgsql\n-- +goose StatementEnd\nINSERT INTO log VALUES ('body; -- text', twice(1));\n-- +goose Down\nDROP FUNCTION twice;\n",
        ),
        (
            "9_index.sql",
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY IF NOT EXISTS log_name ON log (name);\nINSERT INTO log VALUES ('index', twice(3));\n-- +goose Down\nDROP INDEX log_name;\n",
        ),
        (
            "1_first.sql",
            "-- why\n-- +goose Up\r\nCREATE TABLE log (name text, n int, at serial);\r\n-- +goose Down\r\nDROP TABLE log;\r\n",
        ),
    ];
    let volume = Volume::new(&database, &files).with("MIGRATIONS_TABLES", "log");
    volume.migrate().fine();
    assert_eq!(
        database.query("SELECT string_agg(name || ' ' || n, ', ' ORDER BY at) FROM log"),
        "body; -- text 2, index 6, last 8"
    );
    assert_eq!(database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'log_name'::regclass"), "t");
    volume.run("wait-for-schema.sh").fine();
}

#[test]
fn does_not_expand_psql_variables_in_sql() {
    let database = Database::new();
    let sql = "CREATE TABLE r (x text);\nINSERT INTO r SELECT a[PORT:PORT]::text FROM (SELECT ARRAY['a','b'] AS a, 1 AS PORT) AS s;\nINSERT INTO r VALUES (':USER'), ($$:HOST$$);\n";
    let volume = Volume::new(&database, &[("1_r.sql", sql)]);
    volume.migrate().fine();
    assert_eq!(database.query("SELECT string_agg(x, ' ') FROM r"), "{a} :USER :HOST");
}
