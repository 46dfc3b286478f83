#pragma once

#include <cstdint>

namespace xl {

/// True if a number, without its fraction, fits into 32 bits.
inline bool fits_int32(float value) { return value >= -0x1p31f && value < 0x1p31f; }

/// True if a number has no fraction and fits into 32 bits.
inline bool is_int32(float value) {
  return fits_int32(value) && value == static_cast<float>(static_cast<std::int32_t>(value));
}

}  // namespace xl
