#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite.
#
#   bash tests/run.sh
#   bash tests/run.sh --sanitize address,undefined     (or thread), in a build folder of its own
#   bash tests/run.sh --compiler clang++               the same
#
# The last line is `N passed, N failed`; a build that fails counts as one failure. Exits non-zero if a test failed, or if none ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitize="" compiler="" build=build
while [[ $# -gt 0 ]]; do
  case $1 in
    --sanitize) sanitize=${2:?--sanitize needs a name}; shift 2 ;;
    --compiler) compiler=${2:?--compiler needs a name}; shift 2 ;;
    *) echo "tests: unknown option $1; there are --sanitize and --compiler" >&2; exit 2 ;;
  esac
done

packages=(
  libgtest-dev libgmock-dev    # the tests
  libhdf5-dev libzip-dev pkg-config  # the component keras
  libcli11-dev libgraphviz-dev  # the program xlayers
)
options=(-DXLAYERS_BUILD_TESTS=ON -DXLAYERS_BUILD_EXAMPLES=ON -DXLAYERS_BUILD_BENCH=OFF -DXLAYERS_KERAS=ON)
type=Release
if [[ -n $compiler ]]; then
  build+=-${compiler##*/}
  options+=(-DCMAKE_CXX_COMPILER="$compiler")
  [[ $compiler == clang++ ]] && packages+=(clang)
fi
case $sanitize in
  "") ;;
  address,undefined|undefined,address|address|undefined|thread)
    build+=-${sanitize//,/-}
    type=Debug
    # The examples train for long, and what they run is run by the tests.
    options+=(-DXLAYERS_SANITIZE="$sanitize" -DXLAYERS_BUILD_EXAMPLES=OFF) ;;
  *) echo "tests: --sanitize takes address, undefined, thread or address,undefined, not $sanitize" >&2
     exit 2 ;;
esac

bash examples/install.sh "${packages[@]}"
echo "build: $type${sanitize:+ with -fsanitize=$sanitize}, in $build/"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=$type "${options[@]}" --log-level=WARNING
if ! cmake --build "$build" --parallel "$(nproc)"; then
  echo "tests: the build failed, no test ran"
  echo "0 passed, 1 failed"
  exit 1
fi

rm -f "$build/Testing/Temporary/LastTest.log"
status=0
ctest --test-dir "$build" --output-on-failure --no-tests=error -j2 |
  sed -e '/^\[ RUN      \] /d; /^\[       OK \] /d; /^xlayers: warning: /d' || status=$?  # of thousands of cases those that failed are of interest

# Counted in ctest's log: the cases of a GoogleTest program one by one, any other test as one. A
# program that failed without a failed case (a crash, a sanitizer's report) is one failure more.
read -r passed failed <<<"$(awk '
  function close_test() {
    if (!open) return
    if (ok + bad == 0) { if (good) passed++; else failed++ }
    else { passed += ok; failed += bad; if (!good && bad == 0) failed++ }
    open = 0
  }
  /^[0-9]+\/[0-9]+ Testing: /       { close_test(); open = 1; ok = bad = good = 0 }
  /^\[       OK \] /                { ok++ }
  /^\[  FAILED  \] .* \([0-9]+ ms\)$/ { bad++ }
  /^Test Passed\.$/                 { good = 1 }
  END { close_test(); print passed + 0, failed + 0 }
' "$build/Testing/Temporary/LastTest.log" 2>/dev/null || echo 0 0)"

if [[ $status -ne 0 && $failed -eq 0 ]] || [[ $((passed + failed)) -eq 0 ]]; then
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[[ $status -eq 0 && $failed -eq 0 ]]
