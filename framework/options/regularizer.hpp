#pragma once

#include <span>
#include <string>

#include "xlayers/framework/config/config.hpp"

namespace xl {

/// penalty = l1 * sum |w|
struct L1 {
  static constexpr auto class_name = "L1";
  float l1 = 0.01f;
};
/// penalty = l2 * sum w^2
struct L2 {
  static constexpr auto class_name = "L2";
  float l2 = 0.01f;
};
/// penalty = l1 * sum |w| + l2 * sum w^2
struct L1L2 {
  static constexpr auto class_name = "L1L2";
  float l1 = 0.0f, l2 = 0.0f;
};

/// What large weights, or large outputs, cost: an option such as `.kernel_regularizer`. Takes one
/// of the structs above or its name: "l1", "l2", "l1_l2", or the class as Keras writes it. None by
/// default.
class Regularizer {
 public:
  Regularizer() = default;
  /// Throws ValueError that lists the known names.
  Regularizer(const char* name);
  Regularizer(const std::string& name);
  /// Throws ValueError for a factor that is negative or not finite.
  Regularizer(L1 regularizer);
  Regularizer(L2 regularizer);
  Regularizer(L1L2 regularizer);

  /// True if there is one.
  explicit operator bool() const { return *class_name_ != 0; }
  /// Keras' name of the class, such as "L1L2"; empty without one.
  std::string class_name() const { return class_name_; }
  float l1() const { return l1_; }
  float l2() const { return l2_; }
  /// A share of the penalty: its factors divided by n, as one sample of n has it. Allocates nothing.
  Regularizer share(float n) const {
    Regularizer regularizer = *this;
    regularizer.l1_ /= n;
    regularizer.l2_ /= n;
    return regularizer;
  }

  /// l1 * sum |w| + l2 * sum w^2, added up in double.
  double penalty(std::span<const float> w) const;
  /// dw += l1 * sign(w) + 2 * l2 * w, with sign(0) = 0. Throws ShapeError if the sizes differ.
  void add_gradient(std::span<const float> w, std::span<float> dw) const;

 private:
  const char* class_name_ = "";
  float l1_ = 0.0f, l2_ = 0.0f;
};

/// As Keras: null, or an object of module "keras.regularizers".
Value to_value(const Regularizer& regularizer);
/// From null, such an object or a name.
void from_value(const Value& value, Regularizer& regularizer);

}  // namespace xl
