#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "xlayers/framework/config/config.hpp"

namespace xl {

/// The function that a layer applies to its output: the option `.activation`. Takes a name as
/// keras.activations has them ("relu", "softmax", "swish", ...; "" is "linear"), or one of the
/// functions in `xl::activations` where a function has parameters.
///
/// A tensor is seen as (rows, columns): most functions work on single elements, softmax and its kin
/// on a row, and glu takes the two halves of a row and returns half as many columns.
class ActivationFunction {
 public:
  /// "linear".
  ActivationFunction();
  /// Throws ValueError that lists the known names.
  ActivationFunction(const char* name);
  ActivationFunction(const std::string& name);
  ActivationFunction(const ActivationFunction&) = default;  // what is moved is copied, and of use afterwards
  ActivationFunction& operator=(const ActivationFunction&) = default;

  /// A function of one's own: y = f(x) for each element, and its slope dy/dx, which may be said by x and by y. Both may
  /// run on several threads at once.
  ///
  ///     auto bent = xl::ActivationFunction::own(
  ///         "bent", [](float x) { return (std::sqrt(x * x + 1) - 1) / 2 + x; },
  ///         [](float x, float) { return x / (2 * std::sqrt(x * x + 1)) + 1; });
  ///     xl::register_activation(bent);  // so that a stored model that names it can be read
  ///
  /// Throws ValueError if the name is empty or one of Keras', or if a function is missing.
  static ActivationFunction own(std::string name, std::function<float(float x)> f,
                                std::function<float(float x, float y)> slope);

  /// Keras' name: "silu" also for what was written as "swish".
  const char* name() const;
  bool is_linear() const;
  /// True for max(x, 0) without further parameters, which a matrix product does on its way.
  bool is_relu() const;

  /// The columns of the output: half of them for glu, else all. Throws ShapeError for glu of an odd
  /// number.
  std::int64_t output_columns(std::int64_t columns) const;
  /// y = f(x). x is (rows, columns), y is (rows, output_columns(columns)); y may be x, except for
  /// glu.
  void forward(std::int64_t rows, std::int64_t columns, const float* x, float* y) const;
  /// dx = dy * df/dx, with y = f(x). dx may be dy, except for glu. x may be nullptr if not
  /// `reads_input()`.
  void backward(std::int64_t rows, std::int64_t columns, const float* x, const float* y, const float* dy,
                float* dx) const;
  /// True if the gradient needs x; else y is enough, and x need not be kept.
  bool reads_input() const;

  /// True if a matrix product can apply it in its registers: for none, and for plain relu.
  bool fuses() const { return is_linear() || is_relu(); }
  /// True for glu, whose output has half the columns.
  bool halves() const { return output_columns(2) != 2; }
  /// True if a layer must keep what it applies the function to, and cannot write the output over it.
  bool keeps_input() const { return !fuses() && (reads_input() || halves()); }

  friend bool operator==(const ActivationFunction& a, const ActivationFunction& b) {
    return a.entry_ == b.entry_ && a.parameters_ == b.parameters_ && a.own_ == b.own_;
  }

 private:
  static constexpr std::size_t max_parameters = 3;
  friend struct ActivationParts;
  friend Value to_value(const ActivationFunction& activation);

  const struct ActivationEntry* entry_;              // its row in the table of functions
  std::array<float, max_parameters> parameters_{};   // in the order of that row
  std::shared_ptr<const struct OwnActivation> own_;  // instead of both
};

/// Makes an activation of one's own known by its name, in place of one that had the name before. Throws ValueError for
/// one that is not one's own.
void register_activation(const ActivationFunction& activation);

/// The activation functions that have parameters, with Keras' names and defaults. A parameter that
/// is not finite, or outside of its range, is a ValueError.
namespace activations {

struct ReluOptions {
  float negative_slope = 0.0f;
  std::optional<float> max_value = {};
  float threshold = 0.0f;
};
/// x between threshold and max_value, max_value above, negative_slope * (x - threshold) below.
ActivationFunction relu(ReluOptions options = {});
/// x for x >= 0, negative_slope * x below.
ActivationFunction leaky_relu(float negative_slope = 0.2f);
/// x for x > 0, alpha * (e^x - 1) below.
ActivationFunction elu(float alpha = 1.0f);
/// x for x > 0, alpha * (e^(x / alpha) - 1) below.
ActivationFunction celu(float alpha = 1.0f);
/// x * Phi(x); `approximate` is 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
ActivationFunction gelu(bool approximate = false);
/// (x + sqrt(x^2 + b)) / 2.
ActivationFunction squareplus(float b = 4.0f);
/// x - threshold above threshold, x + threshold below -threshold, 0 between.
ActivationFunction soft_shrink(float threshold = 0.5f);
/// x where |x| > threshold, else 0.
ActivationFunction hard_shrink(float threshold = 0.5f);
/// x where x > threshold, else default_value.
ActivationFunction threshold(float threshold, float default_value);

}  // namespace activations

/// As Keras: the name, and so for one's own. A function whose parameters are not its defaults is an object of module
/// "keras.activations" that carries them: `{..., "class_name": "elu", "config": {"alpha": 0.5},
/// ...}`.
Value to_value(const ActivationFunction& activation);
/// From such an object, a name, or null, which is "linear".
void from_value(const Value& value, ActivationFunction& activation);

}  // namespace xl
