#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/shape.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// How many numbers flow into and out of one unit of a weight: what variance scaling divides by.
struct Fans {
  std::int64_t in = 1;
  std::int64_t out = 1;

  /// The fans of a weight of this shape, as keras.initializers counts them:
  ///
  ///     ()          1, 1
  ///     (n)         n, n
  ///     (in, out)   in, out
  ///     (..., in, out)   in * r, out * r, where r, the receptive field, is the product of the
  ///     other axes
  static Fans of(const Shape& shape);
};

/// The initialisers. Each has Keras' options and defaults. With a seed, an initialiser gives the
/// same values at every call; without one, every call is a new draw that `set_random_seed` makes
/// repeatable.

struct Zeros {
  static constexpr auto class_name = "Zeros";
};
struct Ones {
  static constexpr auto class_name = "Ones";
};
struct Constant {
  static constexpr auto class_name = "Constant";
  float value = 0.0f;
};
struct RandomNormal {
  static constexpr auto class_name = "RandomNormal";
  float mean = 0.0f, stddev = 0.05f;
  std::optional<std::int64_t> seed = {};
};
/// A normal distribution without what lies more than two standard deviations from its mean.
struct TruncatedNormal {
  static constexpr auto class_name = "TruncatedNormal";
  float mean = 0.0f, stddev = 0.05f;
  std::optional<std::int64_t> seed = {};
};
/// Uniform in [minval, maxval).
struct RandomUniform {
  static constexpr auto class_name = "RandomUniform";
  float minval = -0.05f, maxval = 0.05f;
  std::optional<std::int64_t> seed = {};
};
/// Mean 0 and variance scale / max(1, n), with n as `mode` says: "fan_in", "fan_out" or "fan_avg",
/// their average. `distribution` is "truncated_normal" (also called "normal"), "untruncated_normal"
/// or "uniform".
struct VarianceScaling {
  static constexpr auto class_name = "VarianceScaling";
  float scale = 1.0f;
  std::string mode = "fan_in";
  std::string distribution = "truncated_normal";
  std::optional<std::int64_t> seed = {};
};
/// Variance 2 / (fan_in + fan_out): keeps the variance of signals and of gradients. Glorot, Bengio
/// (2010).
struct GlorotUniform {
  static constexpr auto class_name = "GlorotUniform";
  std::optional<std::int64_t> seed = {};
};
struct GlorotNormal {
  static constexpr auto class_name = "GlorotNormal";
  std::optional<std::int64_t> seed = {};
};
/// Variance 2 / fan_in: keeps the variance of signals through relu. He et al. (2015).
struct HeUniform {
  static constexpr auto class_name = "HeUniform";
  std::optional<std::int64_t> seed = {};
};
struct HeNormal {
  static constexpr auto class_name = "HeNormal";
  std::optional<std::int64_t> seed = {};
};
/// Variance 1 / fan_in. LeCun et al. (1998).
struct LecunUniform {
  static constexpr auto class_name = "LecunUniform";
  std::optional<std::int64_t> seed = {};
};
struct LecunNormal {
  static constexpr auto class_name = "LecunNormal";
  std::optional<std::int64_t> seed = {};
};

namespace detail {
template <class T, class... Known>
inline constexpr bool is_one_of = (std::same_as<T, Known> || ...);
}
/// One of the structs above.
template <class T>
concept AnyInitializer =
    detail::is_one_of<T, Zeros, Ones, Constant, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling,
                      GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal>;

/// How a weight gets its first values: an option such as `.kernel_initializer`. Takes one of the
/// structs above or its name, as the class ("GlorotUniform"), in snake case ("glorot_uniform") or
/// as one of Keras' short forms ("normal", "uniform", "one", "zero"). It never changes, so a copy is cheap.
class Initializer {
 public:
  /// GlorotUniform.
  Initializer() = default;
  /// Throws ValueError that lists the known names.
  Initializer(const char* name);
  Initializer(const std::string& name);
  /// Throws ValueError for an option that is out of its range or not finite.
  template <AnyInitializer T>
  Initializer(const T& initializer);

  /// Keras' name of the class, such as "GlorotUniform".
  std::string class_name() const;

  /// Fills a weight of this shape. Throws ShapeError if `weight` has another number of elements.
  void fill(std::span<float> weight, const Shape& shape) const;
  /// Fills a weight whose fans the shape does not tell, as the kernels of MultiHeadAttention.
  void fill(std::span<float> weight, Fans fans) const;
  void operator()(Tensor& weight) const;

 private:
  friend Value to_value(const Initializer& initializer);

  struct Kind;  // one of the structs above, in initializer.cpp
  const Kind& kind() const;

  std::shared_ptr<const Kind> kind_;  // none for GlorotUniform without a seed
};

/// As Keras: `{"module": "keras.initializers", "class_name": ..., "config": {...},
/// "registered_name": null}`.
Value to_value(const Initializer& initializer);
/// From such an object or from a name.
void from_value(const Value& value, Initializer& initializer);

}  // namespace xl
