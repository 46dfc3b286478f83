#pragma once

// The activation functions of single elements. Each is a type with
//
//   value(x)            y = f(x)
//   gradient(x, y, dy)  dx = dy f'(x), from x or from y as backward_reads_input() says
//
// At a kink f' is what Keras has on JAX. At an infinity both are the limits, and 0 * infinity is avoided: what is multiplied
// by a factor that is 0 beyond a bound is cut off at that bound.

#include "xlayers/framework/kernels/impl/activations_rectifiers.hpp"

namespace xl::kernels::XL_KERNELS {

/// f(x) = x
struct Linear {
  XL_INLINE Batch value(Batch x) const { return x; }
  XL_INLINE Batch gradient(Batch, Batch, Batch dy) const { return dy; }
};

/// f(x) = x for x > 0, alpha (e^x - 1) below;  f'(x) = alpha e^x for x <= 0
struct Elu {
  XL_INLINE Batch value(Batch x) const { return where(x > number(0), x, number(alpha) * expm1(at_most(x, 0.0f))); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    return where(x > number(0), dy, dy * number(alpha) * exp(at_most(x, 0.0f)));
  }
  float alpha;
};

/// f(x) = scale x for x > 0, scale alpha (e^x - 1) below;  f'(x) = y + scale alpha for x <= 0
struct Selu {
  static constexpr float scale = 1.05070098f, scale_alpha = 1.75809934f;
  XL_INLINE Batch value(Batch x) const {
    return where(x > number(0), number(scale) * x, number(scale_alpha) * expm1(at_most(x, 0.0f)));
  }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const {
    return dy * where(y > number(0), number(scale), y + number(scale_alpha));
  }
};

/// f(x) = x for x > 0, alpha (e^(x / alpha) - 1) below;  f'(x) = e^(x / alpha) for x <= 0
struct Celu {
  XL_INLINE Batch scaled(Batch x) const { return at_most(at_most(x, 0.0f) / number(alpha), 88.0f); }
  XL_INLINE Batch value(Batch x) const { return relu(x) + number(alpha) * expm1(scaled(x)); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const { return where(x > number(0), dy, dy * exp(scaled(x))); }
  float alpha;
};

/// f(x) = x Phi(x), Phi(x) = erfc(-x / sqrt 2) / 2;  f'(x) = Phi(x) + x e^(-x^2 / 2) / sqrt(2 pi)
struct Gelu {
  XL_INLINE Batch distribution(Batch x) const { return number(0.5f) * xsimd::erfc(number(-0.707106781f) * x); }
  XL_INLINE Batch value(Batch x) const { return at_least(x, -20.0f) * distribution(x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = at_least(at_most(x, 20.0f), -20.0f);
    const Batch density = number(0.398942280f) * exp(number(-0.5f) * x * x);
    return dy * xsimd::fma(x, density, distribution(x));
  }
};

/// f(x) = x (1 + tanh u) / 2 = x s, where s = 1 / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715
/// x^3) f'(x) = s + x s (1 - s) 2 u';  beyond |x| = 11, s is 0 or 1
struct GeluTanh {
  static constexpr float c = 0.797884561f, cubic = 0.044715f;
  XL_INLINE Batch twice_u(Batch x) const { return number(2 * c) * x * xsimd::fma(number(cubic), x * x, number(1)); }
  XL_INLINE Batch bounded(Batch x) const { return at_least(at_most(x, 11.0f), -11.0f); }
  XL_INLINE Batch value(Batch x) const { return at_least(x, -11.0f) * sigmoid(twice_u(bounded(x))); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = bounded(x);
    const Batch u2 = twice_u(x), s = sigmoid(u2), rest = sigmoid(-u2);
    const Batch slope = number(2 * c) * xsimd::fma(number(3 * cubic), x * x, number(1));
    return dy * xsimd::fma(x * s * rest, slope, s);
  }
};

/// f(x) = x s, s = 1 / (1 + e^-x);  f'(x) = s (1 + x (1 - s))
struct Silu {
  XL_INLINE Batch value(Batch x) const { return at_least(x, -110.0f) * sigmoid(x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = at_least(at_most(x, 110.0f), -110.0f);
    const Batch s = sigmoid(x);
    return dy * xsimd::fma(x * s, sigmoid(-x), s);
  }
};

/// f(x) = x tanh(ln(1 + e^x)) = x n / (n + 2), where n = e (e + 2), e = e^x
/// f'(x) = n / (n + 2) + x 4 e (1 + e) / (n + 2)^2;  beyond x = 20 the first is 1 and the second 0
struct Mish {
  XL_INLINE Batch value(Batch x) const {
    const Batch e = exp(at_most(x, 20.0f)), n = e * (e + number(2));
    return at_least(x, -110.0f) * (n / (n + number(2)));
  }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = at_least(at_most(x, 20.0f), -110.0f);
    const Batch e = exp(x), n = e * (e + number(2)), whole = n + number(2);
    const Batch ratio = n / whole;
    const Batch slope = number(4) * (e / whole) * ((number(1) + e) / whole);
    return dy * xsimd::fma(x, slope, ratio);
  }
};

/// f(x) = ln(1 + e^x);  f'(x) = 1 - e^-y
struct Softplus {
  XL_INLINE Batch value(Batch x) const { return softplus(x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * -expm1(-y); }
};

/// f(x) = x / (1 + |x|);  f'(x) = 1 / (1 + |x|)^2 = (1 - |y|)^2
struct Softsign {
  XL_INLINE Batch value(Batch x) const {
    const Batch finite = at_least(at_most(x, largest), -largest);
    return finite / (number(1) + xsimd::abs(finite));
  }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const {
    const Batch rest = number(1) - xsimd::abs(y);
    return dy * rest * rest;
  }
  static constexpr float largest = 0x1.fffffep127f;
};

/// f(x) = 1 / (1 + e^-x);  f'(x) = y (1 - y)
struct Sigmoid {
  XL_INLINE Batch value(Batch x) const { return sigmoid(x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * y * (number(1) - y); }
};

/// f(x) = -ln(1 + e^-x);  f'(x) = 1 - e^y
struct LogSigmoid {
  XL_INLINE Batch value(Batch x) const { return -softplus(-x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * -expm1(y); }
};

/// f(x) = min(max(x + 3, 0), 6) / 6;  f'(-3) = f'(3) = 0
struct HardSigmoid {
  XL_INLINE Batch value(Batch x) const { return at_most(relu(x + number(3)), 6.0f) * number(1.0f / 6.0f); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const {
    return where(y > number(0) && y < number(1), dy * number(1.0f / 6.0f), number(0));
  }
};

/// f(x) = x hard_sigmoid(x);  f'(x) = hard_sigmoid(x) + x hard_sigmoid'(x)
struct HardSilu {
  XL_INLINE Batch value(Batch x) const { return at_least(x, -3.0f) * HardSigmoid{}.value(x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = at_least(at_most(x, 3.0f), -3.0f);
    const Batch gate = HardSigmoid{}.value(x);
    return xsimd::fma(dy, gate, x * HardSigmoid{}.gradient(x, gate, dy));
  }
};

/// f(x) = min(max((x + 1) / 2, 0), 1);  f'(-1) = f'(1) = 1/4
struct SparseSigmoid {
  XL_INLINE Batch value(Batch x) const { return number(0.5f) * at_most(relu(x + number(1)), 2.0f); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    const Batch size = xsimd::abs(x);
    return dy * where(size < number(1), number(0.5f), where(size == number(1), number(0.25f), number(0)));
  }
};

/// f(x) = tanh x;  f'(x) = 1 - y^2
struct Tanh {
  XL_INLINE Batch value(Batch x) const { return tanh(x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * xsimd::fnma(y, y, number(1)); }
};

/// f(x) = min(max(x, -1), 1);  f'(-1) = f'(1) = 1
struct HardTanh {
  XL_INLINE Batch value(Batch x) const { return at_least(at_most(x, 1.0f), -1.0f); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const { return where(xsimd::abs(x) > number(1), number(0), dy); }
};

/// f(x) = x - tanh x;  f'(x) = tanh^2 x
struct TanhShrink {
  XL_INLINE Batch value(Batch x) const { return x - tanh(x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    const Batch t = tanh(x);
    return dy * t * t;
  }
};

/// f(x) = x - threshold for x > threshold, x + threshold for x < -threshold, else 0;  f' = 0 at
/// both
struct SoftShrink {
  XL_INLINE Batch value(Batch x) const {
    const Batch low = where(x >= number(-threshold), number(0), x + number(threshold));
    return where(x <= number(threshold), low, x - number(threshold));
  }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    return where(x > number(threshold) || x < number(-threshold), dy, number(0));
  }
  float threshold;
};

/// f(x) = x where |x| > threshold, else 0;  f' = 0 at both thresholds
struct HardShrink {
  XL_INLINE Batch value(Batch x) const { return where(xsimd::abs(x) <= number(threshold), number(0), x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    return where(xsimd::abs(x) > number(threshold), dy, number(0));
  }
  float threshold;
};

/// f(x) = x where x > threshold, else default_value;  f'(threshold) = 0
struct Threshold {
  XL_INLINE Batch value(Batch x) const { return where(x <= number(threshold), number(default_value), x); }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const { return where(x > number(threshold), dy, number(0)); }
  float threshold, default_value;
};

/// f(x) = (x + r) / 2, r = sqrt(x^2 + b); for x < 0 as b / (2 (r - x)), where nothing cancels
/// f'(x) = (1 + x / r) / 2 = f(x) / r
struct Squareplus {
  XL_INLINE Batch root(Batch x) const {
    const Batch size = xsimd::abs(x);  // beyond 1e18 the root is |x|, and x^2 would overflow
    return where(size > number(1e18f), size, xsimd::sqrt(xsimd::fma(x, x, number(b))));
  }
  XL_INLINE Batch value(Batch x) const {
    const Batch half = number(0.5f) * xsimd::abs(x) + number(0.5f) * root(x);
    return where(x < number(0), number(0.25f * b) / half, half);
  }
  XL_INLINE Batch gradient(Batch x, Batch, Batch dy) const {
    x = at_least(at_most(x, 1e30f), -1e30f);
    return dy * (value(x) / root(x));
  }
  float b;
};

/// f(x) = 0 for x <= -1, (x + 1)^2 / 4 up to 1, x from there on;  f'(x) = min(sqrt y, 1)
struct SparsePlus {
  XL_INLINE Batch value(Batch x) const {
    const Batch half = number(0.5f) * (x + number(1));
    return where(x <= number(-1), number(0), where(x >= number(1), x, half * half));
  }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * at_most(xsimd::sqrt(y), 1.0f); }
};

/// f(x) = e^x = f'(x)
struct Exponential {
  XL_INLINE Batch value(Batch x) const { return exp(x); }
  XL_INLINE Batch gradient(Batch, Batch y, Batch dy) const { return dy * y; }
};

}  // namespace xl::kernels::XL_KERNELS
