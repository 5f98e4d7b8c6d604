#!/bin/sh
# Waits for the database, and copies the files for a migration tool of the team's own to where the tool looks. Run before
# the tool, which may not wait by itself, and may take the links in a ConfigMap's volume for files of their own.
#
# Environment, besides that of database.sh:
#   FILES_FROM, FILES_TO  the two folders (optional: a tool's image may bring its files)
. "$(dirname "$0")/database.sh"

wait_for_database
[ -z "${FILES_FROM:-}" ] || cp -L "$FILES_FROM"/* "${FILES_TO:?}"/ || fail "the files cannot be copied; see the line above"
say "done: the database answers"
