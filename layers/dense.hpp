#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
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
struct DenseOptions {
  static constexpr auto class_name = "Dense";
  static constexpr auto package = "keras";

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
using Dense = LayerOf<DenseOptions>;
extern template class LayerOf<DenseOptions>;

}  // namespace xl
