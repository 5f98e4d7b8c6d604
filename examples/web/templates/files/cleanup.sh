#!/bin/sh
# Rendered unchanged: plimsoll evaluates neither ${#days} nor {{ days }}.
set -eu
find /sessions -type f -mtime "+${KEEP_DAYS:?}" -delete
echo "sessions older than $KEEP_DAYS days are gone"
