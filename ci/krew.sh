#!/bin/sh
# Prints the krew manifest of a release (`kubectl plimsoll`): ci/krew.sh VERSION URL SHA256SUMS
# URL is the address of the release's files; SHA256SUMS the file with their checksums.
set -eu
version=$1 url=$2 sums=$3

# platform OS ARCHITECTURE ARCHIVE PROGRAM
platform() {
    sha256=$(awk -v name="$3" '{ sub(/^\*/, "", $2) } $2 == name { print $1 }' "$sums")
    [ -n "$sha256" ] || {
        echo "$sums has no entry for $3" >&2
        exit 1
    }
    cat <<YAML
  - selector:
      matchLabels:
        os: $1
        arch: $2
    uri: $url/$3
    sha256: $sha256
    bin: $4
    files:
    - from: $4
      to: .
    - from: LICENSE
      to: .
YAML
}

cat <<YAML
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: plimsoll
spec:
  version: v$version
  shortDescription: Render and check Kubernetes manifests offline
  description: |
    Renders a service's complete, checked Kubernetes bundle from one small
    profile, and reports of any manifests, offline, what the API server would
    reject and what would not become ready although it is accepted.
  platforms:
YAML
platform linux amd64 plimsoll-x86_64-unknown-linux-musl.tar.gz plimsoll
platform linux arm64 plimsoll-aarch64-unknown-linux-musl.tar.gz plimsoll
platform darwin amd64 plimsoll-x86_64-apple-darwin.tar.gz plimsoll
platform darwin arm64 plimsoll-aarch64-apple-darwin.tar.gz plimsoll
platform windows amd64 plimsoll-x86_64-pc-windows-msvc.zip plimsoll.exe
