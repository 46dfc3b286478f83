#pragma once

#include <cstdint>

namespace xl::kernels {

/// A normalisation of rows: y = scale * n + offset, where n is a row brought to deviation 1, and to mean 0 if `centered`.
///
///   centered   n = (x - mean(x)) * rstd,  rstd = 1 / sqrt(mean((x - mean(x))^2) + epsilon)   (layer normalization)
///   else       n = x * rstd,              rstd = 1 / sqrt(mean(x^2) + epsilon)               (root mean square)
struct Normalization {
  std::int64_t rows = 0, columns = 0;
  bool centered = true;
  float epsilon = 0;
  const float* scale = nullptr;   ///< (columns), or none: 1
  const float* offset = nullptr;  ///< (columns), or none: 0
};

/// Writes y (rows, columns), which is not x, and the statistics (rows, 2), each row's mean (or 0) and rstd.
void normalize(const Normalization& call, const float* x, float* y, float* statistics);

/// With h = dy * scale:
///   dx = rstd * (h - mean(h) - n * mean(h * n)), without mean(h) if it is not centered,
///   dscale = dscale + sum(dy * n) and doffset = doffset + sum(dy) over the rows.
/// Each of the three may be null. dx may be dy, but not x.
void normalize_backward(const Normalization& call, const float* x, const float* statistics, const float* dy, float* dx,
                        float* dscale, float* doffset);

}  // namespace xl::kernels
