//! What `diff` tells of databases that were set up before: names they keep, and migrations they have applied.

use std::fs;

use super::{Repository, in_order};

/// The gateway with its SQL from a folder of these files, on `main`.
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

/// What `diff` says of schemas and databases: nothing where the list is empty.
fn tells(repository: &Repository, wanted: &[&str]) {
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(&text, wanted);
    if wanted.is_empty() {
        for words in ["the migration Job will fail", "has been applied", "has no effect"] {
            assert!(!text.contains(words), "{text}");
        }
    }
}

#[test]
fn another_name_for_the_database_of_the_bundle() {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "cluster:", "database: {name: other}\ncluster:");
    let told = [
        "~ StatefulSet/postgresql",
        "`POSTGRES_DB` has no effect: it is read only when the volume is empty [change-restarts]",
        "create the database on the running server first",
    ];
    tells(&repository, &told);
    let (json, _) = repository.diff(&["--base", "HEAD", "--output", "json"]);
    assert!(json.contains("`POSTGRES_DB` has no effect"), "{json}");

    // Elsewhere it is no business of the bundle's, and a volume that ends with its pod is empty again.
    let repository = Repository::new();
    repository.edit(
        "templates/postgresql/postgresql.yaml",
        "      volumes:\n        - name: run\n",
        "      volumes:\n        - name: data\n          emptyDir: {}\n        - name: run\n",
    );
    let template = repository.project().join("templates/postgresql/postgresql.yaml");
    let text = fs::read_to_string(&template).unwrap();
    let (before, after) = text.split_once("  # With all that the API server adds").unwrap();
    assert!(after.contains("phase: Pending"));
    fs::write(&template, before).unwrap();
    repository.commit("Keep nothing");
    repository.edit("profiles/gateway.yaml", "cluster:", "database: {name: other}\ncluster:");
    tells(&repository, &[]);
}

#[test]
fn other_content_of_an_applied_migration() {
    let repository = Repository::new();
    let migration = repository.project().join("templates/migrations/0001_audit_events.sql");
    let text = fs::read_to_string(&migration).unwrap();
    fs::write(&migration, text + "-- more\n").unwrap();
    let told = [
        "~ ConfigMap/datastorage-migrations",
        "the migration Job will fail: `0001_audit_events.sql` has been applied with other content [change-restarts]",
        "restore the file, and put the change into a new migration",
    ];
    tells(&repository, &told);

    // A goose file is known by its version.
    let repository = with_sql(&[("1_events.sql", EVENTS)]);
    fs::remove_file(repository.project().join("profiles/sql/1_events.sql")).unwrap();
    write(&repository, "0001_all_events.sql", EVENTS);
    tells(&repository, &[]);
    write(&repository, "0001_all_events.sql", &format!("{EVENTS}CREATE TABLE more (x int);\n"));
    tells(&repository, &["`0001_all_events.sql` has been applied with other content"]);
}

#[test]
fn a_migration_older_than_those_applied() {
    let repository = with_sql(&[("2_events.sql", EVENTS), ("10_later.sql", LATER)]);
    write(&repository, "9_between.sql", "-- +goose Up\nCREATE TABLE between_them (x int);\n");
    let told = [
        "~ ConfigMap/datastorage-migrations",
        "the migration Job will fail: `9_between.sql` is older than `10_later.sql`, which has been applied",
        "give it a version above 10",
    ];
    tells(&repository, &told);

    fs::rename(
        repository.project().join("profiles/sql/9_between.sql"),
        repository.project().join("profiles/sql/11_between.sql"),
    )
    .unwrap();
    tells(&repository, &[]);
}

#[test]
fn a_new_file_and_one_that_moves_to_another_config_map() {
    let big = format!("-- +goose Up\nINSERT INTO later VALUES (length('{}'));\n", "x".repeat(150_000));
    let repository = with_sql(&[("1_events.sql", EVENTS), ("2_later.sql", LATER), ("3_big.sql", &big)]);
    write(&repository, "4_big.sql", &big);
    write(&repository, "5_big.sql", &big);
    tells(&repository, &[]);
    write(&repository, "2_later.sql", &format!("{LATER}-- no more\n"));
    tells(&repository, &["`2_later.sql` has been applied with other content"]);
}
