#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// A convolution along the steps of a sequence: every output step is a weighted sum of the input steps in a
/// window around it.
///
///   input    (batch, steps, channels)
///   output   (batch, new_steps, filters),
///            y[t, f] = activation( sum over j, c of x[t * strides + j * dilation_rate - left, c] W[j, c, f] + b[f] )
///   weights  kernel W (kernel_size, channels / groups, filters); bias b (filters), if use_bias
///
/// The window covers w = (kernel_size - 1) * dilation_rate + 1 steps. What it finds outside of the sequence, and
/// where it begins (`left` steps before the output's own), is up to `padding`:
///
///   "valid"     never outside: left = 0, new_steps = (steps - w) / strides + 1
///   "same"      zeros on both sides, the odd one on the right; new_steps = steps / strides, rounded up
///   "causal"    zeros on the left only: an output sees no later step; new_steps = (steps - 1) / strides + 1
///   "circular"  as "same", but the sequence goes on with its other end. Not in Keras; as in PyTorch's Conv1d
///
/// With groups > 1 the channels and the filters are cut into that many groups, and a filter sees the channels of
/// its own group only.
///
/// Throws ValueError for filters, kernel_size, strides, dilation_rate or groups below 1, for filters that groups
/// does not divide, for strides and dilation_rate both above 1, and for an unknown padding; ShapeError for an
/// input that is not of rank 3, whose channels groups does not divide or are others than at the first call, or
/// that is too short for "valid", or for "circular" (left and right of it at most one sequence fits).
///
/// As keras.layers.Conv1D.
struct Conv1DOptions {
  static constexpr auto class_name = "Conv1D";
  static constexpr auto package = "keras";

  int filters = 0;      ///< the number of output channels; has to be given
  int kernel_size = 0;  ///< steps in the window; has to be given
  int strides = 1;
  std::string padding = "valid";
  int dilation_rate = 1;
  int groups = 1;
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
using Conv1D = LayerOf<Conv1DOptions>;
extern template class LayerOf<Conv1DOptions>;

}  // namespace xl
