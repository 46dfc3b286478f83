#!/usr/bin/env bash
# Fuzzes every reader of files for so many seconds, two at a time, built by clang with the address and undefined behaviour
# sanitizers: a crash, more than a second for one input, or an allocation of more than 64 MiB (fuzz/readers.cpp) is a fault. The
# inputs have at most 64 KiB.
#
#   bash tests/fuzz.sh SECONDS [READER...]     xl_binary, npy, ...; else all
#
# Starts from tests/fuzz/corpus; what it finds lies in build-fuzz/READER, and inputs that are faults in build-fuzz/faults.
# Put those into the corpus, where the suite reads them again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?usage: bash tests/fuzz.sh SECONDS [READER...]}
readers=("${@:2}")
if [[ ${#readers[@]} -eq 0 ]]; then
  for folder in tests/fuzz/corpus/*/; do readers+=("$(basename "$folder")"); done
fi

bash examples/install.sh libgtest-dev libhdf5-dev libzip-dev pkg-config clang libclang-rt-14-dev
cmake -S . -B build-fuzz -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DXLAYERS_KERAS=ON -DXLAYERS_FUZZ=ON \
  -DXLAYERS_SANITIZE=address,undefined -DXLAYERS_BUILD_EXAMPLES=OFF -DXLAYERS_BUILD_BENCH=OFF -DXLAYERS_BUILD_TOOL=OFF \
  --log-level=WARNING
cmake --build build-fuzz --target fuzz --parallel "$(nproc)"

fuzz() {
  local reader=$1 found=build-fuzz/$1 status=0
  mkdir -p "$found" build-fuzz/faults
  XLAYERS_READER=$reader UBSAN_OPTIONS=print_stacktrace=1 build-fuzz/tests/fuzz "$found" "tests/fuzz/corpus/$reader" \
    -max_total_time="$seconds" -timeout=1 -malloc_limit_mb=0 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/faults/$reader-" >"$found.log" 2>&1 || status=$?
  if [[ $status -eq 0 ]]; then
    echo "fuzz: $reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs, no fault"
  else
    echo "fuzz: $reader: a fault, see $found.log"
    return 1
  fi
}
export -f fuzz
export seconds

printf '%s\n' "${readers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}'
