#!/usr/bin/env bash
# What the GitHub Action runs to have plimsoll: the binary of the release that the action itself is of; compiled where the
# action is no release, or the release cannot be had.
#
#   PLIMSOLL_BIN       the folder to install into
#   ACTION_REF         the tag, branch or commit that the workflow names the action by
#   ACTION_REPOSITORY  its owner/name
#   GITHUB_SERVER_URL  https://github.com, or the address of a GitHub Enterprise server
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
repository="$GITHUB_SERVER_URL/$ACTION_REPOSITORY"

# Whether this is the source that the version was released from. A commit is compared with the tag's.
is_release() {
    case ${ACTION_REF:-} in
    v[0-9]*) return 0 ;;
    *[!0-9a-f]* | "") return 1 ;;
    esac
    [ ${#ACTION_REF} -eq 40 ] &&
        git ls-remote "$repository" "refs/tags/v$version" "refs/tags/v$version^{}" | grep -q "^$ACTION_REF"
}

if is_release; then
    if PLIMSOLL_URL="$repository/releases/download/v$version" PLIMSOLL_BIN=$PLIMSOLL_BIN sh "$source/install.sh"; then
        exit 0
    fi
    echo "::notice::the binary of v$version cannot be installed; compiling it"
else
    echo "\`${ACTION_REF:-}\` is not a release: compiling it"
fi
cargo install --locked --quiet --path "$source" --root "$PLIMSOLL_BIN/.."
