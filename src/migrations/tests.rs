#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn file<'a>(name: &'a str, text: &'a str) -> SqlFile<'a> {
    SqlFile { name, text }
}

/// The problems of a file as `rule: the text at the range`.
fn problems(name: &str, text: &str) -> Vec<String> {
    let (_, problems) = read(&[file(name, text)]);
    problems.iter().map(|p| format!("{}: {}", p.rule, &text[p.range.clone()])).collect()
}

fn one(name: &str, text: &str) -> Migration {
    let (mut migrations, problems) = read(&[file(name, text)]);
    assert_eq!(problems, [], "{text}");
    migrations.remove(0)
}

#[test]
fn line_numbers_are_kept_and_the_down_section_is_removed() {
    let text = "-- why\n\n-- +goose Up\nCREATE TABLE a (x int);\r\n-- +goose Down\nDROP TABLE a;\n";
    let migration = one("00001_a.sql", text);
    assert_eq!(migration.sql, "-- why\n\n-- +goose Up\nCREATE TABLE a (x int);\n");
    assert_eq!((migration.version, migration.transaction), (Some(1), true));
    assert_eq!(migration.tables, ["a"]);
}

#[test]
fn a_marked_statement_without_a_semicolon_gets_one() {
    let text = "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int AS $$\nBEGIN RETURN 1; END;\n$$ LANGUAGE plpgsql -- no end\n-- +goose StatementEnd\nSELECT f();\n";
    assert!(one("1_f.sql", text).sql.contains("plpgsql; -- no end\n"));
}

#[test]
fn goose_files_are_ordered_by_version_and_plain_files_by_number() {
    let up = "-- +goose Up\nSELECT 1;\n";
    let (migrations, problems) = read(&[file("10_c.sql", up), file("9_b.sql", up), file("00002_a.sql", up)]);
    assert_eq!(problems, []);
    assert_eq!(migrations.iter().map(|m| m.version.unwrap()).collect::<Vec<_>>(), [2, 9, 10]);

    let (migrations, problems) =
        read(&[file("10_c.sql", ""), file("2_b.sql", ""), file("1_a.up.sql", ""), file("1_a.down.sql", "x")]);
    assert_eq!(problems, []);
    assert_eq!(migrations.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["1_a.up.sql", "2_b.sql", "10_c.sql"]);
}

#[test]
fn duplicate_versions_are_errors() {
    let up = "-- +goose Up\nSELECT 1;\n";
    let (_, found) = read(&[file("00002_a.sql", up), file("2_b.sql", up)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule, RuleId::MigrationDuplicateVersion);
    assert_eq!(found[0].other.map(|other| other + found[0].file), Some(1));
    let (_, found) = read(&[file("V2__a.sql", ""), file("V2__b.sql", ""), file("V2.1__c.sql", "")]);
    assert_eq!(found.iter().map(|p| p.rule).collect::<Vec<_>>(), [RuleId::MigrationDuplicateVersion]);
}

#[test]
fn files_that_goose_rejects_are_errors() {
    let up = "-- +goose Up\n";
    for (text, expected) in [
        ("SELECT 1;\n-- +goose Up\n", "migration-form: SELECT 1;\n"),
        ("-- +goose Up\n-- +goose Up\n", "migration-form: -- +goose Up"),
        ("-- +goose Up\n-- +goose Upp\n", "migration-form: -- +goose Upp"),
        ("-- +goose Up\n  -- +goose Down\n", "migration-form: -- +goose Down"),
        ("-- +goose Up\n-- +goose StatementEnd\n", "migration-statement-markers: -- +goose StatementEnd"),
        (
            "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n",
            "migration-statement-markers: -- +goose StatementBegin",
        ),
        ("-- +goose Up\n-- +goose ENVSUB ON\n", "migration-form: -- +goose ENVSUB ON"),
        ("-- +goose Up\nSELECT 1;\nSELECT\n  2\n-- +goose Down\n", "migration-form: SELECT"),
        ("-- +goose Up\nSELECT 1; /* why */\n", "migration-form: SELECT 1; /* why */"),
    ] {
        assert_eq!(problems("1_a.sql", text), [expected], "{text}");
    }
    for name in ["a.sql", "0_a.sql", "-1_a.sql", "x_1.sql", "1.sql"] {
        assert_eq!(problems(name, up), [format!("migration-file-name: {}", up.trim())], "{name}");
    }
    let (_, found) = read(&[file("1_a.sql", up), file("2_b.sql", "SELECT 1;\n")]);
    assert_eq!(found.iter().map(|p| (p.file, p.rule)).collect::<Vec<_>>(), [(1, RuleId::MigrationForm)]);
}

#[test]
fn a_function_body_that_goose_would_split_is_an_error() {
    let body = "CREATE FUNCTION f() RETURNS int AS $fn$\nBEGIN\n  RETURN 1;\nEND;\n$fn$ LANGUAGE plpgsql;\n";
    assert_eq!(problems("1_a.sql", &format!("-- +goose Up\n{body}")), ["migration-statement-markers: $f"]);
    assert_eq!(problems("1_a.sql", "-- +goose Up\nSELECT $é$\n;\n$é$;\n"), ["migration-statement-markers: $é"]);
    assert!(problems("1_a.sql", body).is_empty(), "psql runs a plain file as it is");
    one("1_a.sql", &format!("-- +goose Up\n-- +goose StatementBegin\n{body}-- +goose StatementEnd\n"));
    one("1_a.sql", "-- +goose Up\nDO $$ BEGIN PERFORM 1; END $$;\n");
}

#[test]
fn statements_that_cannot_run_in_a_transaction_are_reported() {
    for statement in [
        "CREATE INDEX CONCURRENTLY i ON t (x);",
        "create unique /* c */ index\n concurrently i on t (x);",
        "DROP INDEX CONCURRENTLY i;",
        "REINDEX (VERBOSE) INDEX CONCURRENTLY i;",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY;",
        "VACUUM t;",
        "CREATE DATABASE d;",
        "ALTER SYSTEM SET x = 1;",
    ] {
        let text = format!("SELECT 1;\n{statement}\n");
        assert_eq!(problems("1.sql", &text), [format!("migration-needs-no-transaction: {statement}")]);
        assert!(!one("1_a.sql", &format!("-- +goose NO TRANSACTION\n-- +goose Up\n{statement}\n")).transaction);
        assert!(!one("1_a.sql", &format!("-- plimsoll: no-transaction\n{statement}\n")).transaction);
    }
    one("1.sql", "REFRESH MATERIALIZED VIEW CONCURRENTLY v; SELECT 'CREATE INDEX CONCURRENTLY'; -- VACUUM\n");
    let index = one("1.sql", "-- plimsoll: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS s.My_I ON t (x);\n");
    assert_eq!(index.indexes, ["my_i"]);
    assert_eq!(
        problems("1.sql", "-- plimsoll: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (x);\nSELECT 1;\n"),
        ["migration-not-repeatable: CREATE INDEX CONCURRENTLY i ON t (x);"]
    );
}

#[test]
fn transaction_control_and_psql_commands_are_errors() {
    for statement in ["BEGIN;", "START TRANSACTION;", "COMMIT;", "END;", "ROLLBACK;", "PREPARE TRANSACTION 'x';"] {
        assert_eq!(problems("1.sql", statement), [format!("migration-transaction-control: {statement}")]);
    }
    one("1.sql", "SAVEPOINT s; ROLLBACK TO SAVEPOINT s; ROLLBACK WORK TO s; PREPARE p AS SELECT 1;");
    for (text, expected) in [
        ("\\i other.sql\n", "\\i"),
        ("SELECT 1 \\gset\n", "\\gset"),
        ("COPY t FROM stdin;\n1\t2\n\\.\n", "\\."),
        ("\\connect other\n", "\\connect"),
    ] {
        assert_eq!(problems("1.sql", text), [format!("migration-psql-command: {expected}")]);
    }
    one("1.sql", "SELECT '\\d', E'\\'\\d', $$\\d$$, \"\\d\"; -- \\d\n/* \\d */");
}

#[test]
fn semicolons_in_quotes_comments_and_bodies_do_not_end_a_statement() {
    assert_eq!(problems("1.sql", "SELECT 'it''s;\n"), ["migration-unterminated: '"]);
    assert_eq!(problems("1.sql", "SELECT $a$ $b$;"), ["migration-unterminated: $a$"]);
    assert_eq!(problems("1.sql", "/* /* */ SELECT 1;"), ["migration-unterminated: /*"]);
    let count = |text: &str| sql::statements(text, 0..text.len()).unwrap().len();
    for (text, expected) in [
        ("SELECT ';', \";\", $$;$$, $x$;$$;$x$; SELECT 2", 2),
        ("SELECT E'\\';'; SELECT '\\'; SELECT 3", 3),
        ("/* ; /* ; */ ; */ -- ;\n;;", 0),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT $1, a$b$c;", 2),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 1;", 2),
        ("CREATE TABLE t (x int DEFAULT 1);\nBEGIN; END;", 3),
        ("SELECT U&'\\0041;', n';'; SELECT 1.5e3;", 2),
    ] {
        assert_eq!(count(text), expected, "{text}");
    }
}

#[test]
fn psql_variables_are_separated_from_their_colon() {
    assert_eq!(
        one("1.sql", "SELECT a[1:USER], a[i:n], 'x'::text, ':USER', a[1:2] -- :USER\n").sql,
        "SELECT a[1: USER], a[i: n], 'x'::text, ':USER', a[1:2]; -- :USER\n"
    );
}

#[test]
fn dropped_and_renamed_tables_are_missing() {
    let files = [
        file("1.sql", "CREATE TABLE IF NOT EXISTS public.Audit_Events (x int) PARTITION BY RANGE (x);"),
        file(
            "2.sql",
            "CREATE TABLE p PARTITION OF audit_events FOR VALUES FROM (1) TO (2); CREATE TEMP TABLE tmp (x int);",
        ),
        file(
            "3.sql",
            "CREATE UNLOGGED TABLE \"Odd \"\"Name\" (x int); CREATE TABLE gone (x int); CREATE TABLE old (x int);",
        ),
        file("4.sql", "DROP TABLE IF EXISTS a, s.gone CASCADE; ALTER TABLE old RENAME TO new; -- CREATE TABLE c"),
        file(
            "5.sql",
            "DO $do$ BEGIN IF true THEN CREATE TABLE dynamic (x int); END IF; END $do$; SELECT 'CREATE TABLE q (x int)';",
        ),
    ];
    let (migrations, problems) = read(&files);
    assert_eq!(problems, []);
    let names = ["audit_events", "p", "tmp", "Odd \"Name", "gone", "old", "new", "a", "dynamic", "c", "q"];
    assert_eq!(missing_tables(&migrations, names), ["p", "tmp", "gone", "old", "a", "c", "q"]);
}

#[test]
fn the_order_names_mode_version_file_and_indexes() {
    let (migrations, _) = read(&[
        file("2_i.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n"),
        file("1_t.sql", "-- +goose Up\nCREATE TABLE t (x int);\n"),
    ]);
    assert_eq!(order(&migrations), "transaction 1 1_t.sql\nno-transaction 2 2_i.sql i\n");
}

#[test]
fn large_migrations_are_split_between_config_maps() {
    let big = format!("SELECT '{}';\n", "x".repeat(400));
    let names = ["1.sql", "2.sql", "3.sql", "4.sql"];
    let (migrations, _) = read(&names.map(|name| file(name, if name == "4.sql" { "SELECT 1;\n" } else { &big })));
    let maps = config_maps(&migrations, true, 900);
    let keys = |map: &Vec<(String, String)>| map.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(maps.iter().map(keys).collect::<Vec<_>>(), ["order 1.sql 2.sql", "3.sql 4.sql"]);
    let huge = format!("SELECT 1;\nSELECT '{}';\n", "x".repeat(1_000_000));
    assert_eq!(problems("1.sql", &huge), ["migration-too-big: SELECT 1;"]);
}

#[test]
fn files_of_other_tools_are_kept_verbatim() {
    let text = "-- migrate:up\r\n\\d t\r\n-- migrate:down\r\n";
    let (kept, problems) = read_verbatim(&[file("V1__a.sql", text), file("changelog.xml", "<x/>"), file("a b", "")]);
    let found: Vec<(RuleId, usize)> = problems.iter().map(|problem| (problem.rule, problem.file)).collect();
    assert_eq!(found, [(RuleId::MigrationFileName, 2)]);
    let maps = config_maps(&kept[..2], false, 10);
    let pair = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    assert_eq!(maps, [pair("V1__a.sql", text), pair("changelog.xml", "<x/>")]);
    let huge = "x".repeat(1_000_001);
    assert_eq!(read_verbatim(&[file("a", &huge)]).1[0].rule, RuleId::MigrationTooBig);
}

#[test]
fn the_built_in_migrations_have_no_problems() {
    macro_rules! built_in {
        ($($name:literal),*) => {
            [$(file($name, include_str!(concat!("../../templates/migrations/", $name)))),*]
        };
    }
    let files = built_in![
        "0001_audit_events.sql",
        "0002_remediation_workflow_catalog.sql",
        "0003_remediation_workflow_catalog_ids.sql"
    ];
    let (migrations, problems) = read(&files);
    assert_eq!(problems, []);
    let catalog = "remediation_workflow_catalog";
    for (migration, (created, altered)) in migrations.iter().zip([("audit_events", ""), (catalog, ""), ("", catalog)]) {
        assert_eq!((migration.tables.join(" "), migration.altered.join(" ")), (created.to_owned(), altered.to_owned()));
        assert!(migration.transaction);
    }
    let chosen = for_tables(migrations, &[catalog]);
    assert_eq!(
        order(&chosen),
        "transaction - 0002_remediation_workflow_catalog.sql\ntransaction - 0003_remediation_workflow_catalog_ids.sql\n"
    );
}

#[test]
fn altered_tables_are_those_that_the_file_does_not_create() {
    let altered = |text: &str| one("1_a.sql", text).altered.join(" ");
    assert_eq!(altered("ALTER TABLE IF EXISTS ONLY public.b ADD x int;\nALTER TABLE a RENAME COLUMN x TO y;\n"), "a b");
    assert_eq!(altered("CREATE TABLE a (x int);\nALTER TABLE a ADD y int;\nALTER INDEX i RENAME TO j;\n"), "");
    assert_eq!(altered("ALTER TABLE a ADD y int;\nDROP TABLE a;\nALTER TABLE b RENAME TO c;\n"), "");
}

proptest! {
    #[test]
    fn prepared_files_are_accepted_unchanged(pieces in proptest::collection::vec(
        prop_oneof![
            Just("-- +goose Up\n".to_owned()), Just("-- +goose Down\n".to_owned()), Just("$$".to_owned()), Just("'".to_owned()),
            Just("-- +goose StatementBegin\n".to_owned()), Just("-- +goose StatementEnd\n".to_owned()), Just("E'\\".to_owned()),
            Just("CREATE TABLE ".to_owned()), Just("DO $a$ CREATE ".to_owned()), Just("/*".to_owned()), Just("\"".to_owned()),
            Just("$a$;\n".to_owned()), Just(":é".to_owned()), "\\PC{0,6}",
        ], 0..24)) {
        let text = pieces.concat();
        let (migrations, problems) = read(&[file("1_a.sql", &text)]);
        for problem in problems {
            prop_assert!(problem.range.start <= problem.range.end && problem.range.start <= text.len());
        }
        // An accepted migration is accepted again in its prepared form, with the same meaning.
        let sql = migrations[0].sql.clone();
        let (reread, _) = read(&[file("1_a.sql", &sql)]);
        prop_assert_eq!(&reread[0].tables, &migrations[0].tables);
    }
}
