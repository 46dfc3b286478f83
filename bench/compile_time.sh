#!/usr/bin/env bash
# How long a program takes to compile that includes all of xlayers and uses the documentation's Sequential model.
#
#   bash bench/compile_time.sh [LIMIT]     fails if the best of three runs takes more than LIMIT seconds (4)
#
# BUILD_DIR is where CMake has configured the build; build/ if it is not set. CXX is the compiler; c++ if not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

limit=${1:-4}
include=${BUILD_DIR:-build}/include
if [[ ! -f $include/xlayers/xlayers.hpp ]]; then
  echo "compile_time: no $include/xlayers/xlayers.hpp; run cmake -S . -B build first" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.cpp" <<'END'
#include <xlayers/xlayers.hpp>

int main() {
  xl::Sequential model{
      xl::Input({100, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = 64}),
      xl::PositionalEmbedding({.max_len = 100, .d_model = 64}),
      xl::Dense({.units = 32, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
  model.compile({.optimizer = "adam", .loss = "mse"});
  const xl::Tensor x = xl::zeros({64, 100, 1}), y = xl::zeros({64, 100, 1});
  auto history = model.fit(x, y, {.batch_size = 32, .epochs = 10, .validation_split = 0.2});
  xl::Tensor forecast = model.predict(x);
  model.summary();
}
END

# What a program compiles at least that uses xtensor.
cat >"$folder/xtensor.cpp" <<'END'
#include <xtensor/xarray.hpp>

int main() { return static_cast<int>(xt::xarray<float>{1.f}(0)); }
END

compile() { "${CXX:-c++}" -std=c++20 -O2 -I"$include" -c "$folder/$1.cpp" -o "$folder/$1.o"; }
compile program  # its messages, if there are any; and the files are in the cache
compile xtensor

# Processor seconds, which do not count what else the machine does.
TIMEFORMAT='%U %S'
declare -A best=([program]=1000 [xtensor]=1000)
for _ in 1 2 3; do
  for name in program xtensor; do
    seconds=$({ time compile "$name" 2>/dev/null; } 2>&1)
    best[$name]=$(awk -v best="${best[$name]}" -v seconds="$seconds" \
                      'BEGIN { split(seconds, s, " "); t = s[1] + s[2]; print (t < best ? t : best) }')
  done
done
awk -v program="${best[program]}" -v xtensor="${best[xtensor]}" -v limit="$limit" 'BEGIN {
  printf "compile time: %.2f s of processor time, the best of 3 (limit %g s); <xtensor/xarray.hpp> alone %.2f s, ratio %.2f\n",
         program, limit, xtensor, program / xtensor
  exit !(program <= limit)
}'
