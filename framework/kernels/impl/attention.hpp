#pragma once

// The softmax of attention: scaled, masked, and its gradient.

#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/kernels/impl/activations_rows.hpp"

namespace xl::kernels::XL_KERNELS {

/// e^x for x <= 0; what is below e^-87 = 1.6e-38 is that.
XL_INLINE Batch exp_below(const Batch& x) {
  const ExpParts parts = exp_parts(at_least(x, -87.0f));
  const Batch power = power_of_two(parts.k);
  return xsimd::fma(power, parts.p, power);
}

inline void zero_row(std::int64_t columns, float* y) {
  for_each_vector(columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(y + i, Batch(0.0f)); });
}

/// y_i = e^(scale (x_i - m)) / sum_j e^(scale (x_j - m)), m = max x, over those i where `visible` is not 0; 0 for the others.
template <bool masked>
XL_INLINE void attention_row(std::int64_t columns, float scale, const float* visible, float* x) {
  // Lanes behind the end, and columns that are not seen, are -infinity.
  const auto seen = [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch s = lanes.load_or(x + i, negative_infinity);
    if constexpr (masked) return xsimd::select(lanes.load(visible + i) == Batch(0.0f), Batch(negative_infinity), s);
    return s;
  };
  Batch most(negative_infinity);
  for_each_vector(columns,
                  [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { most = xsimd::max(most, seen(i, lanes)); });
  const float largest = largest_lane(most);
  if (masked && largest == negative_infinity) return zero_row(columns, x);

  const Batch factor(scale), offset(scale * largest);
  Batch sum(0.0f);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch s = seen(i, lanes);
    Batch e = exp_below(xsimd::fms(factor, s, offset));
    e = xsimd::select(s == Batch(negative_infinity), Batch(0.0f), e);
    lanes.store(x + i, e);
    sum += e;
  });
  const Batch share(1.0f / sum_of_lanes(sum));
  for_each_vector(columns,
                  [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(x + i, lanes.load(x + i) * share); });
}

inline void attention_softmax(const AttentionRows& of, float* s) {
  for (std::int64_t row = 0; row < of.rows; ++row, s += of.row_stride) {
    const std::int64_t begin = smaller(larger(0, of.begin + row), of.columns);
    const std::int64_t end = larger(smaller(of.end + row, of.columns), begin);
    zero_row(begin, s);
    zero_row(of.columns - end, s + end);
    if (begin == end) continue;
    if (of.visible != nullptr)
      attention_row<true>(end - begin, of.scale, of.visible + row * of.columns + begin, s + begin);
    else
      attention_row<false>(end - begin, of.scale, nullptr, s + begin);
  }
}

// ds_j = scale p_j (dp_j - sum_l p_l dp_l)
inline void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride, float* dp) {
  const Batch factor(of.scale);
  for (std::int64_t row = 0; row < of.rows; ++row, p += p_stride, dp += of.row_stride) {
    const Batch mean(sum_of_row(of.columns, [=](std::int64_t i, auto lanes)
                                                XL_LAMBDA_INLINE { return lanes.load(p + i) * lanes.load(dp + i); }));
    for_each_vector(of.columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      lanes.store(dp + i, factor * lanes.load(p + i) * (lanes.load(dp + i) - mean));
    });
  }
}

}  // namespace xl::kernels::XL_KERNELS
