# Shared by the other scripts, which read it from the folder they lie in themselves.
# Written for busybox ash and the psql of postgres:16-alpine, and for dash; nothing is written outside /tmp.
#
# Environment: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD (libpq reads them itself, so a password may hold
# anything but a newline), optionally PGSSLMODE; and
#   DATABASE_WAIT_SECONDS  how long to wait for the server to answer (300)
#   POLL_SECONDS           pause between two tries (1; a fraction will do)
set -eu

here=$(dirname "$0")
me=$(basename "$0" .sh)
DATABASE_WAIT_SECONDS=${DATABASE_WAIT_SECONDS:-300}
POLL_SECONDS=${POLL_SECONDS:-1}
# A server behind a firewall that swallows packets must not take the whole waiting time for one try.
export PGCONNECT_TIMEOUT="${PGCONNECT_TIMEOUT:-5}" PGAPPNAME="plimsoll-$me"

# Not `echo`, which takes backslashes for escapes in some shells.
say() { printf '%s: %s\n' "$me" "$*"; }
fail() {
    say "FAILED: $*" >&2
    exit 1
}
now() { date +%s; }

# No start-up file, no password prompt, bare values, the first error ends it. Words, not a function: migrate.sh sends
# signals to the process, which must be psql itself and no shell around it.
sql='psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1'

one_line() { printf '%s' "$*" | tr -s '\n\t' '  '; }

wait_for_database() {
    server="PostgreSQL at ${PGHOST:?}:${PGPORT:=5432}"
    database_deadline=$(($(now) + DATABASE_WAIT_SECONDS))
    told=
    until answer=$($sql --command='SELECT 1' 2>&1); do
        answer=$(one_line "$answer")
        [ "$(now)" -lt "$database_deadline" ] ||
            fail "$server did not let us in within $DATABASE_WAIT_SECONDS s: $answer"
        [ "$answer" = "$told" ] || say "waiting for $server: $answer"
        told=$answer
        sleep "$POLL_SECONDS"
    done
}

# The migrations of this bundle, one a line: mode, goose version or -, name, then the indexes it builds concurrently.
# Written when the bundle was rendered.
order_file() {
    order="${MIGRATIONS_DIR:=$here}/order"
    [ -r "$order" ] || fail "$order is missing: the volume does not hold the whole bundle"
}

# Calls `$1 mode version name checksum indexes...` for each migration, in order.
each_migration() {
    order_file
    while read -r mode version name indexes; do
        case $name in *[!A-Za-z0-9._-]* | '') fail "$order names '$name', which no ConfigMap key can be" ;; esac
        [ -r "$MIGRATIONS_DIR/$name" ] || fail "$name is missing: the volume does not hold the whole bundle"
        checksum=$(sha256sum <"$MIGRATIONS_DIR/$name")
        # shellcheck disable=SC2086 # a list of words
        "$1" "$mode" "$version" "$name" "${checksum%% *}" $indexes
    done <"$order"
}

# The bundle as an SQL table expression, for a psql variable: (position, name, checksum, version).
bundle_values() {
    separator=
    position=0
    printf '(VALUES '
    each_migration bundle_row
    printf ') AS bundle (position, name, checksum, version)'
}
bundle_row() {
    position=$((position + 1))
    number=NULL
    [ "$2" = - ] || number=$2
    printf '%s(%d, $$%s$$, $$%s$$, %s::bigint)' "$separator" "$position" "$3" "$4" "$number"
    separator=', '
}
