#!/usr/bin/env bash
# Has the component keras write the golden models as files of Keras, and Keras read them.
#
#   bash tests/keras_reads.sh KERAS_TESTS PYTHON     the test program, and a Python with what tests/golden/requirements.txt lists
set -euo pipefail
tests=$1 python=$2
golden=$(dirname "${BASH_SOURCE[0]}")/golden

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
XLAYERS_WRITE_FOR_KERAS=$folder "$tests" --gtest_brief=1 --gtest_filter='*WritesForKeras*'
KERAS_BACKEND=jax JAX_PLATFORMS=cpu CUDA_VISIBLE_DEVICES="" "$python" "$golden/read_keras_files.py" "$folder"
