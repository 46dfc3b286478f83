#!/usr/bin/env bash
# Times the same work in xlayers and in libtorch, in turns in one process: two models of the documentation, or models from small to
# large.
#
#   TORCH_DIR=/path/to/site-packages/torch bash bench/libtorch/run.sh [THREADS [ROUNDS]]
#   TORCH_DIR=/path/to/site-packages/torch bash bench/libtorch/run.sh growth [THREADS [ROUNDS [WORK]]]
#
# TORCH_DIR is the folder of the torch Python package, whose C++ library this uses; if it is not set, python3 is
# asked. Nothing of it is part of the normal build. BUILD_DIR is where to build; build/ if it is not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

torch=${TORCH_DIR:-$(python3 -c 'import torch, os; print(os.path.dirname(torch.__file__))' 2>/dev/null || true)}
if [[ ! -f $torch/include/torch/csrc/api/include/torch/torch.h ]]; then
  echo "libtorch: set TORCH_DIR to the folder of the torch Python package" >&2
  exit 2
fi

build=${BUILD_DIR:-build}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release --log-level=WARNING
cmake --build "$build" --target xlayers

name=train_step
[[ ${1:-} == growth ]] && name=$1 && shift
program=$build/bench_libtorch_$name
if [[ ! $program -nt bench/libtorch/$name.cpp || ! $program -nt $build/libxlayers.a ]]; then
  "${CXX:-c++}" -std=c++20 -O2 "bench/libtorch/$name.cpp" -o "$program" \
    -I"$build/include" -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" \
    "$build/libxlayers.a" -lboost_serialization -pthread \
    -L"$torch/lib" -ltorch -ltorch_cpu -lc10 -Wl,-rpath,"$torch/lib" -Wl,--allow-shlib-undefined
fi
CUDA_VISIBLE_DEVICES="" exec "$program" "$@"
