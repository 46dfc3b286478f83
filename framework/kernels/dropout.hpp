#pragma once

#include <cstdint>

namespace xl::kernels {

/// Which numbers of a random stream decide what is dropped, and how many of 2^16 equally likely ones drop.
struct Dropout {
  std::uint64_t seed = 0, stream = 0;  ///< of Philox4x32-10: see xl::Random
  std::uint64_t first = 0;             ///< the first number; one has 16 bits, two after each other make a 32-bit number
  std::uint32_t dropped = 0;           ///< numbers below it drop: 0 to 2^16
  float scale = 1;                     ///< for what is kept
};

/// y[i] = number first + i < dropped ? 0 : scale * x[i]. y may be x. The bits do not depend on the instruction set, nor on
/// how a range is taken apart.
void dropout(std::int64_t n, const Dropout& call, const float* x, float* y);

}  // namespace xl::kernels
