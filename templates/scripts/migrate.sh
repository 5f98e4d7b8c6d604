#!/bin/sh
# Applies the migrations of this bundle to a database. Run by the migration Job. It is safe to run repeatedly,
# concurrently, and after a run that was killed.
#
# Environment, in addition to that of database.sh:
#   MIGRATIONS_DIR          folder with `order` and the SQL files (default: this script's folder)
#   MIGRATIONS_TABLES       tables that must exist at the end, separated by spaces
#   LOCK_WAIT_SECONDS       how long to wait for another run to finish (600)
#   PARTITION_MONTHS_AHEAD  months after this one to create partitions for (3)
#   RUNTIME_USER            role that reads and writes the tables, if it is not PGUSER (optional)
#   MIGRATION_TOOL          not empty if a separate migration tool has run the files: this script then only checks the
#                           tables, creates partitions and grants privileges (optional)
#
# Everything happens in one psql session, which holds the advisory lock and runs the files, so that the lock is held
# exactly as long as the work takes. It requires a session with the server itself: poolers that share sessions do not
# work. The lock is polled, because a session that blocks in the server holds a snapshot, for which CREATE INDEX
# CONCURRENTLY of the run with the lock would wait forever.
. "$(dirname "$0")/database.sh"

LOCK_WAIT_SECONDS=${LOCK_WAIT_SECONDS:-600}
lock=7236837193624577396 # an arbitrary number, which must not change

work=$(mktemp -d)
at=$work/at           # the current activity, for the last line of the log
outcome=$work/outcome # `done` when the session has completed
: >"$at"
: >"$outcome"

session_pid=
stop() {
    # psql turns SIGINT into a cancel request, so that the server rolls back immediately. Between two statements the
    # signal may be lost, so it is repeated; and a session that waits for input must see that there will be none.
    if [ -n "$session_pid" ]; then
        : >"$work/stopped"
        while :; do
            kill -INT "$session_pid" 2>/dev/null || true
            sleep "$POLL_SECONDS"
        done &
        repeater=$!
        wait "$session_pid" || true
        kill "$repeater" || true
    fi
    say "FAILED: stopped by a signal$(while_at)"
    exit 143
}
while_at() { [ ! -s "$at" ] || printf ' while at %s' "$(cat "$at")"; }
# As process 1 of a container, a shell without a trap ignores the signal until it is killed.
trap stop TERM INT
trap 'rm -rf "$work"' EXIT

# The settings of the session, which are restored after each migration. With client_connection_check_interval, the
# server ends the session of a killed pod, and releases its lock, instead of continuing to work.
settings() {
    cat <<'SQL'
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
SET client_min_messages = warning;
SELECT set_config(name, '10000', false) AS checked FROM pg_settings WHERE name = 'client_connection_check_interval' \gset
SQL
}

ledger() {
    bundle=$(bundle_values)
    cat <<SQL
\\set bundle '$bundle'
\\! echo the ledger >$at
SELECT quote_ident(current_schema()) || '.plimsoll_migrations' AS ledger \\gset
SELECT to_regclass(:'ledger') IS NULL AND to_regclass('goose_db_version') IS NOT NULL AS adopt \\gset
BEGIN;
CREATE TABLE IF NOT EXISTS :ledger (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    version bigint UNIQUE,
    state text NOT NULL CHECK (state IN ('started', 'applied', 'adopted')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    invalid_before oid[] NOT NULL DEFAULT '{}'
);
\\if :adopt
\\warn $me: adopting the versions that goose applied to this database
INSERT INTO :ledger (name, checksum, version, state)
SELECT 'goose ' || version_id, '', version_id, 'adopted'
FROM (SELECT DISTINCT ON (version_id) version_id, is_applied FROM goose_db_version ORDER BY version_id, id DESC) AS newest
WHERE is_applied AND version_id > 0;
\\endif
UPDATE :ledger AS l SET name = bundle.name, checksum = bundle.checksum
FROM :bundle WHERE l.version = bundle.version AND l.state = 'adopted' AND l.checksum = '';
SELECT coalesce(string_agg(bundle.name, ', ' ORDER BY position), '') AS changed, count(*) > 0 AS refused
FROM :bundle JOIN :ledger AS l ON l.name = bundle.name OR l.version = bundle.version
WHERE l.checksum <> bundle.checksum AND l.state <> 'started' \\gset
\\if :refused
\\warn $me: :changed changed after it was applied; put the change in a new file
\\! echo changed >$outcome
ROLLBACK;
\\quit
\\endif
SELECT coalesce(string_agg(bundle.name, ', ' ORDER BY position), '') AS late, count(*) > 0 AS refused
FROM :bundle LEFT JOIN :ledger AS l ON l.name = bundle.name OR l.version = bundle.version
WHERE l.name IS NULL AND bundle.version < (SELECT max(version) FROM :ledger WHERE state <> 'started') \\gset
\\if :refused
\\warn $me: :late is older than applied migrations, which goose rejects as well; give it a newer version
\\! echo late >$outcome
ROLLBACK;
\\quit
\\endif
COMMIT;
SELECT count(*) AS newer FROM :ledger AS l
WHERE NOT EXISTS (SELECT FROM :bundle WHERE bundle.name = l.name OR bundle.version = l.version) \\gset
SELECT :newer > 0 AS newer_rows \\gset
\\if :newer_rows
\\warn $me: the database has :newer migrations that are not in this bundle; they are kept
\\endif
SQL
}

# migration mode version name checksum indexes...
migration() {
    mode=$1 number=$2 file=$3 sum=$4
    shift 4
    [ "$number" != - ] || number=NULL
    row="('$file', '$sum', $number"
    cat <<SQL
SELECT NOT EXISTS (SELECT FROM :ledger WHERE (name = '$file' OR version = $number) AND state <> 'started') AS todo \\gset
\\if :todo
\\! echo $file >$at
SQL
    case $mode in
    transaction)
        # The savepoint no longer exists if the file ended the transaction: an error instead of a partly applied migration.
        cat <<SQL
BEGIN;
SAVEPOINT plimsoll;
\\i '$MIGRATIONS_DIR/$file'
RELEASE SAVEPOINT plimsoll;
RESET SESSION AUTHORIZATION;
RESET ROLE;
INSERT INTO :ledger (name, checksum, version, state) VALUES $row, 'applied');
COMMIT;
SQL
        ;;
    no-transaction)
        names=
        for index; do names="$names${names:+, }'$index'"; done
        # A killed run leaves an invalid index, because of which CREATE INDEX would fail. An index that a session is
        # building at the moment belongs to that session.
        cat <<SQL
SELECT coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', '), '') AS leftover,
    coalesce(array_agg(c.oid), '{}') AS leftover_ids, count(*) > 0 AS any_leftover
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
AND (c.relname = ANY (ARRAY[$names]::text[])
  OR EXISTS (SELECT FROM :ledger WHERE name = '$file' AND state = 'started' AND c.oid <> ALL (invalid_before))) \\gset
\\if :any_leftover
\\warn $me: dropping :leftover, left unfinished by an earlier run
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %s', id::regclass) FROM unnest(:'leftover_ids'::oid[]) AS id \\gexec
\\endif
INSERT INTO :ledger (name, checksum, version, state, invalid_before)
VALUES $row, 'started', ARRAY(SELECT indexrelid FROM pg_index WHERE NOT indisvalid))
ON CONFLICT (name) DO UPDATE SET checksum = EXCLUDED.checksum;
\\i '$MIGRATIONS_DIR/$file'
RESET SESSION AUTHORIZATION;
RESET ROLE;
UPDATE :ledger SET state = 'applied', changed_at = now() WHERE name = '$file';
SQL
        ;;
    *) fail "unknown mode '$mode' of $file in $order" ;;
    esac
    printf '%s\n' "\\warn $me: $file applied"
    settings
    printf '%s\n' '\else' "\\warn $me: $file is already applied" '\endif'
}

# Checks the tables, creates partitions and grants privileges.
finish() {
    cat <<SQL
\\! echo the tables >$at
SELECT coalesce(string_agg(name, ', '), '') AS absent, count(*) > 0 AS any_absent
FROM unnest(string_to_array(:'tables', ' ')) AS name WHERE name <> '' AND to_regclass(name) IS NULL \\gset
\\if :any_absent
\\warn $me: no migration created :absent
\\! echo absent >$outcome
\\quit
\\endif
\\! echo the partitions >$at
\\i '$here/partitions.psql'
\\! echo the privileges of the runtime user >$at
SELECT format('GRANT %s ON %s TO %I', privileges, object, :'runtime_user')
FROM (
    SELECT 'USAGE' AS privileges, 'SCHEMA ' || quote_ident(current_schema()) AS object,
        has_schema_privilege(:'runtime_user', current_schema(), 'USAGE') AS granted
    WHERE :'runtime_user' NOT IN ('', current_user)
    UNION ALL
    SELECT string_agg(privilege, ', '), name, bool_and(has_table_privilege(:'runtime_user', name, privilege))
    FROM (SELECT name, regexp_split_to_table('SELECT INSERT UPDATE DELETE', ' ') AS privilege
        FROM unnest(string_to_array(:'tables', ' ')) AS name WHERE name <> ''
        UNION ALL SELECT :'ledger', 'SELECT' WHERE :'ledger' <> '') AS wanted
    WHERE :'runtime_user' NOT IN ('', current_user) GROUP BY name
) AS needed WHERE NOT granted \\gexec
\\! echo done >$outcome
SQL
}

# The input of the session. Nothing but the lock is requested until it is held.
session() {
    settings
    until [ -s "$work/held" ]; do
        [ ! -e "$work/stopped" ] || return
        if [ "$(now)" -ge "$lock_deadline" ]; then
            printf '%s\n' "\\! echo locked >$outcome"
            return
        fi
        cat <<SQL
SELECT pg_try_advisory_lock($lock) AS held \\gset
\\if :held
\\! echo held >$work/held
\\else
\\! test -e $work/busy || echo '$me: waiting for another run to finish'; echo >$work/busy
\\endif
SQL
        sleep "$POLL_SECONDS"
    done
    cat "$work/plan"
}

wait_for_database
# Written completely before the session starts, so that a bundle with a missing file changes nothing.
{
    if [ -z "${MIGRATION_TOOL:-}" ]; then
        ledger
        each_migration migration
    else
        printf '%s\n' "\\set ledger ''"
    fi
    finish
} >"$work/plan"

lock_deadline=$(($(now) + LOCK_WAIT_SECONDS))
session | $sql --set=tables="${MIGRATIONS_TABLES:-}" --set=runtime_user="${RUNTIME_USER:-}" \
    --set=months="${PARTITION_MONTHS_AHEAD:-3}" 2>&1 &
session_pid=$!
status=0
wait "$session_pid" || status=$?
session_pid=

case $(cat "$outcome") in
done) say "done: the schema is up to date (${MIGRATIONS_TABLES:-no tables required})" ;;
locked) fail "another run held the lock for $LOCK_WAIT_SECONDS s" ;;
changed) fail "a migration changed after it was applied (listed above); nothing was changed" ;;
late) fail "a migration is older than applied migrations (listed above); nothing was changed" ;;
absent) fail "the migrations do not create all required tables (listed above)" ;;
*) fail "psql exited with $status$(while_at); unfinished changes were rolled back" ;;
esac
