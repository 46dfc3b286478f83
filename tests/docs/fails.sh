#!/usr/bin/env bash
# fails.sh PAGE COMMAND...: succeeds if the command exits with 1 and its output has each text that
# the page names in <!-- fails: TEXT --> lines. Line breaks in the output count as spaces.
set -euo pipefail

page=$1
shift
status=0
output=$("$@" 2>&1) || status=$?
echo "$output"
[[ $status -eq 1 ]] || { echo "fails.sh: the exit code is $status, not 1"; exit 1; }

mapfile -t expected <<<"$(sed -n 's/^<!-- fails: \(.*\) -->$/\1/p' "$page")"
[[ -n ${expected[0]} ]] || { echo "fails.sh: $page names no failure"; exit 1; }
for text in "${expected[@]}"; do
  [[ ${output//$'\n'/} == *"$text"* ]] || { echo "fails.sh: not in the output: $text"; exit 1; }
done
# A page that counts its failures has these and no other.
if [[ $output =~ ([0-9]+)" failure" && ${BASH_REMATCH[1]} -ne ${#expected[@]} ]]; then
  echo "fails.sh: ${BASH_REMATCH[1]} failures, ${#expected[@]} expected"
  exit 1
fi
