#!/usr/bin/env bash
# Builds the documentation site into target/book: the pages of docs/, and a page for each rule. Fails on a warning of mdBook.
#
#   PLIMSOLL   the command                  (target/debug/plimsoll)
#   MDBOOK     mdBook, 0.5                  (mdbook)
set -euo pipefail
cd "$(dirname "$0")/.."
plimsoll=$(realpath "${PLIMSOLL:-target/debug/plimsoll}")

stage=target/book-stage
rm -rf "$stage" target/book
mkdir -p "$stage"
cp -r book.toml docs "$stage"
cp CHANGELOG.md SECURITY.md CONTRIBUTING.md "$stage/docs"
"$plimsoll" rules --output "$stage/docs/rules" 2> /dev/null

# The page of all rules becomes the list of their families; the rules are listed below it.
# shellcheck disable=SC2016 # The backquotes are Markdown.
{
  printf '# Rules\n\nWhat `plimsoll check`, `render`, `diff` and `status` report, by family:\n\n'
  sed -n 's/^- \[\(.*\)\](\(.*\))$/## \1\n\n[Its findings](rules\/\2)\n/p' "$stage/docs/rules/SUMMARY.md"
} > "$stage/docs/rules.md"
while IFS= read -r line; do
  printf '%s\n' "$line"
  if [ "$line" = '- [Rules](rules.md)' ]; then
    sed 's/^/  /; s/](/](rules\//' "$stage/docs/rules/SUMMARY.md"
  fi
done < docs/SUMMARY.md > "$stage/docs/SUMMARY.md"
rm "$stage/docs/rules/SUMMARY.md"
printf -- '- [Changelog](CHANGELOG.md)\n- [Security](SECURITY.md)\n- [Contributing](CONTRIBUTING.md)\n' >> "$stage/docs/SUMMARY.md"

# Pages of the repository are pages of the site; other files of it that pages name come along as they are.
sed -i.bak -E 's#\]\(\.\./(CHANGELOG|SECURITY|CONTRIBUTING)\.md#](\1.md#g; s#\]\(\.\./#](files/#g' "$stage"/docs/*.md
sed -i.bak -E 's#\]\(docs/#](#g' "$stage"/docs/{CHANGELOG,SECURITY,CONTRIBUTING}.md
rm "$stage"/docs/*.bak
grep -rhoE '\]\(files/[^)#]+' "$stage/docs" --include='*.md' | sed 's#](files/##' | sort -u | while IFS= read -r file; do
  mkdir -p "$(dirname "$stage/docs/files/$file")"
  cp "$file" "$stage/docs/files/$file"
done

if ! log=$("${MDBOOK:-mdbook}" build "$stage" --dest-dir "$PWD/target/book" 2>&1) || grep -E 'WARN|ERROR' <<< "$log"; then
  printf '%s\n' "$log" >&2
  exit 1
fi
echo "built target/book"
