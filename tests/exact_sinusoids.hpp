#pragma once

// The sinusoidal table to some eighty bits, to measure the float32 table against, and the measure.
//
// Whoever includes it is compiled without contraction of a * b + c; see double_double.hpp.

#include <bit>
#include <cmath>
#include <cstdint>

#include "xlayers/framework/base/double_double.hpp"

namespace xl::testing_exact {

struct SineCosine {
  DoubleDouble s, c;
};

/// sin and cos of 2 pi t, |t| <= 1: their series for t / 64, and six times the double angle.
inline SineCosine of_turns(DoubleDouble t) {
  const DoubleDouble two_pi{6.283185307179586, 2.4492935982947064e-16};
  const DoubleDouble x = two_pi * t * DoubleDouble(1.0 / 64);
  const DoubleDouble minus_square = -(x * x);
  DoubleDouble sine_term = x, cosine_term = 1.0;
  SineCosine y{x, 1.0};
  for (int n = 1; n <= 12; ++n) {
    cosine_term = cosine_term * minus_square / ((2.0 * n - 1) * (2.0 * n));
    sine_term = sine_term * minus_square / ((2.0 * n) * (2.0 * n + 1));
    y = {y.s + sine_term, y.c + cosine_term};
  }
  for (int i = 0; i < 6; ++i) y = {DoubleDouble(2.0) * y.s * y.c, DoubleDouble(1.0) - DoubleDouble(2.0) * y.s * y.s};
  return y;
}

/// sin and cos of p / max_wavelength^(2 pair / d_model) for a position p and those after it.
class ExactPair {
 public:
  ExactPair(double max_wavelength, std::int64_t d_model, std::int64_t pair, std::int64_t position) {
    const DoubleDouble one_turn{0.15915494309189535, -9.839338337591243e-18};  // 1 / (2 pi)
    const DoubleDouble exponent = DoubleDouble(-2.0 * static_cast<double>(pair)) / static_cast<double>(d_model);
    const DoubleDouble turns = one_turn * exp(log(max_wavelength) * exponent);
    at_ = of_turns(fraction(turns * DoubleDouble(static_cast<double>(position))));
    one_ = of_turns(turns);
  }

  const SineCosine& operator*() const { return at_; }
  /// The next position: the angle grows by one step, and the error by 2^-104 or so.
  void operator++() { at_ = {at_.s * one_.c + at_.c * one_.s, at_.c * one_.c - at_.s * one_.s}; }

 private:
  static DoubleDouble fraction(DoubleDouble x) {
    const DoubleDouble rest = x - DoubleDouble(std::nearbyint(x.high));
    return rest - DoubleDouble(std::nearbyint(rest.high));
  }

  SineCosine at_, one_;
};

/// The largest errors of floats: of those whose true value is 2^-16 or larger in units in the last place, of
/// the others in units of 2^-40.
struct Worst {
  double ulps = 0.0, small = 0.0;

  void add(float value, DoubleDouble truth) {
    const double error = std::abs((static_cast<double>(value) - truth.high) - truth.low);
    const float size = std::abs(static_cast<float>(truth.high));
    if (size >= 0x1p-16f) {
      // A float 2^e (1 + ...) is a multiple of 2^(e - 23).
      const double ulp = 0x1p-23 * std::bit_cast<float>(std::bit_cast<std::uint32_t>(size) & 0x7f800000u);
      raise(ulps, error / ulp);
    } else {
      raise(small, error / 0x1p-40);
    }
  }

 private:
  // NaN counts as the largest of all.
  static void raise(double& most, double error) {
    if (!(error <= most)) most = error;
  }
};

}  // namespace xl::testing_exact
