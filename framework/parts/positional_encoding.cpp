#include "xlayers/framework/parts/positional_encoding.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "xlayers/framework/base/double_double.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/kernels/sinusoids.hpp"

namespace xl {

namespace {

constexpr std::int64_t end_of_positions = std::int64_t{1} << 24;

void check(std::size_t size, const PositionalEncodingOptions& o) {
  const std::string label = "[positional_encoding] ";
  if (o.d_model < 1) throw ValueError(label + "expected d_model of 1 or more, got " + std::to_string(o.d_model));
  if (o.start < 0 || o.length < 0)
    throw ValueError(label + "expected start and length of 0 or more, got " + std::to_string(o.start) + " and " +
                     std::to_string(o.length));
  if (o.start > end_of_positions || o.length > end_of_positions - o.start)
    throw ValueError(label + "expected positions below 2^24 = 16777216, got start " + std::to_string(o.start) +
                     " and length " + std::to_string(o.length));
  check_known(label, "layout", o.layout, {"interleaved", "halves"});
  if (!(o.max_wavelength >= 1 && o.max_wavelength <= 1e30))
    throw ValueError(label + "expected a max_wavelength from 1 to 1e30, got " + number_text(o.max_wavelength));
  std::int64_t wanted = 0;
  if (__builtin_mul_overflow(o.length, o.d_model, &wanted) || static_cast<std::size_t>(wanted) != size)
    throw ShapeError(label + "expected room for length * d_model = " + std::to_string(o.length) + " * " +
                     std::to_string(o.d_model) + " floats, got " + std::to_string(size));
}

// Column pair i turns by q_i = r^i / (2 pi) with r = max_wavelength^(-2 / d_model). At position 2^24 a value is
// within 2^-40 only if q_i is known to 2^-66, so it is made of two doubles, and handed over as three with room
// for exact products; see kernels::Sinusoids.
class Frequencies {
 public:
  explicit Frequencies(const PositionalEncodingOptions& o)
      : padded_(kernels::padded_pairs(o.d_model)), numbers_(static_cast<std::size_t>(3 * padded_)) {
    const DoubleDouble one_turn{0.15915494309189535, -9.839338337591243e-18};  // 1 / (2 pi)
    const DoubleDouble ratio = exp(log(o.max_wavelength) * DoubleDouble(-2.0) / static_cast<double>(o.d_model));
    DoubleDouble q = one_turn;
    for (std::int64_t i = 0; i < (o.d_model + 1) / 2; ++i) {
      // The first 28 bits of q, the next 28, and the rest.
      const double high = leading_bits(q.high);
      const DoubleDouble rest = q - DoubleDouble(high);
      const double middle = leading_bits(rest.high);
      const DoubleDouble last = rest - DoubleDouble(middle);
      numbers_[static_cast<std::size_t>(i)] = high;
      numbers_[static_cast<std::size_t>(padded_ + i)] = middle;
      numbers_[static_cast<std::size_t>(2 * padded_ + i)] = last.high + last.low;
      q = q * ratio;
    }
  }

  const double* high() const { return numbers_.data(); }
  const double* middle() const { return numbers_.data() + padded_; }
  const double* low() const { return numbers_.data() + 2 * padded_; }

 private:
  static double leading_bits(double x) {
    const double scaled = 33554433.0 * x;  // 2^25 + 1
    return scaled - (scaled - x);
  }

  std::int64_t padded_;
  std::vector<double> numbers_;
};

}  // namespace

void positional_encoding(std::span<float> out, const PositionalEncodingOptions& o) {
  check(out.size(), o);
  if (o.length == 0) return;
  const Frequencies frequencies(o);
  // Each part begins with an anchor of its own; larger than the caches, it is written past them.
  constexpr std::int64_t part_rows = 1024;
  constexpr std::int64_t part_size = 64 * 1024;
  constexpr std::size_t cached = std::size_t{16} << 20;  // floats
  const std::int64_t rows = std::max(part_rows, part_size / o.d_model / part_rows * part_rows);
  const std::int64_t parts = (o.length + rows - 1) / rows;
  parallel_for(parts, [&](std::int64_t part, int) {
    std::vector<double> scratch(static_cast<std::size_t>(6 * kernels::padded_pairs(o.d_model)));
    kernels::sinusoids({.high = frequencies.high(),
                        .middle = frequencies.middle(),
                        .low = frequencies.low(),
                        .scratch = scratch.data(),
                        .start = o.start + part * rows,
                        .rows = std::min(rows, o.length - part * rows),
                        .columns = o.d_model,
                        .halves = o.layout == "halves",
                        .stream = out.size() > cached,
                        .out = out.data() + part * rows * o.d_model});
  });
}

}  // namespace xl
