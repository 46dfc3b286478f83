#!/usr/bin/env bash
# Each installed header compiles, without a warning, in a program that includes nothing else.
#
#   bash tests/public_headers.sh PREFIX COMPILER...     a compiler that is not there is left out
set -euo pipefail

include=$1/include
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$include"
find xlayers -name '*.hpp' | sort >"$folder/all"
# The old places of headers, from before there were rooms, only include the new ones: all of them together.
grep -xE 'xlayers/(framework|models)/[^/]+' "$folder/all" >"$folder/old"
sed 's/.*/#include <&>/' "$folder/old" >"$folder/old_places.hpp"
{ grep -vxFf "$folder/old" "$folder/all"; echo old_places.hpp; } >"$folder/headers"

# Whatever includes xtensor in the end finds it precompiled, which saves most of the time: when such a header comes to what
# it says itself, xtensor has been read in any case.
echo xlayers/framework/tensor/xtensor.hpp >"$folder/with_xtensor"
for _ in 1 2 3 4 5 6 7 8 9; do
  grep -rlFf "$folder/with_xtensor" xlayers "$folder/old_places.hpp" | sed "s|^$folder/||" >"$folder/more"
  sort -u "$folder/with_xtensor" "$folder/more" -o "$folder/with_xtensor"
done

flags=(-std=c++20 -Wall -Wextra -Werror -I. -I"$folder")
compile() {
  local compiler=$1 header=$2 precompiled=()
  grep -qxF "$header" "$folder/with_xtensor" && precompiled=(-include "$folder/$(basename "$compiler").hpp")
  echo "#include <$header>" |
    "$compiler" "${flags[@]}" "${precompiled[@]}" -fsyntax-only -x c++ - ||
    { echo "public_headers: $compiler does not compile <$header> alone" && return 1; }
}

status=0
for compiler in "$@"; do
  if ! command -v "$compiler" >/dev/null; then
    echo "public_headers: there is no $compiler"
    continue
  fi
  xtensor=$folder/$(basename "$compiler").hpp
  echo '#include <xlayers/framework/tensor/xtensor.hpp>' >"$xtensor"
  "$compiler" "${flags[@]}" -x c++-header "$xtensor" -o "$xtensor.gch"
  running=0
  while read -r header; do
    [[ $running -lt 2 ]] || { wait -n || status=1; running=1; }
    compile "$compiler" "$header" &
    running=$((running + 1))
  done <"$folder/headers"
  while [[ $running -gt 0 ]]; do
    wait -n || status=1
    running=$((running - 1))
  done
done
echo "public_headers: $(wc -l <"$folder/headers") headers, of them $(wc -l <"$folder/with_xtensor") with xtensor"
exit $status
