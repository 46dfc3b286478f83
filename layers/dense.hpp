#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// A densely connected layer: every output is a weighted sum of all inputs.
///
///   input    (batch, ..., features)
///   output   (batch, ..., units), y = activation(x W + b), on the last axis
///   weights  kernel W (features, units); bias b (units), if use_bias
///   throws   ShapeError if the input has no feature axis, or another extent of it than at the first call;
///            ValueError for units below 1
///
/// As keras.layers.Dense.
class Dense : public Layer {
 public:
  struct Options {
    int units = 0;  ///< the number of outputs; has to be given
    ActivationFunction activation = {};
    bool use_bias = true;
    Initializer kernel_initializer = "glorot_uniform";
    Initializer bias_initializer = "zeros";
    Regularizer kernel_regularizer = {};
    Regularizer bias_regularizer = {};
    Regularizer activity_regularizer = {};
    Constraint kernel_constraint = {};
    Constraint bias_constraint = {};
    std::string name = {};
    bool trainable = true;
  };

  explicit Dense(Options options);
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Dense from_config(const Config& config);
};

}  // namespace xl
