#pragma once

// The softmax of attention and its gradient. Four rows go side by side, so that no row waits for its own largest value
// or its own sum.

#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/kernels/impl/long_sums.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr float minus_infinity = -__builtin_inff();

/// 2^x for x <= 0, and 0 from -127 down. With k the integer nearest to x, 2^x = 2^k 2^(x - k); the second factor is a
/// polynomial, off by 1.6e-7 at most, and k is added to its exponent: to that of 1, -127 makes 0.
XL_INLINE Batch exp2_below(const Batch& exponent) {
  const Batch x = xsimd::max(Batch(-127.0f), exponent);  // NaN stays: see relu
  const Batch shift(12582912.0f);  // adding 1.5 2^23 leaves the nearest integer in the low bits of the sum
  const Batch shifted = x + shift;
  const Batch r = x - (shifted - shift);
  Batch p(1.326472731e-3f);
  p = xsimd::fma(p, r, Batch(9.671512991e-3f));
  p = xsimd::fma(p, r, Batch(5.550733581e-2f));
  p = xsimd::fma(p, r, Batch(2.402224243e-1f));
  p = xsimd::fma(p, r, Batch(6.931470037e-1f));
  p = xsimd::fma(p, r, Batch(1.0f));
  return xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<Int>(p) + (xsimd::bitwise_cast<Int>(shifted) << 23));
}

XL_INLINE Quad larger_of(const Quad& a, const Quad& b) { return a > b ? a : b; }

/// The largest of lanes i, i + 4, i + 8, ...
XL_INLINE Quad fold_to_largest(const Batch& x) {
  alignas(64) float lanes[width];
  x.store_aligned(lanes);
  Quad largest = load_quad(lanes);
  for (int i = 4; i < width; i += 4) largest = larger_of(largest, load_quad(lanes + i));
  return largest;
}

/// Of up to four rows, the largest lane of each, and the sum of the lanes of each; always in the same order.
template <int Rows>
XL_INLINE Quad largest_of_each(const Batch (&x)[Rows]) {
  Quad rows[4];
  XL_UNROLL for (int r = 0; r < 4; ++r) rows[r] = fold_to_largest(x[r < Rows ? r : 0]);
  transpose(rows[0], rows[1], rows[2], rows[3]);
  return larger_of(larger_of(rows[0], rows[2]), larger_of(rows[1], rows[3]));
}
template <int Rows>
XL_INLINE Quad sum_of_each(const Batch (&x)[Rows]) {
  Quad rows[4];
  XL_UNROLL for (int r = 0; r < 4; ++r) rows[r] = fold(x[r < Rows ? r : 0]);
  transpose(rows[0], rows[1], rows[2], rows[3]);
  return (rows[0] + rows[2]) + (rows[1] + rows[3]);
}

/// y_i = 2^(factor (x_i - m)) / sum_j 2^(factor (x_j - m)), m = max x, for each row. What is not seen is -infinity; a row
/// that sees nothing is 0.
template <int Rows>
XL_INLINE void softmax_rows(std::int64_t columns, std::int64_t row_stride, float factor, float* x) {
  Batch most[Rows], offset[Rows], sum[Rows], share[Rows];
  XL_UNROLL for (int r = 0; r < Rows; ++r) most[r] = Batch(minus_infinity);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    XL_UNROLL for (int r = 0; r < Rows; ++r) most[r] =
        xsimd::max(most[r], lanes.load_or(x + r * row_stride + i, minus_infinity));
  });
  const Quad largest = largest_of_each(most);
  XL_UNROLL for (int r = 0; r < Rows; ++r) {
    offset[r] = Batch(largest[r] == minus_infinity ? 0.0f : factor * largest[r]);
  }
  Quad total{};
  double totals[4] = {};
  for_each_chain(columns, [&](std::int64_t begin, std::int64_t count) XL_LAMBDA_INLINE {
    XL_UNROLL for (int r = 0; r < Rows; ++r) sum[r] = Batch(0.0f);
    for_each_vector(count, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        float* const at = x + r * row_stride + begin + i;
        const Batch e = exp2_below(xsimd::fms(Batch(factor), lanes.load_or(at, minus_infinity), offset[r]));
        lanes.store(at, e);
        sum[r] += e;
      }
    });
    total = sum_of_each(sum);
    if (columns <= short_row) return;
    for (int r = 0; r < 4; ++r) totals[r] += static_cast<double>(total[r]);
  });
  if (columns > short_row)
    for (int r = 0; r < 4; ++r) total[r] = static_cast<float>(totals[r]);
  XL_UNROLL for (int r = 0; r < Rows; ++r) share[r] = Batch(total[r] == 0.0f ? 0.0f : 1.0f / total[r]);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      float* const at = x + r * row_stride + i;
      lanes.store(at, lanes.load(at) * share[r]);
    }
  });
}

/// visit(std::integral_constant-like number of rows, first row) in steps of four rows, and of one for the last few.
template <class Visit>
XL_INLINE void by_four_rows(std::int64_t rows, Visit visit) {
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) visit.template operator()<4>(row);
  for (; row < rows; ++row) visit.template operator()<1>(row);
}

constexpr float log2_of_e = 1.442695041f;

/// Columns [begin, end) of some rows.
struct SeenColumns {
  std::int64_t begin, end;
};

/// What any of the rows top, top + 1, ... sees, in whole vectors if they are there. Of that, what a row does not see becomes
/// -infinity, and the rest of the rows 0.
template <int Rows>
XL_INLINE SeenColumns hide_unseen(const AttentionRows& of, std::int64_t top, float* s) {
  const std::int64_t columns = of.columns;
  const auto within = [columns](std::int64_t column) { return smaller(larger(column, 0), columns); };
  const auto set = [](float* from, float* to, float value) {
    for (; from < to; ++from) *from = value;
  };
  const std::int64_t begin = within(of.begin + top);
  const std::int64_t seen = larger(within(of.end + top + Rows - 1) - begin, 0);
  const std::int64_t end = smaller(begin + divide_up(seen, width) * width, columns);
  for (std::int64_t row = top; row < top + Rows; ++row) {
    float* const at = s + row * of.row_stride;
    set(at, at + begin, 0.0f);
    set(at + begin, at + smaller(within(of.begin + row), end), minus_infinity);
    set(at + larger(within(of.end + row), begin), at + end, minus_infinity);
    set(at + end, at + columns, 0.0f);
    if (of.visible == nullptr) continue;
    const float* const visible = of.visible + row * of.visible_stride + begin;
    for_each_vector(end - begin, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      const Batch unseen = Batch(minus_infinity), x = lanes.load(at + begin + i);
      lanes.store(at + begin + i, xsimd::select(lanes.load(visible + i) == Batch(0.0f), unseen, x));
    });
  }
  return {begin, end};
}

inline void attention_softmax(const AttentionRows& of, float* s) {
  by_four_rows(of.rows, [&]<int Rows>(std::int64_t top) {
    const SeenColumns seen = hide_unseen<Rows>(of, top, s);
    softmax_rows<Rows>(seen.end - seen.begin, of.row_stride, of.scale * log2_of_e,
                       s + top * of.row_stride + seen.begin);
  });
}

/// x_i = 2^(factor x_i - m) for each row, where m is the larger of what it was and the largest factor x_i; the sum, which was
/// with the m before, takes in what comes.
template <int Rows>
XL_INLINE void softmax_block_rows(std::int64_t columns, std::int64_t row_stride, float factor,
                                  const RunningSoftmax& running, float* x) {
  Batch most[Rows], offset[Rows], sum[Rows];
  XL_UNROLL for (int r = 0; r < Rows; ++r) most[r] = Batch(minus_infinity);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    XL_UNROLL for (int r = 0; r < Rows; ++r) most[r] =
        xsimd::max(most[r], lanes.load_or(x + r * row_stride + i, minus_infinity));
  });
  const Quad largest = largest_of_each(most);
  alignas(64) float change[width < 4 ? 4 : width] = {};
  XL_UNROLL for (int r = 0; r < Rows; ++r) {
    const float before = running.largest[r], here = factor * largest[r], now = here > before ? here : before;
    change[r] = now == minus_infinity ? 0.0f : before - now;
    offset[r] = Batch(now == minus_infinity ? 0.0f : now);
    running.largest[r] = now;
    sum[r] = Batch(0.0f);
  }
  exp2_below(Batch::load_aligned(change)).store_aligned(change);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      float* const at = x + r * row_stride + i;
      const Batch e = exp2_below(xsimd::fms(Batch(factor), lanes.load_or(at, minus_infinity), offset[r]));
      lanes.store(at, e);
      sum[r] += e;
    }
  });
  const Quad total = sum_of_each(sum);
  XL_UNROLL for (int r = 0; r < Rows; ++r) {
    running.factor[r] = change[r];
    running.sum[r] = running.sum[r] * static_cast<double>(change[r]) + static_cast<double>(total[r]);
  }
}

inline void attention_softmax_block(const AttentionRows& of, const RunningSoftmax& running, float* s) {
  by_four_rows(of.rows, [&]<int Rows>(std::int64_t top) {
    const SeenColumns seen = hide_unseen<Rows>(of, top, s);
    softmax_block_rows<Rows>(seen.end - seen.begin, of.row_stride, of.scale * log2_of_e,
                             {running.largest + top, running.sum + top, running.factor + top},
                             s + top * of.row_stride + seen.begin);
  });
}

inline void attention_probabilities(const AttentionRows& of, const float* largest, const float* share, float* s) {
  const Batch factor(of.scale * log2_of_e);
  by_four_rows(of.rows, [&]<int Rows>(std::int64_t top) {
    const SeenColumns seen = hide_unseen<Rows>(of, top, s);
    float* const x = s + top * of.row_stride + seen.begin;
    for_each_vector(seen.end - seen.begin, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        float* const at = x + r * of.row_stride + i;
        const Batch exponent = xsimd::fms(factor, lanes.load(at), Batch(largest[top + r]));
        lanes.store(at, exp2_below(exponent) * Batch(share[top + r]));
      }
    });
  });
}

// ds_j = scale p_j (dp_j - mean)
inline void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride,
                                       const float* mean, float* dp) {
  const Batch factor(of.scale);
  for (std::int64_t row = 0; row < of.rows; ++row, p += p_stride, dp += of.row_stride) {
    const Batch of_row(mean[row]);
    for_each_vector(of.columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      lanes.store(dp + i, factor * lanes.load(p + i) * (lanes.load(dp + i) - of_row));
    });
  }
}

inline void row_products(std::int64_t rows, std::int64_t columns, const float* a, std::int64_t a_row, const float* b,
                         std::int64_t b_row, bool add, float* sums) {
  by_four_rows(rows, [&]<int Rows>(std::int64_t top) {
    double totals[4] = {};
    for_each_chain(columns, [&](std::int64_t begin, std::int64_t count) XL_LAMBDA_INLINE {
      Batch sum[Rows];
      XL_UNROLL for (int r = 0; r < Rows; ++r) sum[r] = Batch(0.0f);
      for_each_vector(count, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
        XL_UNROLL for (int r = 0; r < Rows; ++r) sum[r] +=
            lanes.load(a + (top + r) * a_row + begin + i) * lanes.load(b + (top + r) * b_row + begin + i);
      });
      const Quad of_chain = sum_of_each(sum);
      for (int r = 0; r < Rows; ++r) totals[r] += static_cast<double>(of_chain[r]);
    });
    for (int r = 0; r < Rows; ++r)
      sums[top + r] = static_cast<float>(totals[r] + (add ? static_cast<double>(sums[top + r]) : 0.0));
  });
}

}  // namespace xl::kernels::XL_KERNELS
