#pragma once

// Layer normalization and root mean square normalization of rows.

#include "xlayers/framework/kernels/impl/long_sums.hpp"
#include "xlayers/framework/kernels/normalization.hpp"

namespace xl::kernels::XL_KERNELS {

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

/// dscale = dscale + sum(dy * n), doffset = doffset + sum(dy) over the rows, for a vector of columns. Either may be null.
template <class Lanes>
XL_INLINE void add_slopes_of_weights(const Normalization& call, const float* x, const float* statistics,
                                     const float* dy, float* dscale, float* doffset, Lanes lanes) {
  Batch sums[2];
  sum_rows(call.rows, sums, [=, columns = call.columns](std::int64_t row, Batch(&sums)[2]) XL_LAMBDA_INLINE {
    const Batch m(statistics[2 * row]), r(statistics[2 * row + 1]);
    const Batch n = (lanes.load(x + row * columns) - m) * r, d = lanes.load(dy + row * columns);
    sums[0] = xsimd::fma(d, n, sums[0]);
    sums[1] += d;
  });
  if (dscale != nullptr) lanes.store(dscale, lanes.load(dscale) + sums[0]);
  if (doffset != nullptr) lanes.store(doffset, lanes.load(doffset) + sums[1]);
}

inline void normalize_backward(const Normalization& call, const float* x, const float* statistics, const float* dy,
                               float* dx, float* dscale, float* doffset) {
  const double share = 1.0 / static_cast<double>(call.columns);
  const float* scale = call.scale;
  if (dscale != nullptr || doffset != nullptr)
    for_each_vector(call.columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      add_slopes_of_weights(call, x + i, statistics, dy + i, dscale == nullptr ? nullptr : dscale + i,
                            doffset == nullptr ? nullptr : doffset + i, lanes);
    });
  if (dx == nullptr) return;
  for (std::int64_t row = 0; row < call.rows; ++row, x += call.columns, dy += call.columns, statistics += 2) {
    const Batch m(statistics[0]), r(statistics[1]);
    const Sums sums =
        sums_of_row(call.columns, [=](std::int64_t i, auto lanes, Batch& sum_h, Batch& sum_hn) XL_LAMBDA_INLINE {
          const Batch n = (lanes.load(x + i) - m) * r;
          const Batch d = lanes.load(dy + i);
          const Batch h = scale == nullptr ? d : d * lanes.load(scale + i);
          sum_h += h;
          sum_hn = xsimd::fma(h, n, sum_hn);
        });
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
