#pragma once

#include <cmath>

namespace xl {

/// An unevaluated sum of two doubles, the second no more than half a unit in the last place of the first: about
/// 106 bits. Dekker (1971), "A floating-point technique for extending the available precision".
///
/// Whoever includes it is compiled without contraction of a * b + c, which would break the exact steps.
struct DoubleDouble {
  double high = 0.0, low = 0.0;

  DoubleDouble() = default;
  DoubleDouble(double value) : high(value) {}
  DoubleDouble(double high, double low) : high(high), low(low) {}
};

/// a + b, exactly.
inline DoubleDouble exact_sum(double a, double b) {
  const double sum = a + b, b_there = sum - a;
  return {sum, (a - (sum - b_there)) + (b - b_there)};
}

/// The first 26 bits of a, and the rest.
inline DoubleDouble split(double a) {
  const double scaled = 134217729.0 * a;  // 2^27 + 1
  const double high = scaled - (scaled - a);
  return {high, a - high};
}

/// a * b, exactly.
inline DoubleDouble exact_product(double a, double b) {
  const double product = a * b;
  const DoubleDouble x = split(a), y = split(b);
  return {product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble high = exact_sum(a.high, b.high), low = exact_sum(a.low, b.low);
  const DoubleDouble sum = exact_sum(high.high, high.low + low.high);
  return exact_sum(sum.high, sum.low + low.low);
}
inline DoubleDouble operator-(DoubleDouble a) { return {-a.high, -a.low}; }
inline DoubleDouble operator-(DoubleDouble a, DoubleDouble b) { return a + -b; }
inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble product = exact_product(a.high, b.high);
  return exact_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}
inline DoubleDouble operator/(DoubleDouble a, double b) {
  const double quotient = a.high / b;
  const DoubleDouble rest = a - DoubleDouble(quotient) * DoubleDouble(b);
  return exact_sum(quotient, (rest.high + rest.low) / b);
}

/// e^x, by its series for x / 2^10 and ten squarings, which cost ten bits.
inline DoubleDouble exp(DoubleDouble x) {
  constexpr int squarings = 10, terms = 16;
  const DoubleDouble small{std::ldexp(x.high, -squarings), std::ldexp(x.low, -squarings)};
  DoubleDouble term = 1.0, sum = 1.0;
  for (int n = 1; n <= terms; ++n) {
    term = term * small / n;
    sum = sum + term;
  }
  for (int i = 0; i < squarings; ++i) sum = sum * sum;
  return sum;
}

/// The natural logarithm of x > 0: one step of Newton from the double's, y <- y + (x e^-y - 1).
inline DoubleDouble log(double x) {
  const double y = std::log(x);
  return DoubleDouble(y) + (DoubleDouble(x) * exp(-DoubleDouble(y)) - DoubleDouble(1.0));
}

}  // namespace xl
