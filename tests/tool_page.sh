#!/usr/bin/env bash
# Runs the ```sh blocks of a page one after the other in the current folder, and compares what each prints, its errors too, with
# the ```text block behind it, as example_output.sh does. Without one, it has to print nothing.
#
#   bash tests/tool_page.sh PAGE FOLDER      FOLDER is that of the program
set -euo pipefail

page=$1 here=$(dirname "${BASH_SOURCE[0]}")
PATH=$2:$PATH
blocks=$(mktemp -d)
trap 'rm -rf "$blocks"' EXIT

# N.sh, and N.txt of the text behind it.
awk -v folder="$blocks" '
  /^```/ && !file     { kind = substr($0, 4)
                        file = "/dev/null"
                        if (kind == "sh") { file = folder "/" ++count ".sh"; printf "" > (folder "/" count ".txt") }
                        if (kind == "text" && before == "sh") file = folder "/" count ".txt"
                        before = kind; next }
  /^```/              { if (file != "/dev/null") close(file); file = ""; next }
  file                { print > file }
  !file && NF         { before = "" }' "$page"

[[ -f $blocks/1.sh ]] || { echo "tool_page: $page has no block of commands"; exit 1; }
for script in "$blocks"/*.sh; do
  echo "== $(cat "$script")"
  if [[ -s ${script%.sh}.txt ]]; then
    bash "$here/example_output.sh" "${script%.sh}.txt" bash -c "exec 2>&1; $(cat "$script")"
  else
    output=$(bash -c "exec 2>&1; $(cat "$script")")
    [[ -z $output ]] || { echo "tool_page: expected nothing, got: $output"; exit 1; }
  fi
done
