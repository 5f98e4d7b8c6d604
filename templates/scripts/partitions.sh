#!/bin/sh
# Creates the missing monthly partitions from this month on. Run by the CronJob for partitions, as the role that owns
# the tables; the migration Job does the same when it finishes.
#
# Environment, in addition to that of database.sh:
#   MIGRATIONS_TABLES       tables to maintain, separated by spaces; those without partitions are skipped
#   PARTITION_MONTHS_AHEAD  months after this one to create partitions for (3)
. "$(dirname "$0")/database.sh"

wait_for_database
$sql --set=tables="${MIGRATIONS_TABLES:-}" --set=months="${PARTITION_MONTHS_AHEAD:-3}" \
    --file="$here/partitions.psql" 2>&1 || fail "the partitions could not be created; see the line above"
say "done: partitions are ready for this month and the next ${PARTITION_MONTHS_AHEAD:-3}"
