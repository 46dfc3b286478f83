#pragma once

#include <cstdint>
#include <string>

#include "xlayers/framework/base/errors.hpp"

// Products and sums of extents, which come from options and data and may be anything.
//
// No size beyond `most_elements` leaves these two, and no shape of a tensor is larger. So a few of them may be added up, or one
// taken a few times, without a check; a product of two needs one.

namespace xl {

/// The most elements that a tensor, or the memory of a layer, may have: as floats, more than a program can address.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 48;

namespace detail {
[[noreturn]] inline void too_many_elements(std::int64_t a, const char* operation, std::int64_t b) {
  throw ShapeError("expected sizes of at most 2^48 elements, got " + std::to_string(a) + operation + std::to_string(b));
}
}  // namespace detail

/// a b and a + b of numbers from 0 on. Throw ShapeError if that is more than `most_elements`.
inline std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > most_elements) detail::too_many_elements(a, " * ", b);
  return product;
}
inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum) || sum > most_elements) detail::too_many_elements(a, " + ", b);
  return sum;
}

}  // namespace xl
