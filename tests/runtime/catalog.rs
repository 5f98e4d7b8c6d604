//! The tables as DataStorage uses them: every column that it writes, and upgrades of the catalogue from each earlier
//! state.

use super::servers::Database;
use super::shell::{Volume, own_files};

const CATALOG: [&str; 1] = ["remediation_workflow_catalog"];

/// The service's INSERT statement, with values for the columns that have no default.
pub(super) fn insert(name: &str, version: &str, labels: &str) -> String {
    format!(
        "INSERT INTO remediation_workflow_catalog (workflow_name, version, name, description, owner, maintainer,
            content, content_hash, parameters, execution_engine, container_image, container_digest, labels,
            custom_labels, detected_labels, status, is_latest_version, previous_version, version_notes, change_summary,
            approved_by, approved_at, expected_success_rate, expected_duration_seconds, created_by)
         VALUES ('{name}', '{version}', 'Restart', 'restarts', NULL, NULL, 'steps: []', repeat('a', 64), NULL, 'tekton',
            'quay.io/workflows/restart', 'sha256:' || repeat('b', 64), '{labels}', '{{\"team\": [\"a\"]}}', '{{\"pdb\": \"true\"}}',
            'active', true, NULL, NULL, NULL, NULL, NULL, 0.95, 60, 'somebody')
         RETURNING workflow_id"
    )
}

/// The name, type, default and nullability of each column, and the constraints and indexes, as PostgreSQL prints them.
fn shape(database: &Database, table: &str) -> String {
    database.query(&format!(
        "SELECT line FROM (
            SELECT format('%s %s%s%s', attname, format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN ' not null' END, ' default ' || pg_get_expr(adbin, adrelid)) AS line
            FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
            WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{table}'::regclass
            UNION ALL SELECT regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX \\S+ ', '\\1')
            FROM pg_index WHERE indrelid = '{table}'::regclass
            UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '{table}'::regclass) AS lines
         ORDER BY line COLLATE \"C\""
    ))
}

/// The columns of `shape`, without their defaults.
fn columns(database: &Database, table: &str) -> String {
    database.query(&format!(
        "SELECT string_agg(format('%s %s%s', attname, format_type(atttypid, atttypmod),
            CASE WHEN attnotnull THEN ' not null' END), ', ' ORDER BY attname)
         FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
    ))
}

/// A database with rows whose catalogue was created by the first of the two migration files.
fn with_the_first_catalog() -> Database {
    let database = Database::new();
    let first: Vec<(String, String)> =
        own_files().into_iter().filter(|(name, _)| name == "0002_remediation_workflow_catalog.sql").collect();
    Volume::new(&database, &[(&first[0].0, &first[0].1)]).migrate().fine();
    database.query(
        "INSERT INTO remediation_workflow_catalog (workflow_id, version, name, description, content, content_hash,
            labels, is_latest_version, updated_at)
         VALUES ('restart', '1', 'n', NULL, 'c', 'h', '{\"severity\": \"high\"}', false, '2025-01-01Z'),
            ('restart', '2', 'n', 'd', 'c', 'h', '{}', true, '2025-01-02Z'),
            ('scale', '1', 'n', 'd', 'c', 'h', '{}', true, '2025-01-03Z')",
    );
    database
}

/// Runs the queries of the service on the catalogue, as equivalent statements over the same columns.
fn serves(database: &Database) {
    let id = database.query(&insert("drain", "1", r#"{"severity": "high", "component": "node"}"#));
    let again = database.try_query(&insert("drain", "1", "{}")).unwrap_err();
    assert!(again.contains("duplicate key value violates unique constraint"), "{again}");
    database.query("UPDATE remediation_workflow_catalog SET is_latest_version = false WHERE workflow_name = 'drain' AND is_latest_version");
    let second = database.query(&insert("drain", "2", "{}"));
    assert_ne!(id, second);
    assert_eq!(
        database.query(&format!(
            "SELECT workflow_name, version, status FROM remediation_workflow_catalog WHERE workflow_id = '{id}'"
        )),
        "drain|1|active"
    );
    assert_eq!(
        database.query(
            "SELECT workflow_id FROM remediation_workflow_catalog WHERE workflow_name = 'drain' AND is_latest_version"
        ),
        second
    );
    for condition in [
        "labels->>'severity' = 'high' AND labels->>'component' = 'node'",
        "labels @> '{\"component\": \"node\"}'",
        "workflow_name = 'drain' AND custom_labels->'team' @> '\"a\"' AND detected_labels->>'pdb' = 'true' AND version = '1'",
    ] {
        assert_eq!(
            database.query(&format!("SELECT workflow_id FROM remediation_workflow_catalog WHERE {condition}")),
            id
        );
    }
    database.query(&format!(
        "UPDATE remediation_workflow_catalog SET status = 'disabled', disabled_at = now(), disabled_by = 'somebody',
            disabled_reason = 'why', updated_by = 'somebody', updated_at = '2025-01-01Z'
         WHERE workflow_id = '{id}' AND version = '1'"
    ));
    database.query(&format!(
        "UPDATE remediation_workflow_catalog SET total_executions = 8, successful_executions = 6,
            actual_success_rate = CAST(6 AS float) / 8 WHERE workflow_id = '{id}'"
    ));
    assert_eq!(
        database.query(&format!(
            "SELECT status, actual_success_rate, updated_at > now() - interval '1 hour'
             FROM remediation_workflow_catalog WHERE workflow_id = '{id}'"
        )),
        "disabled|0.750|t"
    );
    for wrong in
        ["status = 'unknown'", "successful_executions = 9", "actual_success_rate = 1.5", "workflow_name = NULL"]
    {
        let change = format!("UPDATE remediation_workflow_catalog SET {wrong} WHERE workflow_id = '{id}'");
        assert!(database.try_query(&change).is_err(), "{wrong}");
    }
}

/// The columns of the record into which the service reads rows; it rejects rows with any other column.
const CATALOG_COLUMNS: &str = "actual_success_rate numeric(4,3), approved_at timestamp with time zone, \
    approved_by character varying(255), change_summary text, container_digest character varying(71), \
    container_image text, content text not null, content_hash character varying(64) not null, \
    created_at timestamp with time zone not null, created_by character varying(255), custom_labels jsonb not null, \
    deprecation_notice text, description text not null, detected_labels jsonb not null, \
    disabled_at timestamp with time zone, disabled_by character varying(255), disabled_reason text, \
    execution_engine character varying(50) not null, expected_duration_seconds integer, \
    expected_success_rate numeric(4,3), is_latest_version boolean not null, labels jsonb not null, \
    maintainer character varying(255), name character varying(255) not null, owner character varying(255), \
    parameters jsonb, previous_version character varying(50), status character varying(20) not null, \
    successful_executions integer, total_executions integer, updated_at timestamp with time zone not null, \
    updated_by character varying(255), version character varying(50) not null, version_notes text, \
    workflow_id uuid not null, workflow_name character varying(255) not null";

#[test]
fn a_new_catalog_works_with_the_service() {
    let database = Database::new();
    Volume::own(&database, &CATALOG).migrate().fine();
    assert_eq!(columns(&database, CATALOG[0]), CATALOG_COLUMNS);
    serves(&database);
}

#[test]
fn a_catalog_of_the_first_version_is_upgraded_and_keeps_its_rows() {
    let (old, new) = (with_the_first_catalog(), Database::new());
    let volume = Volume::own(&old, &CATALOG);
    volume
        .migrate()
        .fine()
        .says("0002_remediation_workflow_catalog.sql is already applied")
        .says("0003_remediation_workflow_catalog_ids.sql applied");
    volume.run("wait-for-schema.sh").fine();
    Volume::own(&new, &CATALOG).migrate().fine();
    assert_eq!(shape(&old, CATALOG[0]), shape(&new, CATALOG[0]));
    assert_eq!(
        old.query(
            "SELECT workflow_name, version, description, labels->>'severity', is_latest_version, total_executions,
                execution_engine, updated_at AT TIME ZONE 'UTC'
             FROM remediation_workflow_catalog ORDER BY workflow_name, version"
        ),
        "restart|1||high|f|0|tekton|2025-01-01 00:00:00\n\
         restart|2|d||t|0|tekton|2025-01-02 00:00:00\n\
         scale|1|d||t|0|tekton|2025-01-03 00:00:00"
    );
    assert_eq!(old.query("SELECT count(DISTINCT workflow_id) FROM remediation_workflow_catalog"), "3");
    serves(&old);
    let before = old.fingerprint();
    volume.migrate().fine();
    assert_eq!(old.fingerprint(), before);
}

#[test]
fn a_catalog_that_is_already_up_to_date_is_not_changed() {
    let database = Database::new();
    Volume::own(&database, &CATALOG).migrate().fine();
    let id = database.query(&insert("drain", "0", "{}"));
    database.query("DROP TABLE plimsoll_migrations");
    let before = shape(&database, CATALOG[0]);
    Volume::own(&database, &CATALOG).migrate().fine().says("0003_remediation_workflow_catalog_ids.sql applied");
    assert_eq!(shape(&database, CATALOG[0]), before);
    assert_eq!(database.query("SELECT workflow_id FROM remediation_workflow_catalog"), id);
}

#[test]
fn an_audit_event_accepts_values_of_maximum_length() {
    let database = Database::new();
    Volume::own(&database, &["audit_events"]).migrate().fine();
    assert_eq!(
        columns(&database, "audit_events"),
        "actor_id character varying(255), actor_ip inet, actor_type character varying(50), \
         cluster_name character varying(255), correlation_id character varying(255) not null, duration_ms integer, \
         error_code character varying(50), error_message text, event_action character varying(50) not null, \
         event_category character varying(50) not null, event_data jsonb not null, event_date date not null, \
         event_id uuid not null, event_metadata jsonb, event_outcome character varying(20) not null, \
         event_timestamp timestamp with time zone not null, event_type character varying(100) not null, \
         event_version character varying(10) not null, is_sensitive boolean not null, namespace character varying(253), \
         parent_event_date date, parent_event_id uuid, resource_id character varying(255), \
         resource_name character varying(255), resource_type character varying(100), \
         retention_days integer not null, severity character varying(20), span_id character varying(255), \
         trace_id character varying(255)"
    );
    // Every column at its maximum length, and a second event that has the first as its parent and omits optional
    // columns.
    database.query(
        "INSERT INTO audit_events (event_id, event_version, event_timestamp, event_date, event_type, event_category,
            event_action, event_outcome, correlation_id, resource_type, resource_id, resource_name, namespace,
            cluster_name, actor_id, actor_type, actor_ip, severity, duration_ms, error_code, error_message, trace_id,
            span_id, retention_days, is_sensitive, event_data, event_metadata)
         VALUES ('11111111-1111-4111-8111-111111111111', repeat('v', 10), now(), now()::date, repeat('t', 100),
            repeat('c', 50), repeat('a', 50), repeat('o', 20), repeat('i', 255), repeat('r', 100), repeat('r', 255),
            repeat('r', 255), repeat('n', 253), repeat('k', 255), repeat('a', 255), repeat('a', 50), '2001:db8::1/128',
            repeat('s', 20), 2147483647, repeat('e', 50), repeat('m', 100000), repeat('t', 255), repeat('s', 255), 2555,
            true, '{\"a\": [1, null]}', '{}');
         INSERT INTO audit_events (event_timestamp, event_date, event_type, event_category, event_action, event_outcome,
            correlation_id, parent_event_id, parent_event_date, namespace, severity, retention_days, is_sensitive, event_data)
         SELECT now(), now()::date, 't', 'c', 'a', 'success', 'i', event_id, event_date, NULL, NULL, 2555, false, '{}'
         FROM audit_events",
    );
    assert_eq!(
        database.query("SELECT count(*), count(parent_event_id), max(event_data->'a'->>0) FROM audit_events"),
        "2|1|1"
    );
}
