#!/bin/sh
# Installs the plimsoll binary of one release, after comparing it with the release's checksums. Needs no compiler.
#
#   PLIMSOLL_URL=https://…/releases/download/v0.1.0 sh install.sh
#
# The copy that a release publishes knows where its own release is, and needs no PLIMSOLL_URL.
#
# Environment:
#   PLIMSOLL_URL  the address of the release's files, without a slash at the end
#   PLIMSOLL_BIN  the folder to install into (~/.local/bin)
set -eu

# The release workflow fills this in.
release=

stop() {
    echo "install.sh: $*" >&2
    exit 1
}

# The target triple of this machine, as the release's archives are named.
target() {
    case "$(uname -s)/$(uname -m)" in
    Linux/x86_64 | Linux/amd64) echo x86_64-unknown-linux-musl ;;
    Linux/aarch64 | Linux/arm64) echo aarch64-unknown-linux-musl ;;
    Darwin/x86_64) echo x86_64-apple-darwin ;;
    Darwin/arm64 | Darwin/aarch64) echo aarch64-apple-darwin ;;
    MINGW*/x86_64 | MSYS*/x86_64 | CYGWIN*/x86_64) echo x86_64-pc-windows-msvc ;;
    *) stop "no binary is released for $(uname -s) on $(uname -m); compile it: cargo install --locked --path ." ;;
    esac
}

# download URL FILE
download() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 3 --proto '=https,file' --proto-redir '=https' \
            --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q -O "$2" "$1"
    else
        stop "curl or wget is needed"
    fi || stop "cannot download $1"
}

# The SHA-256 of a file, in hexadecimal.
sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1"
    elif command -v shasum >/dev/null; then
        shasum -a 256 <"$1"
    elif command -v openssl >/dev/null; then
        openssl dgst -sha256 -r <"$1"
    else
        stop "sha256sum, shasum or openssl is needed to verify the download"
    fi | cut -d ' ' -f 1
}

# All of it is one function, called at the end: of a script that arrived in part, nothing runs.
main() {
    url=${PLIMSOLL_URL:-$release}
    [ -n "$url" ] || stop "PLIMSOLL_URL is not set: give the address of a release's files"
    bin=${PLIMSOLL_BIN:-${HOME:?}/.local/bin}
    target=$(target)
    case $target in
    *windows*) archive=plimsoll-$target.zip program=plimsoll.exe ;;
    *) archive=plimsoll-$target.tar.gz program=plimsoll ;;
    esac

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    download "$url/SHA256SUMS" "$work/SHA256SUMS"
    download "$url/$archive" "$work/$archive"

    # `<digest>  <name>`, or `<digest> *<name>`.
    expected=$(awk -v name="$archive" '{ sub(/^\*/, "", $2) } $2 == name { print $1 }' "$work/SHA256SUMS")
    [ -n "$expected" ] || stop "SHA256SUMS has no entry for $archive: nothing was installed"
    actual=$(sha256 "$work/$archive")
    [ "$actual" = "$expected" ] ||
        stop "checksum mismatch for $archive: expected $expected, got $actual: nothing was installed"

    case $archive in
    *.zip) unzip -q "$work/$archive" "$program" -d "$work" ;;
    *) tar -xzf "$work/$archive" -C "$work" "$program" ;;
    esac
    chmod 755 "$work/$program"
    # A binary that does not run here replaces none that does.
    version=$("$work/$program" --version) || stop "the downloaded binary does not run on this machine: nothing was installed"
    mkdir -p "$bin"
    # Renamed over the old one within its folder, so that there is always a whole one.
    cp "$work/$program" "$bin/.$program.$$"
    mv -f "$bin/.$program.$$" "$bin/$program"
    echo "installed $version to $bin/$program"
    case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "add $bin to PATH" ;;
    esac
}

main
