#pragma once

namespace xl::detail {

/// keras.config.epsilon(), as the float32 that Keras computes with.
constexpr float epsilon = 1e-7f;

/// x cut to [low, high], and the derivative that JAX has for it: 1 within, 1/2 at a bound, 0 outside. NaN for NaN.
struct Clip {
  float low, high;
  constexpr float value(float x) const { return x < low ? low : x > high ? high : x; }
  constexpr float slope(float x) const {
    if (low < x && x < high) return 1.0f;
    if (x < low || high < x) return 0.0f;
    return x == low || x == high ? 0.5f : x;
  }
};

}  // namespace xl::detail
