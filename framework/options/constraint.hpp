#pragma once

#include <memory>
#include <span>
#include <string>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/options/axes.hpp"
#include "xlayers/framework/tensor/shape.hpp"

namespace xl {

/// The axes of a weight that a norm runs over: `.axis = 0` or `.axis = {0, 1}`. Negative ones count from the end.
using NormAxis = Axes;

/// norm := min(norm, max_value)
struct MaxNorm {
  static constexpr auto class_name = "MaxNorm";
  float max_value = 2.0f;
  NormAxis axis = 0;
};
/// w := max(w, 0)
struct NonNeg {
  static constexpr auto class_name = "NonNeg";
};
/// norm := 1
struct UnitNorm {
  static constexpr auto class_name = "UnitNorm";
  NormAxis axis = 0;
};
/// norm := rate * clip(norm, min_value, max_value) + (1 - rate) * norm
struct MinMaxNorm {
  static constexpr auto class_name = "MinMaxNorm";
  float min_value = 0.0f, max_value = 1.0f, rate = 1.0f;
  NormAxis axis = 0;
};

/// What holds for a weight after every update: an option such as `.kernel_constraint`. Takes one of
/// the structs above or its name, in snake case ("max_norm") or as the class ("MaxNorm"). None by
/// default. It never changes, so a copy is cheap.
class Constraint {
 public:
  Constraint() = default;
  /// Throws ValueError that lists the known names.
  Constraint(const char* name);
  Constraint(const std::string& name);
  /// Throws ValueError for an option that is out of its range or not finite.
  Constraint(MaxNorm constraint);
  Constraint(NonNeg constraint);
  Constraint(UnitNorm constraint);
  Constraint(MinMaxNorm constraint);

  /// True if there is one.
  explicit operator bool() const { return kind_ != nullptr; }
  /// Keras' name of the class, such as "MaxNorm"; empty without one.
  std::string class_name() const;

  /// Changes a weight of this shape so that the constraint holds. Allocates nothing. Throws
  /// ShapeError, and changes nothing, if the shape lacks one of the axes or `w` has another number
  /// of elements.
  void apply(std::span<float> w, const Shape& shape) const;

 private:
  friend Value to_value(const Constraint& constraint);

  struct Kind;                        // one of the structs above, in constraint.cpp
  std::shared_ptr<const Kind> kind_;  // none without a constraint
};

/// As Keras: null, or an object of module "keras.constraints".
Value to_value(const Constraint& constraint);
/// From null, such an object or a name.
void from_value(const Value& value, Constraint& constraint);

}  // namespace xl
