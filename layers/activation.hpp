#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// Applies an activation function.
///
///   input    (batch, ...)
///   output   the same shape, activation(x); with "glu" the last axis is half as long
///   throws   ValueError if no activation is named, or an unknown one
///
/// As keras.layers.Activation.
struct ActivationOptions {
  static constexpr auto class_name = "Activation";
  static constexpr auto package = "keras";

  std::optional<ActivationFunction> activation = {};  ///< has to be given
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

class Activation : public LayerOf<ActivationOptions, Activation> {
 public:
  using LayerOf::LayerOf;

  /// By name: `xl::Activation("relu")`.
  explicit Activation(const char* name) : Activation(Options{.activation = name}) {}
};
extern template class LayerOf<ActivationOptions, Activation>;

}  // namespace xl
