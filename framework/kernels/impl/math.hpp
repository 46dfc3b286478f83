#pragma once

// The elementary functions of a vector of floats. NaN gives NaN.

#include "xlayers/framework/kernels/impl/simd.hpp"

namespace xl::kernels::XL_KERNELS {

/// x, at most `bound`, and NaN for NaN.
XL_INLINE Batch at_most(const Batch& x, float bound) { return xsimd::select(x > Batch(bound), Batch(bound), x); }
XL_INLINE Batch at_least(const Batch& x, float bound) { return xsimd::select(x < Batch(bound), Batch(bound), x); }

/// e^x = 2^k (1 + p), where k is the integer nearest to x / ln 2 and p = e^r - 1, r = x - k ln 2.
struct ExpParts {
  Int k;
  Batch p;
};

XL_INLINE ExpParts exp_parts(const Batch& x) {
  // Adding 1.5 2^23 leaves the nearest integer in the low bits of the sum.
  const Batch shift(12582912.0f);
  const Batch shifted = xsimd::fma(x, Batch(1.442695041f), shift);
  const Batch k = shifted - shift;
  // ln 2 in two parts, the first with few bits, so that k times it is exact.
  Batch r = xsimd::fnma(k, Batch(0.693359375f), x);
  r = xsimd::fnma(k, Batch(-2.12194440e-4f), r);
  // The minimax polynomial of (e^r - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2].
  Batch q(1.3997796e-03f);
  q = xsimd::fma(q, r, Batch(8.3955629e-03f));
  q = xsimd::fma(q, r, Batch(4.1665401e-02f));
  q = xsimd::fma(q, r, Batch(1.6666277e-01f));
  q = xsimd::fma(q, r, Batch(0.5f));
  return {xsimd::bitwise_cast<Int>(shifted) - xsimd::bitwise_cast<Int>(shift), xsimd::fma(q, r * r, r)};
}

/// 2^k for -126 <= k <= 127.
XL_INLINE Batch power_of_two(const Int& k) { return xsimd::bitwise_cast<Batch>((k + Int(127)) << 23); }

/// e^x: infinity from 88.73 on, 0 from -104 down. The power of two is applied in two halves, since
/// 2^128 and 2^-150 are no floats.
XL_INLINE Batch exp(const Batch& x) {
  const ExpParts parts = exp_parts(at_least(at_most(x, 90.0f), -105.0f));
  const Int half = parts.k >> 1;
  return (Batch(1.0f) + parts.p) * power_of_two(half) * power_of_two(parts.k - half);
}

/// e^x - 1 for x <= 88, as 2^k p + (2^k - 1): exact to the last places near 0 too.
XL_INLINE Batch expm1(const Batch& x) {
  const ExpParts parts = exp_parts(at_least(x, -87.0f));
  const Batch power = power_of_two(parts.k);
  return xsimd::fma(power, parts.p, power - Batch(1.0f));
}

/// tanh(x) = -q / (2 + q) for x >= 0, where q = e^(-2x) - 1; tanh(-x) = -tanh(x).
XL_INLINE Batch tanh(const Batch& x) {
  const Batch q = expm1(Batch(-2.0f) * xsimd::abs(x));
  const Batch result = q / (Batch(2.0f) + q);
  return xsimd::select(x < Batch(0.0f), result, -result);
}

/// 1 / (1 + e^-x).
XL_INLINE Batch sigmoid(const Batch& x) { return Batch(1.0f) / (Batch(1.0f) + exp(-x)); }

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|).
XL_INLINE Batch softplus(const Batch& x) { return relu(x) + xsimd::log1p(exp(-xsimd::abs(x))); }

}  // namespace xl::kernels::XL_KERNELS
