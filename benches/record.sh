#!/usr/bin/env bash
# usage: benches/record.sh N : prints a record with N copies of a real one (29 objects and 29 events), each in a
# separate namespace: 35 copies are 1,015 objects, 6 MB
set -euo pipefail
record=$(dirname "$0")/../tests/data/status/node/ds-image-missing.json
awk -v copies="$1" '
    /^ "/ { list = $1 }
    /^ +\{/ || /^  / { if (list == "\"objects\":") objects = objects $0 "\n"; if (list == "\"events\":") events = events $0 "\n" }
    function copy(text, number) {
        gsub(/u-ds-image-missing/, "u-" number, text)
        gsub(/"uid": "/, "&" number "-", text)
        printf "%s%s", (number > 0 ? "," : ""), text
    }
    END {
        printf "{\"objects\": ["
        for (number = 0; number < copies; number++) copy(objects, number)
        printf "], \"events\": ["
        for (number = 0; number < copies; number++) copy(events, number)
        printf "], \"waited\": 264}\n"
    }' "$record"
