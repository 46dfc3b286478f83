#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>

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

/// How a weight gets its first values: an option such as `.kernel_initializer`. Takes one of the
/// structs above or its name, as the class ("GlorotUniform"), in snake case ("glorot_uniform") or
/// as one of Keras' short forms ("normal", "uniform", "one", "zero").
class Initializer {
 public:
  using Kind = std::variant<GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal,
                            VarianceScaling, RandomNormal, TruncatedNormal, RandomUniform, Zeros, Ones, Constant>;

  /// GlorotUniform.
  Initializer() = default;
  /// Throws ValueError that lists the known names.
  Initializer(const char* name);
  Initializer(const std::string& name);
  /// Throws ValueError for an option that is out of its range or not finite.
  template <class T>
  requires(!std::is_same_v<std::remove_cvref_t<T>, Kind> && std::is_constructible_v<Kind, T> &&
           std::is_class_v<std::remove_cvref_t<T>> && !std::is_same_v<std::remove_cvref_t<T>, Initializer> &&
           !std::is_convertible_v<T, std::string>) Initializer(T&& kind)
      : Initializer(Kind(std::forward<T>(kind))) {}
  Initializer(Kind kind);

  /// Keras' name of the class, such as "GlorotUniform".
  std::string class_name() const;
  const Kind& kind() const { return kind_; }

  /// Fills a weight of this shape. Throws ShapeError if `weight` has another number of elements.
  void fill(std::span<float> weight, const Shape& shape) const;
  /// Fills a weight whose fans the shape does not tell, as the kernels of MultiHeadAttention.
  void fill(std::span<float> weight, Fans fans) const;
  void operator()(Tensor& weight) const;

 private:
  Kind kind_;
};

/// As Keras: `{"module": "keras.initializers", "class_name": ..., "config": {...},
/// "registered_name": null}`.
Value to_value(const Initializer& initializer);
/// From such an object or from a name.
void from_value(const Value& value, Initializer& initializer);

}  // namespace xl
