#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// Internal: floats of 16 bits, as files hold them.

namespace xl {

/// IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. Every one of them is a float.
inline float from_half(std::uint16_t half) {
  const int exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  const float sign = half >> 15 != 0 ? -1.0f : 1.0f;
  if (exponent == 0x1f) return fraction != 0 ? std::nanf("") : sign * HUGE_VALF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
}

/// bfloat16: the upper half of a float.
inline float from_bfloat16(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

}  // namespace xl
