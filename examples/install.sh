#!/usr/bin/env bash
# Installs from Debian what a build needs, and nothing if all is there.
#
#   bash examples/install.sh           what the library and the examples need
#   bash examples/install.sh PACKAGE...  the same, and these packages
set -euo pipefail

packages=(
  g++                          # the compiler: C++20
  cmake ninja-build            # the build
  libxtensor-dev               # tensors
  libxsimd-dev                 # SIMD kernels
  libboost-serialization-dev   # config archives: text, binary, XML
  nlohmann-json3-dev           # config as JSON
  libxxhash-dev                # checksums of files
  libcli11-dev                 # the command line of the program xlayers
  "$@"
)

if ! command -v dpkg-query >/dev/null; then
  echo "install: not a Debian system; these have to be there: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [[ $status == "install ok installed" ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $(id -u) -eq 0 ]]; then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo env)
else
  echo "install: missing: ${missing[*]}" >&2
  echo "install: neither root nor sudo; as root run: apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "install: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get -q update &&
       "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
         "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  tail -n 30 "$log" >&2
  echo "install: apt-get failed" >&2
  exit 1
fi
