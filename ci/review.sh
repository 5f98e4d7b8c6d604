#!/usr/bin/env bash
# What the GitHub Action and the GitLab job run: verify the committed bundles, check what is rendered, and write what
# applying the change will do as Markdown. Exits with 1 where a check fails or a committed bundle is not what is rendered.
#
#   PLIMSOLL               the command                                   (plimsoll)
#   PLIMSOLL_PROJECT       the folder with plimsoll.toml                 (.)
#   PLIMSOLL_OUT           the folder of the committed bundles           (none: nothing is verified)
#   PLIMSOLL_ENVIRONMENTS  their environments, with blanks between       (e2e)
#   PLIMSOLL_BASE          the Git revision to compare with              (origin/main...)
#   PLIMSOLL_REPORT        the Markdown file to write                    (plimsoll.md)
#   PLIMSOLL_REPORTS       reports of the bundles' findings to write, with blanks between, such as sarif=plimsoll.sarif  (none)
#   PLIMSOLL_FORMAT        how findings are written: human, github, ...  (human)
set -uo pipefail

plimsoll=${PLIMSOLL:-plimsoll}
project=${PLIMSOLL_PROJECT:-.}
out=${PLIMSOLL_OUT:-}
base=${PLIMSOLL_BASE:-origin/main...}
report=${PLIMSOLL_REPORT:-plimsoll.md}
failed=0

{
  if [ -n "$out" ]; then
    environments=()
    for environment in ${PLIMSOLL_ENVIRONMENTS:-e2e}; do
      environments+=(--env "$environment")
    done
    reports=()
    for to in ${PLIMSOLL_REPORTS:-}; do
      reports+=(--report "$to")
    done
    # Renders and checks all bundles on the way.
    drift=$("$plimsoll" --project "$project" render --all "${environments[@]}" --out "$out" --verify ${reports[@]+"${reports[@]}"})
    case $? in
      0) ;;
      1)
        failed=1
        # The backquotes are Markdown.
        # shellcheck disable=SC2016
        printf '### The committed bundles are not what is rendered\n\n```\n%s\n```\n\n' "${drift:-a check failed; see the log}"
        # shellcheck disable=SC2016
        printf '`plimsoll render --all %s --out %s` writes them.\n\n' "${environments[*]}" "$out"
        ;;
      *) failed=2 ;;
    esac
    # One by one: each bundle is for a cluster of its own.
    for file in "$out"/*.yaml; do
      "$plimsoll" --project "$project" check "$file" --output "${PLIMSOLL_FORMAT:-human}" >&2
      status=$?
      [ "$status" -le "$failed" ] || failed=$status
    done
  fi

  "$plimsoll" --project "$project" diff --base "$base" --output markdown
  status=$?
  # That something changes is what pull requests are for.
  changed=false
  case $status in
    0) ;;
    1) changed=true ;;
    *) failed=$status ;;
  esac
} > "$report"

[ -z "${GITHUB_OUTPUT:-}" ] || echo "changed=$changed" >> "$GITHUB_OUTPUT"
exit "$failed"
