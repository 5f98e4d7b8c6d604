#!/bin/sh
# Succeeds once all migrations of this bundle are applied to the database. Run by an init container of the service,
# because the service itself does not check the schema and returns 500 for the first write without it.
#
# Environment, in addition to that of database.sh:
#   MIGRATIONS_DIR       folder with `order` and the SQL files (default: this script's folder)
#   MIGRATIONS_TABLES    tables that must exist, separated by spaces
#   SCHEMA_WAIT_SECONDS  how long to wait for the migrations (600)
#   MIGRATION_TOOL       not empty if a separate migration tool runs the migrations: only the tables are checked (optional)
. "$(dirname "$0")/database.sh"

SCHEMA_WAIT_SECONDS=${SCHEMA_WAIT_SECONDS:-600}

schema_deadline=$(($(now) + SCHEMA_WAIT_SECONDS))
applied=
if [ -z "${MIGRATION_TOOL:-}" ]; then
    bundle=$(bundle_values)
    # A database with a newer schema is accepted: the service is being rolled back.
    applied="
\\set bundle '$bundle'
SELECT to_regclass('plimsoll_migrations') IS NULL AS no_ledger \\gset
\\if :no_ledger
\\echo the migrations have not started
\\quit
\\endif
SELECT coalesce(string_agg(bundle.name || CASE
    WHEN l.name IS NULL THEN ' is not applied'
    WHEN l.state = 'started' THEN ' is being applied'
    ELSE ' was applied with different contents' END, ', ' ORDER BY position), '')
FROM :bundle LEFT JOIN plimsoll_migrations AS l ON l.name = bundle.name OR l.version = bundle.version
WHERE l.name IS NULL OR l.state = 'started' OR l.checksum <> bundle.checksum \\gset missing_
\\echo :missing_coalesce
"
fi
wait_for_database
question="$applied
SELECT coalesce(string_agg(format('table %s does not exist', name), ', '), '')
FROM unnest(string_to_array(:'tables', ' ')) AS name WHERE name <> '' AND to_regclass(name) IS NULL;
SET TimeZone = 'UTC';
SELECT coalesce(string_agg(format('table %s has no partition for today', name), ', '), '')
FROM unnest(string_to_array(:'tables', ' ')) AS name
JOIN pg_partitioned_table AS p ON p.partrelid = to_regclass(name) AND p.partstrat = 'r' AND p.partnatts = 1
JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
WHERE NOT EXISTS (
    SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS bounds
    LEFT JOIN LATERAL regexp_match(bounds, 'FROM \\(''?([^'')]+)''?\\) TO \\(''?([^'')]+)''?\\)') AS bound ON true
    WHERE i.inhparent = p.partrelid AND (bounds = 'DEFAULT' OR now() BETWEEN
        replace(bound[1], 'MINVALUE', '-infinity')::timestamptz AND replace(bound[2], 'MAXVALUE', 'infinity')::timestamptz));
"
last=
while :; do
    answer=$(printf '%s' "$question" | $sql --set=tables="${MIGRATIONS_TABLES:-}" 2>&1) || answer="psql: $answer"
    answer=$(one_line "$answer")
    answer=${answer# }
    [ -n "$answer" ] || break
    [ "$(now)" -lt "$schema_deadline" ] || fail "the schema was not ready within $SCHEMA_WAIT_SECONDS s: $answer"
    [ "$answer" = "$last" ] || say "waiting for the migration Job: $answer"
    last=$answer
    sleep "$POLL_SECONDS"
done
say "done: the schema is ready"
