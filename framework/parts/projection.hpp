#pragma once

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// A product with a kernel of several axes, as Keras' EinsumDense in its MultiHeadAttention:
///
///   input    (batch, steps, ...): the last `contracted` axes are summed over
///   output   (batch, steps, ...) with the axes `units` in their place, y = activation(x W + b)
///   weights  kernel W: the contracted axes and then `units`; bias b of shape `units`, if use_bias
///
/// In memory this is Dense's product with a kernel of two axes; fan_in and fan_out are those of that kernel.
struct ProjectionOptions {
  std::size_t contracted = 1;  ///< 1 or 2
  Shape units = {};            ///< or empty: one axis, whose extent is the call's argument "units"
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
Layer projection(ProjectionOptions options);

}  // namespace xl
