#!/bin/sh
# Makes the monthly partitions that are missing from this month on. Run by the upkeep CronJob, as the role that owns
# the tables; the migration Job does the same at its end.
#
# Environment, besides that of database.sh:
#   MIGRATIONS_TABLES       tables to look after, separated by blanks; those without partitions are left alone
#   PARTITION_MONTHS_AHEAD  months to keep ready after this one (3)
. "$(dirname "$0")/database.sh"

wait_for_database
$sql --set=tables="${MIGRATIONS_TABLES:-}" --set=months="${PARTITION_MONTHS_AHEAD:-3}" \
    --file="$here/partitions.psql" 2>&1 || fail "the coming partitions could not be made; see the line above"
say "done: partitions are ready for this month and the next ${PARTITION_MONTHS_AHEAD:-3}"
