#pragma once

#include <cstdint>

namespace xl::kernels {

/// A range of rows of the sinusoidal table: row p, column pair i holds sin(2 pi p q_i) and cos(2 pi p q_i).
struct Sinusoids {
  /// q_i in turns a position, i < pairs, as the sum of three doubles. The first two have at most 28 bits, so that
  /// their products with a position below 2^25 are exact. All three hold `padded_pairs(columns)` numbers; those
  /// from (columns + 1) / 2 on are 0.
  const double* high = nullptr;
  const double* middle = nullptr;
  const double* low = nullptr;
  /// Scratch of 6 * padded_pairs(columns) doubles.
  double* scratch = nullptr;

  std::int64_t start = 0;  ///< the first position; all are below 2^25
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< an odd number ends with a sine
  bool halves = false;       ///< all sines, then all cosines; else in turn
  /// Write past the caches, for a table that is larger than they are, where alignment allows it.
  bool stream = false;
  float* out = nullptr;  ///< (rows, columns)
};

constexpr std::int64_t padded_pairs(std::int64_t columns) { return ((columns + 1) / 2 + 15) / 16 * 16; }

/// One thread, no allocation.
void sinusoids(const Sinusoids& range);

}  // namespace xl::kernels
