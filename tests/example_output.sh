#!/usr/bin/env bash
# Runs a program and compares what it prints, line by line, with a file, in which
#
#   ...           stands for any text; alone in a line, for any lines or none
#   {LOW..HIGH}   stands for a number from LOW to HIGH
#
#   bash example_output.sh EXPECTED PROGRAM [ARGUMENT...]
set -euo pipefail
export LC_ALL=C

expected=$1
output=$("${@:2}")
echo "$output"
mapfile -t printed <<<"$output"

# matches LINE PATTERN
matches() {
  local regex range i=0
  regex=$(sed -E 's/[][\\.*^$+?(){}|]/\\&/g; s/\\\.\\\.\\\./.*/g
                  s/\\\{[-0-9e\\.]+\\\.\\\.[-0-9e\\.]+\\\}/(-?[0-9][-+0-9.e]*)/g' <<<"$2")
  [[ $1 =~ ^$regex$ ]] || return 1
  local numbers=("${BASH_REMATCH[@]:1}")
  while read -r range; do
    awk -v number="${numbers[i++]}" -v low="${range%%..*}" -v high="${range##*..}" \
      'BEGIN { exit !(number + 0 >= low + 0 && number + 0 <= high + 0) }' || return 1
  done < <(grep -oE '\{[-0-9.e]+\.\.[-0-9.e]+\}' <<<"$2" | tr -d '{}')
}

line=0 any_lines=false
while IFS= read -r pattern; do
  if [[ $pattern == ... ]]; then
    any_lines=true
    continue
  fi
  first=$line
  until [[ $line -lt ${#printed[@]} ]] && matches "${printed[line]}" "$pattern"; do
    line=$((line + 1))
    if ! $any_lines || [[ $line -ge ${#printed[@]} ]]; then
      echo "example_output: expected after line $first: $pattern" >&2
      echo "           got: ${printed[first]-the end}" >&2
      exit 1
    fi
  done
  line=$((line + 1)) any_lines=false
done <"$expected"
if ! $any_lines && [[ $line -lt ${#printed[@]} ]]; then
  echo "example_output: expected the end, got: ${printed[line]}" >&2
  exit 1
fi
