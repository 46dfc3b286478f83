#pragma once

#include "xlayers/framework/kernels/impl/simd.hpp"

namespace xl::kernels::XL_KERNELS {

struct SineCosine {
  Double s, c;
};

/// Exact for |x| < 2^51: the sum has no bits left behind the point.
XL_INLINE Double round_to_integer(const Double& x) {
  const Double magic(6755399441055744.0);  // 1.5 * 2^52
  return (x + magic) - magic;
}

/// sin and cos of 2 pi t, for the turns t = p (high + middle + low).
///
/// The whole turns of p high are dropped exactly; what is left, f in [-1/2, 1/2], is cut into quarters: with q the
/// nearest of -2 ... 2 to 4 f, x = 2 pi (f - q / 4) lies in [-pi/4, pi/4], where two polynomials (those of fdlibm)
/// are precise to 2^-58.
XL_INLINE SineCosine sine_cosine(double p, const double* high, const double* middle, const double* low) {
  const Double position(p);
  const Double a = position * Double::load_unaligned(high);
  const Double b = position * Double::load_unaligned(middle);
  const Double c = position * Double::load_unaligned(low);
  Double f = (a - round_to_integer(a)) + (b + c);
  f = f - round_to_integer(f);
  const Double q = round_to_integer(f * Double(4.0));
  const Double x = (f - q * Double(0.25)) * Double(6.283185307179586476925287);
  const Double z = x * x;

  Double sine(1.58969099521155010221e-10);
  sine = sine * z + Double(-2.50507602534068634195e-08);
  sine = sine * z + Double(2.75573137070700676789e-06);
  sine = sine * z + Double(-1.98412698298579493134e-04);
  sine = sine * z + Double(8.33333333332248946124e-03);
  sine = sine * z + Double(-1.66666666666666324348e-01);
  sine = x + x * (z * sine);

  Double cosine(-1.13596475577881948265e-11);
  cosine = cosine * z + Double(2.08757232129817482790e-09);
  cosine = cosine * z + Double(-2.75573143513906633035e-07);
  cosine = cosine * z + Double(2.48015872894767294178e-05);
  cosine = cosine * z + Double(-1.38888888888741095749e-03);
  cosine = cosine * z + Double(4.16666666666666019037e-02);
  cosine = Double(1.0) - (z * Double(0.5) - z * z * cosine);

  // A quarter turn on: (s, c) becomes (c, -s); half a turn: (-s, -c); a quarter back: (-c, s).
  const Double quarters = xsimd::abs(q);
  const auto odd = quarters == Double(1.0);
  const auto half = quarters == Double(2.0);
  const Double sign_s = xsimd::select(xsimd::bitwise_or(half, q == Double(-1.0)), Double(-1.0), Double(1.0));
  const Double sign_c = xsimd::select(xsimd::bitwise_or(half, q == Double(1.0)), Double(-1.0), Double(1.0));
  return {sign_s * xsimd::select(odd, cosine, sine), sign_c * xsimd::select(odd, sine, cosine)};
}

}  // namespace xl::kernels::XL_KERNELS
