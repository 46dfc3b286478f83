#pragma once

// The activation functions that are made of straight lines from one side of 0 to the other, as activations_elementwise.hpp has
// them, and what all of those are written with.

#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/kernels/impl/math.hpp"

namespace xl::kernels::XL_KERNELS {

XL_INLINE Batch number(float x) { return Batch(x); }
XL_INLINE Batch where(const Mask& condition, const Batch& yes, const Batch& no) {
  return xsimd::select(condition, yes, no);
}

/// f(x) = max(x, 0);  f'(0) = 0
struct Relu {
  XL_INLINE Batch value(Batch x) const { return relu(x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return where(y > number(0), dy, number(0)); }
};

/// relu with parameters: f(x) = z - slope max(threshold - x, 0), where z = x for x > threshold,
/// else 0, and then, if there is a max_value, z is clipped to [0, max_value]. f' is the sum of both
/// parts': 1/2 at a bound of the clipping, slope below the threshold. Keras goes other ways in two
/// cases: a slope alone is leaky_relu, and max_value = 6 alone is relu6.
struct GeneralRelu {
  explicit GeneralRelu(const ActivationParameters& p)
      : slope(p.negative_slope),
        threshold(p.threshold),
        max_value(p.max_value),
        clipped(p.max_value < infinity),
        leaky(!clipped && threshold == 0 && slope != 0),
        gradient_at_max(max_value == 6 && threshold == 0 ? 0.0f : 0.5f) {}

  XL_INLINE Batch positive(Batch x) const { return where(x <= number(threshold), number(0), x); }
  XL_INLINE Batch value(Batch x) const {
    Batch z = positive(x);
    if (clipped) z = at_least(at_most(z, max_value), 0.0f);
    return slope == 0 ? z : z - number(slope) * relu(number(threshold) - x);
  }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    Batch slope_of_z = where(x > number(threshold), number(1), number(0));
    if (leaky) slope_of_z = where(x >= number(0), number(1), number(0));
    if (clipped) {
      const Batch z = positive(x), half = number(0.5f);
      slope_of_z = where(z > number(max_value), number(0), slope_of_z);
      slope_of_z = where(z == number(max_value), slope_of_z * number(gradient_at_max), slope_of_z);
      slope_of_z = where(z < number(0), number(0), slope_of_z);
      slope_of_z = where(z == number(0), slope_of_z * half, slope_of_z);
    }
    return dy * (slope_of_z + where(x < number(threshold), number(slope), number(0)));
  }

  static constexpr float infinity = __builtin_inff();
  float slope, threshold, max_value;
  bool clipped, leaky;
  float gradient_at_max;
};

/// f(x) = min(max(x, 0), 6);  f'(0) = f'(6) = 0
struct Relu6 {
  XL_INLINE Batch value(Batch x) const { return at_most(relu(x), 6.0f); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const {
    return where(y > number(0) && y < number(6), dy, number(0));
  }
};

/// f(x) = x for x >= 0, slope x below;  f'(0) = 1
struct LeakyRelu {
  XL_INLINE Batch value(Batch x) const {
    return where(x >= number(0), x, slope == 0 ? at_least(x, 0) : number(slope) * x);
  }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const { return where(x >= number(0), dy, number(slope) * dy); }
  float slope;
};

}  // namespace xl::kernels::XL_KERNELS
