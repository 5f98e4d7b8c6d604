#!/bin/sh
# Prints the section of a version in CHANGELOG.md, without its heading: ci/changelog.sh 0.1.0
# Exits with 1 where there is none, or an empty one.
set -eu
awk -v version="$1" '
    /^## / { inside = ($2 == version || $2 == "[" version "]"); next }
    inside && (text || NF) { text = text $0 "\n" }
    END {
        if (!text) exit 1
        sub(/\n+$/, "", text)
        print text
    }' "$(dirname "$0")/../CHANGELOG.md" || {
    echo "CHANGELOG.md has no section \`## $1\`" >&2
    exit 1
}
