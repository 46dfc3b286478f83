#pragma once

// Layer normalization and root mean square normalization of rows.

#include "xlayers/framework/kernels/impl/loop.hpp"
#include "xlayers/framework/kernels/normalization.hpp"

namespace xl::kernels::XL_KERNELS {

struct Sums {
  double first = 0.0, second = 0.0;
};

/// The sums of two terms over a row: add(i, lanes, first, second) adds them up in vectors, which go into doubles before
/// they have many terms. Lanes behind the end must add 0.
template <class Add>
XL_INLINE Sums sums_of_row(std::int64_t columns, Add add) {
  constexpr std::int64_t block = 64 * width;
  Sums sums;
  for (std::int64_t begin = 0; begin < columns; begin += block) {
    Batch first(0.0f), second(0.0f);
    for_each_vector(smaller(block, columns - begin),
                    [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { add(begin + i, lanes, first, second); });
    sums.first += static_cast<double>(sum_of_lanes(first));
    sums.second += static_cast<double>(sum_of_lanes(second));
  }
  return sums;
}

// The mean as a float is a little off, which is made good by the mean of what is left:
// d = x - float(mean(x)),  var(x) = mean(d^2) - mean(d)^2,  n = (d - mean(d)) * rstd
inline void normalize(const Normalization& call, const float* x, float* y, float* statistics) {
  const double share = 1.0 / static_cast<double>(call.columns);
  const float *scale = call.scale, *offset = call.offset;
  for (std::int64_t row = 0; row < call.rows; ++row, x += call.columns, y += call.columns, statistics += 2) {
    float mean = 0.0f;
    if (call.centered) {
      const Sums sums = sums_of_row(call.columns, [=](std::int64_t i, auto lanes, Batch& sum, Batch&)
                                                      XL_LAMBDA_INLINE { sum += lanes.load(x + i); });
      mean = static_cast<float>(sums.first * share);
    }
    const Batch m(mean);
    const Sums sums =
        sums_of_row(call.columns, [=](std::int64_t i, auto lanes, Batch& sum, Batch& squares) XL_LAMBDA_INLINE {
          const Batch d = lanes.load_or(x + i, mean) - m;
          sum += d;
          squares = xsimd::fma(d, d, squares);
        });
    const double rest = call.centered ? sums.first * share : 0.0;
    const double variance = sums.second * share - rest * rest;
    const float rstd = static_cast<float>(1.0 / __builtin_sqrt(variance + static_cast<double>(call.epsilon)));
    statistics[0] = mean;
    statistics[1] = rstd;

    const Batch r(rstd), shift(static_cast<float>(-rest * static_cast<double>(rstd)));
    for_each_vector(call.columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      Batch n = xsimd::fma(lanes.load(x + i) - m, r, shift);
      if (scale != nullptr) n = n * lanes.load(scale + i);
      if (offset != nullptr) n = n + lanes.load(offset + i);
      lanes.store(y + i, n);
    });
  }
}

inline void normalize_backward(const Normalization& call, const float* x, const float* statistics, const float* dy,
                               float* dx, float* dscale, float* doffset) {
  const double share = 1.0 / static_cast<double>(call.columns);
  const float* scale = call.scale;
  for (std::int64_t row = 0; row < call.rows; ++row, x += call.columns, dy += call.columns, statistics += 2) {
    const Batch m(statistics[0]), r(statistics[1]);
    const Sums sums =
        sums_of_row(call.columns, [=](std::int64_t i, auto lanes, Batch& sum_h, Batch& sum_hn) XL_LAMBDA_INLINE {
          const Batch n = (lanes.load(x + i) - m) * r;
          const Batch d = lanes.load(dy + i);
          const Batch h = scale == nullptr ? d : d * lanes.load(scale + i);
          sum_h += h;
          sum_hn = xsimd::fma(h, n, sum_hn);
          if (dscale != nullptr) lanes.store(dscale + i, xsimd::fma(d, n, lanes.load(dscale + i)));
          if (doffset != nullptr) lanes.store(doffset + i, lanes.load(doffset + i) + d);
        });
    if (dx == nullptr) continue;
    const Batch mean_h(call.centered ? static_cast<float>(sums.first * share) : 0.0f);
    const Batch mean_hn(static_cast<float>(sums.second * share));
    for_each_vector(call.columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      const Batch n = (lanes.load(x + i) - m) * r;
      const Batch d = lanes.load(dy + i);
      const Batch h = scale == nullptr ? d : d * lanes.load(scale + i);
      lanes.store(dx + i, r * (h - mean_h - n * mean_hn));
    });
    dx += call.columns;
  }
}

}  // namespace xl::kernels::XL_KERNELS
