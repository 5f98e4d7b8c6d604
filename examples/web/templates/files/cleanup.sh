#!/bin/sh
# Taken over as it is: neither ${#days} nor {{ days }} means anything to plimsoll.
set -eu
find /sessions -type f -mtime "+${KEEP_DAYS:?}" -delete
echo "sessions older than $KEEP_DAYS days are gone"
