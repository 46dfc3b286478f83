#include "xlayers/framework/positional_encoding.hpp"

#include <cmath>

#include "xlayers/framework/errors.hpp"

namespace xl {

namespace {

constexpr std::int64_t end_of_positions = std::int64_t{1} << 24;

void check(std::size_t size, const PositionalEncodingOptions& o) {
  const std::string label = "[positional_encoding] ";
  if (o.d_model < 1)
    throw ValueError(label + "expected d_model of 1 or more, got " + std::to_string(o.d_model));
  if (o.start < 0 || o.length < 0)
    throw ValueError(label + "expected start and length of 0 or more, got " + std::to_string(o.start) +
                     " and " + std::to_string(o.length));
  if (o.start > end_of_positions || o.length > end_of_positions - o.start)
    throw ValueError(label + "expected positions below 2^24 = 16777216, got start " +
                     std::to_string(o.start) + " and length " + std::to_string(o.length));
  if (o.layout != "interleaved" && o.layout != "halves")
    throw ValueError(label + "unknown layout '" + o.layout + "'; known are interleaved, halves");
  if (!(o.max_wavelength > 0) || !std::isfinite(o.max_wavelength))
    throw ValueError(label + "expected a max_wavelength above 0, got " + std::to_string(o.max_wavelength));
  std::int64_t wanted = 0;
  if (__builtin_mul_overflow(o.length, o.d_model, &wanted) || static_cast<std::size_t>(wanted) != size)
    throw ShapeError(label + "expected room for length * d_model = " + std::to_string(o.length) + " * " +
                     std::to_string(o.d_model) + " floats, got " + std::to_string(size));
}

}  // namespace

void positional_encoding(std::span<float> out, const PositionalEncodingOptions& o) {
  check(out.size(), o);
  const std::int64_t pairs = (o.d_model + 1) / 2;
  const bool halves = o.layout == "halves";
  for (std::int64_t i = 0; i < pairs; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(o.d_model);
    const double frequency = std::pow(o.max_wavelength, exponent);
    const std::int64_t sine = halves ? i : 2 * i;
    const std::int64_t cosine = halves ? pairs + i : 2 * i + 1;
    for (std::int64_t row = 0; row < o.length; ++row) {
      const double angle = static_cast<double>(o.start + row) * frequency;
      out[row * o.d_model + sine] = static_cast<float>(std::sin(angle));
      if (cosine < o.d_model) out[row * o.d_model + cosine] = static_cast<float>(std::cos(angle));
    }
  }
}

}  // namespace xl
