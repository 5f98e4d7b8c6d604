#!/usr/bin/env bash
# usage: benches/fleet.sh N DIR : writes a project with N profiles whose fields vary, each for a separate cluster
set -euo pipefail
number=$1 folder=$2
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cp -R "$root/templates" "$root/services" "$folder"
mkdir "$folder/profiles"
cp -R "$root/profiles/base.yaml" "$root/profiles/schema.json" "$root/profiles/environments" "$folder/profiles"
# The profiles of a fleet have no production environment.
rm "$folder/profiles/environments/production.yaml"
echo 'environment = "e2e"' > "$folder/plimsoll.toml"
# The fields change at different intervals, so that neighbouring profiles differ; the same N gives the same bytes.
awk -v number="$number" -v folder="$folder/profiles" 'BEGIN {
    split("debug info warn error", levels, " ")
    for (i = 1; i <= number; i++) {
        name = sprintf("team%05d", i)
        file = folder "/" name ".yaml"
        text = "cluster: " name "-e2e\n"
        text = text "image: {tag: \"" name "-" i % 17 "\"}\n"
        text = text "expose: {nodePort: " 30000 + i % 900 ", hostPort: " 20000 + i % 9000 "}\n"
        if (i % 3 == 0) text = text "namespace: " name "\n"
        if (i % 4 == 0) text = text "replicas: " 1 + i % 5 "\n"
        if (i % 5 == 0) text = text "ports: {http: " 8000 + i % 50 "}\n"
        text = text "config: {logLevel: " levels[1 + i % 4] ", readTimeout: " 10 + i % 50 "s}\n"
        text = text "database: {name: events_" i % 100 ", user: \"user_" i "\", password: \"secret-of-" name "\", maxOpenConns: " 5 + i % 40 "}\n"
        if (i % 6 == 0) text = text "postgresql: {nodePort: " 31000 + i % 900 ", hostPort: " 40000 + i % 9000 "}\n"
        if (i % 7 == 0) text = text "migrations: {tables: {remediation_workflow_catalog: true}}\n"
        if (i % 2 == 0) text = text "labels: {team: " name ", tier: \"" i % 3 "\"}\n"
        if (i % 8 == 0) text = text "env: {GOMEMLIMIT: " 200 + i % 200 "MiB}\n"
        if (i % 9 == 0) text = text "ownPorts:\n  api: {nodePort: " 32000 + i % 700 ", hostPort: " 50000 + i % 9000 "}\n"
        print text > file
        close(file)
    }
}'
