#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace xl {

template <class T>
concept Arithmetic = std::is_arithmetic_v<T>;

namespace detail {

[[noreturn]] void not_whole(double number, int bits);
[[noreturn]] void too_large(double number);

// `number` as a T. Throws ValueError if it is not whole, or too large.
template <Arithmetic T, Arithmetic U>
constexpr T fitting(U number) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (std::is_floating_point_v<U> && sizeof(U) > sizeof(T))
      if (std::abs(number) <= std::numeric_limits<U>::max() && std::abs(number) > std::numeric_limits<T>::max())
        too_large(static_cast<double>(number));
  } else if constexpr (std::is_floating_point_v<U>) {
    // The bounds are powers of 2, so they are exact; a NaN is within none.
    constexpr U bound = -static_cast<U>(std::numeric_limits<std::make_signed_t<T>>::min());
    if (!(number >= -bound && number < bound && std::trunc(number) == number))
      not_whole(static_cast<double>(number), 8 * sizeof(T));
  } else if constexpr (!std::same_as<U, bool>) {
    const auto whole = +number;  // a character as a number
    if (!std::in_range<T>(whole)) not_whole(static_cast<double>(whole), 8 * sizeof(T));
  }
  return static_cast<T>(number);
}

}  // namespace detail

/// A number among the options: a number of any type may be given that fits, as a std::size_t for an Int or a double for a
/// Float. Throws ValueError for one that does not: 2.5 or 2^40 for an Int, 1e300 for a Float.
template <Arithmetic T>
class Number {
 public:
  constexpr Number() = default;
  template <Arithmetic U>
  constexpr Number(U number) : number_(detail::fitting<T>(number)) {}
  constexpr operator const T&() const { return number_; }
  constexpr operator T&() { return number_; }

 private:
  T number_ = 0;
};

using Int = Number<int>;
using Int64 = Number<std::int64_t>;
using Float = Number<float>;
using Double = Number<double>;

/// The seed of random numbers: a whole number, or none.
class Seed {
 public:
  Seed(std::optional<std::uint64_t> seed = {}) : seed_(seed) {}
  template <std::integral T>
  Seed(T seed) : seed_(static_cast<std::uint64_t>(seed)) {}
  template <std::floating_point T>
  Seed(T) = delete;  // which would be 0 for 0.5

  const std::optional<std::uint64_t>& value() const { return seed_; }

 private:
  std::optional<std::uint64_t> seed_;
};

}  // namespace xl
