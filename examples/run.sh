#!/usr/bin/env bash
# Installs what is missing, builds, and trains the documentation's Sequential model on ETTh1.
#
#   bash examples/run.sh [ARGUMENT...]   the arguments go to build/examples/forecast
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash examples/install.sh
echo "build: Release, in build/"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DXLAYERS_BUILD_TESTS=OFF -DXLAYERS_BUILD_BENCH=OFF -DXLAYERS_BUILD_EXAMPLES=ON --log-level=WARNING
cmake --build build --parallel "$(nproc)"
exec build/examples/forecast "$@"
