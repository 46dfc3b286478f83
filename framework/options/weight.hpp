#pragma once

#include <string>

#include "xlayers/framework/options/constraint.hpp"
#include "xlayers/framework/options/initializer.hpp"
#include "xlayers/framework/options/regularizer.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// A parameter of a layer: its value, and what training has to know about it.
struct Weight {
  std::string name;  ///< as in Keras: "kernel", "bias"
  Tensor value;
  bool trainable = true;
  Regularizer regularizer;
  Constraint constraint;

  std::int64_t size() const { return static_cast<std::int64_t>(value.size()); }
};

}  // namespace xl
