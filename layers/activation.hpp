#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// Applies an activation function.
///
///   input    (batch, ...)
///   output   the same shape, activation(x); with "glu" the last axis is half as long
///   throws   ValueError if no activation is named, or an unknown one
///
/// As keras.layers.Activation.
class Activation : public Layer {
 public:
  struct Options {
    std::optional<ActivationFunction> activation = {};  ///< has to be given
    Regularizer activity_regularizer = {};
    std::string name = {};
    bool trainable = true;
  };

  explicit Activation(Options options);
  /// By name: `xl::Activation("relu")`.
  explicit Activation(const char* name) : Activation(Options{.activation = name}) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Activation from_config(const Config& config);
};

}  // namespace xl
