#!/bin/sh
# Ends well once the database holds every migration this bundle carries. Run by the init container of the service,
# because the service itself never looks at the schema and answers 500 to the first write without it.
#
# Environment, besides that of database.sh:
#   MIGRATIONS_DIR       folder with `order` and the SQL files (default: this script's folder)
#   MIGRATIONS_TABLES    tables that must exist, separated by blanks
#   SCHEMA_WAIT_SECONDS  how long to wait for the migrations (600)
#   MIGRATION_TOOL       not empty where a tool of the team's own runs the migrations: the tables are waited for (optional)
. "$(dirname "$0")/database.sh"

SCHEMA_WAIT_SECONDS=${SCHEMA_WAIT_SECONDS:-600}

schema_deadline=$(($(now) + SCHEMA_WAIT_SECONDS))
applied=
if [ -z "${MIGRATION_TOOL:-}" ]; then
    bundle=$(bundle_values)
    # A database with a newer schema than this bundle's passes: that is a rollback of the service.
    applied="
\\set bundle '$bundle'
SELECT to_regclass('plimsoll_migrations') IS NULL AS no_ledger \\gset
\\if :no_ledger
\\echo the migrations have not begun
\\quit
\\endif
SELECT coalesce(string_agg(bundle.name || CASE
    WHEN l.name IS NULL THEN ' is not applied'
    WHEN l.state = 'started' THEN ' is being applied'
    ELSE ' was applied with another text' END, ', ' ORDER BY position), '')
FROM :bundle LEFT JOIN plimsoll_migrations AS l ON l.name = bundle.name OR l.version = bundle.version
WHERE l.name IS NULL OR l.state = 'started' OR l.checksum <> bundle.checksum \\gset missing_
\\echo :missing_coalesce
"
fi
wait_for_database
question="$applied
SELECT coalesce(string_agg(format('table %s is not there', name), ', '), '')
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
told=
while :; do
    answer=$(printf '%s' "$question" | $sql --set=tables="${MIGRATIONS_TABLES:-}" 2>&1) || answer="psql: $answer"
    answer=$(one_line "$answer")
    answer=${answer# }
    [ -n "$answer" ] || break
    [ "$(now)" -lt "$schema_deadline" ] || fail "the schema was not ready within $SCHEMA_WAIT_SECONDS s: $answer"
    [ "$answer" = "$told" ] || say "waiting for the migration Job: $answer"
    told=$answer
    sleep "$POLL_SECONDS"
done
say "done: the schema is there"
