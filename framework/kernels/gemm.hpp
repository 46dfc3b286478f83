#pragma once

#include <cstdint>

namespace xl::kernels {

/// A matrix product C = A B, with what can be done to C while it is still in registers:
///
///     C[i, j] = act( (accumulate ? C[i, j] : 0) + sum_l A[i, l] B[l, j] + bias[j] + addend[i, j] )
///
/// A is (m, k) with any two strides, so a transposed matrix or the overlapping windows of a convolution
/// are just other strides. B is (k, n), stored row-major, or (n, k) row-major if `b_transposed`.
/// C is (m, n), row-major. All strides are in floats.
///
/// With `terms`, C is a sum of so many products: those of A and B, of what stands a_term and b_term behind them, and so on.
///
/// The order in which an element's products are added up does not depend on m, so a row's bits do not depend on
/// the rows beside it.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  std::int64_t a_row = 0, a_col = 1;
  const float* b = nullptr;
  std::int64_t b_row = 0;
  bool b_transposed = false;
  float* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
  const float* bias = nullptr;    // (n), or none
  const float* addend = nullptr;  // (m, n), or none
  std::int64_t addend_row = 0;    // stride between the addend's rows
  bool relu = false;              // act(x) = max(x, 0); else the identity
  std::int64_t terms = 1, a_term = 0, b_term = 0;
};

/// One thread, no allocation, on the instruction set that `kernels::instruction_set()` names.
void gemm(const Gemm& product);

/// to[j, i] = from[i, j], contiguous: `from` has so many rows, `from_row` apart, and columns. For a B that several products
/// take transposed.
void transpose(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_row, float* to);

}  // namespace xl::kernels
