//! Consequences in `diff` for existing databases: variables for initialization, and applied migrations.

use std::fs;

use super::{Repository, in_order};

/// A repository in which the gateway uses these SQL files, committed on `main`.
fn with_sql(files: &[(&str, &str)]) -> Repository {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "cluster:", "migrations: {folder: sql}\ncluster:");
    for (name, text) in files {
        write(&repository, name, text);
    }
    repository.commit("Take our own SQL");
    repository
}

fn write(repository: &Repository, name: &str, text: &str) {
    let folder = repository.project().join("profiles/sql");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

const EVENTS: &str = "-- +goose Up\nCREATE TABLE audit_events (x int);\n";
const LATER: &str = "-- +goose Up\nCREATE TABLE later (x int);\n";

/// Asserts that `diff` reports messages about databases and migrations; none if the list is empty.
fn assert_reported(repository: &Repository, expected: &[&str]) {
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(&text, expected);
    if expected.is_empty() {
        for words in ["the migration Job will fail", "has been applied", "has no effect"] {
            assert!(!text.contains(words), "{text}");
        }
    }
}

#[test]
fn a_changed_database_name_has_no_effect() {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "cluster:", "database: {name: other}\ncluster:");
    let expected = [
        "~ StatefulSet/postgresql",
        "the new value of `POSTGRES_DB` has no effect: it is only read when the volume is empty [change-restarts]",
        "create the database on the running server first",
    ];
    assert_reported(&repository, &expected);
    let (json, _) = repository.diff(&["--base", "HEAD", "--output", "json"]);
    assert!(json.contains("`POSTGRES_DB` has no effect"), "{json}");

    // Without a persistent volume, the database is initialized again.
    let repository = Repository::new();
    repository.edit(
        "templates/postgresql/postgresql.yaml",
        "      volumes:\n        - name: run\n",
        "      volumes:\n        - name: data\n          emptyDir: {}\n        - name: run\n",
    );
    let template = repository.project().join("templates/postgresql/postgresql.yaml");
    let text = fs::read_to_string(&template).unwrap();
    let (before, after) = text.split_once("  # With all fields that the API server adds").unwrap();
    assert!(after.contains("phase: Pending"));
    fs::write(&template, before).unwrap();
    repository.commit("Keep nothing");
    repository.edit("profiles/gateway.yaml", "cluster:", "database: {name: other}\ncluster:");
    assert_reported(&repository, &[]);
}

#[test]
fn changed_content_of_an_applied_migration() {
    let repository = Repository::new();
    let migration = repository.project().join("templates/migrations/0001_audit_events.sql");
    let text = fs::read_to_string(&migration).unwrap();
    fs::write(&migration, text + "-- more\n").unwrap();
    let expected = [
        "~ ConfigMap/datastorage-migrations",
        "the migration Job will fail: `0001_audit_events.sql` has been applied with different content [change-restarts]",
        "restore the file, and add the change as a new migration",
    ];
    assert_reported(&repository, &expected);

    // goose files are identified by their version.
    let repository = with_sql(&[("1_events.sql", EVENTS)]);
    fs::remove_file(repository.project().join("profiles/sql/1_events.sql")).unwrap();
    write(&repository, "0001_all_events.sql", EVENTS);
    assert_reported(&repository, &[]);
    write(&repository, "0001_all_events.sql", &format!("{EVENTS}CREATE TABLE more (x int);\n"));
    assert_reported(&repository, &["`0001_all_events.sql` has been applied with different content"]);
}

#[test]
fn a_migration_older_than_an_applied_one() {
    let repository = with_sql(&[("2_events.sql", EVENTS), ("10_later.sql", LATER)]);
    write(&repository, "9_between.sql", "-- +goose Up\nCREATE TABLE between_them (x int);\n");
    let expected = [
        "~ ConfigMap/datastorage-migrations",
        "the migration Job will fail: `9_between.sql` is older than `10_later.sql`, which has been applied",
        "use a version greater than 10",
    ];
    assert_reported(&repository, &expected);

    fs::rename(
        repository.project().join("profiles/sql/9_between.sql"),
        repository.project().join("profiles/sql/11_between.sql"),
    )
    .unwrap();
    assert_reported(&repository, &[]);
}

#[test]
fn an_added_migration_and_one_that_moves_to_another_config_map() {
    let big = format!("-- +goose Up\nINSERT INTO later VALUES (length('{}'));\n", "x".repeat(150_000));
    let repository = with_sql(&[("1_events.sql", EVENTS), ("2_later.sql", LATER), ("3_big.sql", &big)]);
    write(&repository, "4_big.sql", &big);
    write(&repository, "5_big.sql", &big);
    assert_reported(&repository, &[]);
    write(&repository, "2_later.sql", &format!("{LATER}-- no more\n"));
    assert_reported(&repository, &["`2_later.sql` has been applied with different content"]);
}
