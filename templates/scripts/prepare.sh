#!/bin/sh
# Waits for the database, and copies the files for a separate migration tool to the folder that it reads. Run before the
# tool, which may not wait itself, and may process the links in a ConfigMap volume as additional files.
#
# Environment, in addition to that of database.sh:
#   FILES_FROM, FILES_TO  the source and the target folder (optional: a tool's image may contain its files)
. "$(dirname "$0")/database.sh"

wait_for_database
[ -z "${FILES_FROM:-}" ] || cp -L "$FILES_FROM"/* "${FILES_TO:?}"/ || fail "the files cannot be copied; see the line above"
say "done: the database is ready"
