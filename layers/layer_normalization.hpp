#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/axes.hpp"

namespace xl {

/// Brings the last axis, or others, to mean 0 and variance 1, then scales and shifts it.
///
///   input    (batch, ..., features)
///   output   the same shape, gamma * n + beta with n = (x - mean) / sqrt(variance + epsilon)
///   weights  gamma (features), if scale; beta (features), if center; of several axes in their order
///   throws   ShapeError if the input does not have such an axis, if it is the batch axis, or if its extent is not known
///            or another one than at the first call; ValueError for an epsilon below 0
///
/// Ba, Kiros, Hinton (2016), "Layer Normalization". As keras.layers.LayerNormalization.
struct LayerNormalizationOptions {
  static constexpr auto class_name = "LayerNormalization";
  static constexpr auto package = "keras";

  Axes axis = -1;
  float epsilon = 1e-3f;
  bool center = true;  ///< add beta
  bool scale = true;   ///< multiply by gamma
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
};
using LayerNormalization = LayerOf<LayerNormalizationOptions>;
extern template class LayerOf<LayerNormalizationOptions>;

}  // namespace xl
