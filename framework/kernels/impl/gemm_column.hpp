#pragma once

// The product of a matrix with one column: a dense layer with one unit, and its weight gradient.

#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/impl/simd.hpp"

namespace xl::kernels::XL_KERNELS {

/// What becomes of a sum before it is stored.
inline void finish(const Gemm& p, std::int64_t row, std::int64_t column, float sum) {
  float* const c = p.c + row * p.c_row + column;
  if (p.accumulate) sum += *c;
  if (p.bias != nullptr) sum += p.bias[column];
  if (p.addend != nullptr) sum += p.addend[row * p.addend_row + column];
  if (p.relu && sum < 0.0f) sum = 0.0f;  // NaN stays NaN
  *c = sum;
}

/// The same for rows row ... row + 3, all at once if they lie contiguous.
XL_INLINE void finish_four(const Gemm& p, std::int64_t row, Quad sum) {
  if (p.c_row != 1 || (p.addend != nullptr && p.addend_row != 1)) {
    for (int r = 0; r < 4; ++r) finish(p, row + r, 0, sum[r]);
    return;
  }
  float* const c = p.c + row;
  if (p.accumulate) sum += load_quad(c);
  if (p.bias != nullptr) sum += *p.bias;
  if (p.addend != nullptr) sum += load_quad(p.addend + row);
  if (p.relu) sum = reinterpret_cast<Quad>(reinterpret_cast<QuadBits>(sum) & ~(sum < 0.0f));
  store_quad(c, sum);
}

// Rows that lie contiguous: c[i] = sum over lanes of sum_t A[i, t width + lane] b[t width + lane].
// Four rows at a time; the last rows are paired with copies of themselves, so that every row's
// lanes are added up in the same order.
inline void multiply_column_by_rows(const Gemm& p, const float* b) {
  const std::int64_t whole = p.k / width * width;
  const int rest = static_cast<int>(p.k - whole);
  const Batch b_rest = load_partial(b + whole, rest);
  for (std::int64_t i = 0; i < p.m; i += 4) {
    const float* a[4];
    for (std::int64_t r = 0; r < 4; ++r) a[r] = p.a + smaller(i + r, p.m - 1) * p.a_row;
    Batch sum[4] = {Batch(0.0f), Batch(0.0f), Batch(0.0f), Batch(0.0f)};
    for (std::int64_t l = 0; l < whole; l += width) {
      const Batch factor = load(b + l);
      XL_UNROLL for (int r = 0; r < 4; ++r) sum[r] = xsimd::fma(load(a[r] + l), factor, sum[r]);
    }
    if (rest > 0) {
      XL_UNROLL for (int r = 0; r < 4; ++r) { sum[r] = xsimd::fma(load_partial(a[r] + whole, rest), b_rest, sum[r]); }
    }
    Quad s = fold(sum[0]), t = fold(sum[1]), u = fold(sum[2]), v = fold(sum[3]);
    transpose(s, t, u, v);
    const Quad total = (s + t) + (u + v);
    if (i + 4 <= p.m) {
      finish_four(p, i, total);
    } else {
      for (std::int64_t r = 0; i + r < p.m; ++r) finish(p, i + r, 0, total[r]);
    }
  }
}

// Columns that lie contiguous: a vector of rows at a time, as four sums over l = 0, 1, 2, 3
// modulo 4.
inline void multiply_column_by_columns(const Gemm& p, std::int64_t b_stride) {
  for (std::int64_t i = 0; i < p.m; i += width) {
    const std::int64_t rows = smaller(width, p.m - i);
    const float* a = p.a + i;
    const float* b = p.b;
    Batch sum[4] = {Batch(0.0f), Batch(0.0f), Batch(0.0f), Batch(0.0f)};
    const auto rows_of = [&](const float* from) XL_LAMBDA_INLINE {
      return rows == width ? load(from) : load_partial(from, static_cast<int>(rows));
    };
    std::int64_t l = 0;
    for (; l + 4 <= p.k; l += 4, a += 4 * p.a_col, b += 4 * b_stride) {
      XL_UNROLL for (int s = 0; s < 4; ++s) {
        sum[s] = xsimd::fma(rows_of(a + s * p.a_col), Batch(b[s * b_stride]), sum[s]);
      }
    }
    for (int s = 0; l < p.k; ++l, ++s, a += p.a_col, b += b_stride) {
      sum[s] = xsimd::fma(rows_of(a), Batch(*b), sum[s]);
    }
    alignas(64) float total[width];
    ((sum[0] + sum[1]) + (sum[2] + sum[3])).store_aligned(total);
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4) finish_four(p, i + r, load_quad(total + r));
    for (; r < rows; ++r) finish(p, i + r, 0, total[r]);
  }
}

/// C = A b where it pays; false where the general product is the better way.
inline bool multiply_column(const Gemm& p) {
  const std::int64_t b_stride = p.b_transposed ? 1 : p.b_row;
  if (p.a_col == 1) {
    if (b_stride == 1) {
      multiply_column_by_rows(p, p.b);
      return true;
    }
    constexpr std::int64_t room = 1024;
    if (p.k > room) return false;
    float b[room];
    for (std::int64_t l = 0; l < p.k; ++l) b[l] = p.b[l * b_stride];
    multiply_column_by_rows(p, b);
    return true;
  }
  if (p.a_row == 1) {
    multiply_column_by_columns(p, b_stride);
    return true;
  }
  return false;
}

}  // namespace xl::kernels::XL_KERNELS
