# Sourced by the other scripts from their own folder.
# Compatible with busybox ash and the psql of postgres:16-alpine, and with dash. Nothing is written outside /tmp.
#
# Environment: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD (read by libpq itself, so a password may contain
# anything but a newline), optionally PGSSLMODE; and
#   DATABASE_WAIT_SECONDS  how long to wait for the server (300)
#   POLL_SECONDS           interval between attempts (1; fractions are allowed)
set -eu

here=$(dirname "$0")
me=$(basename "$0" .sh)
DATABASE_WAIT_SECONDS=${DATABASE_WAIT_SECONDS:-300}
POLL_SECONDS=${POLL_SECONDS:-1}
# A single attempt must not use up the whole time if a firewall drops packets.
export PGCONNECT_TIMEOUT="${PGCONNECT_TIMEOUT:-5}" PGAPPNAME="plimsoll-$me"

# Not `echo`, which interprets backslashes in some shells.
say() { printf '%s: %s\n' "$me" "$*"; }
fail() {
    say "FAILED: $*" >&2
    exit 1
}
now() { date +%s; }

# No startup file, no password prompt, unformatted values, and stop at the first error. A string instead of a function,
# because migrate.sh sends signals to the process, which must be psql itself and not a shell.
sql='psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1'

one_line() { printf '%s' "$*" | tr -s '\n\t' '  '; }

wait_for_database() {
    server="PostgreSQL at ${PGHOST:?}:${PGPORT:=5432}"
    database_deadline=$(($(now) + DATABASE_WAIT_SECONDS))
    last=
    until answer=$($sql --command='SELECT 1' 2>&1); do
        answer=$(one_line "$answer")
        [ "$(now)" -lt "$database_deadline" ] ||
            fail "$server did not accept connections within $DATABASE_WAIT_SECONDS s: $answer"
        [ "$answer" = "$last" ] || say "waiting for $server: $answer"
        last=$answer
        sleep "$POLL_SECONDS"
    done
}

# The migrations of this bundle, one per line: mode, goose version or -, name, and the indexes it builds concurrently.
# The file is written when the bundle is rendered.
order_file() {
    order="${MIGRATIONS_DIR:=$here}/order"
    [ -r "$order" ] || fail "$order is missing: the volume is incomplete"
}

# Calls `$1 mode version name checksum indexes...` for each migration, in order.
each_migration() {
    order_file
    while read -r mode version name indexes; do
        case $name in *[!A-Za-z0-9._-]* | '') fail "$order contains '$name', which is not a valid ConfigMap key" ;; esac
        [ -r "$MIGRATIONS_DIR/$name" ] || fail "$name is missing: the volume is incomplete"
        checksum=$(sha256sum <"$MIGRATIONS_DIR/$name")
        # shellcheck disable=SC2086 # a list of arguments
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
