#pragma once

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"

namespace xl::detail {

/// An option of Keras that has one value here, since what it would choose is not supported: written
/// with that value, and read only if it is that.
struct Fixed {
  Value value;
};

inline Value to_value(const Fixed& fixed) { return fixed.value; }

inline void from_value(const Value& value, Fixed& fixed) {
  if (value == fixed.value) return;
  throw ValueError("only " + fixed.value.to_text() + " is supported, got " + value.to_text());
}

}  // namespace xl::detail
