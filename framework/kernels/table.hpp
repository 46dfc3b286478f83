#pragma once

// Internal: how the kernels of one instruction set are found.

#include "xlayers/framework/kernels/gemm.hpp"

namespace xl::kernels {

/// The kernels of one instruction set. Each function does what the public one of its name does.
struct Table {
  void (*gemm)(const Gemm& product);
};

/// The kernels of each instruction set; null if this build does not have them.
const Table* baseline_table();
const Table* avx2_table();
const Table* avx512_table();

/// The kernels of `instruction_set()`.
const Table& table();

}  // namespace xl::kernels
