#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace xl {

/// Which part of the sinusoidal table to make, and how its columns are ordered.
struct PositionalEncodingOptions {
  std::int64_t start = 0;              ///< the first position
  std::int64_t length = 0;             ///< how many positions
  std::int64_t d_model = 0;            ///< columns
  std::string layout = "interleaved";  ///< or "halves": all sines, then all cosines
  double max_wavelength = 10000.0;
};

/// Fills `out`, (length, d_model) row-major, with the sinusoids of the positions start, start + 1, ...:
///
///     PE(pos, 2i) = sin(pos / max_wavelength^(2i / d_model)),   PE(pos, 2i + 1) = cos(the same)
///
/// If d_model is odd, the last column is a sine. Throws ShapeError if `out` has another size; ValueError for a
/// d_model below 1, a negative start or length, positions from 2^24 on, an unknown layout, or a max_wavelength
/// outside 1 ... 1e30.
///
/// Each number is within one unit in the last place of the exact value, or within 2^-40 of it where that is
/// smaller than 2^-16, for every position. A row costs the same wherever it is. The bits do not depend on the
/// number of threads. Ranges that begin at multiples of 1024 agree in them where they overlap; others may differ
/// in the last one.
///
/// Vaswani et al. (2017), "Attention Is All You Need", section 3.5.
void positional_encoding(std::span<float> out, const PositionalEncodingOptions& options);

}  // namespace xl
