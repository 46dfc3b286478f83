#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/axes.hpp"

namespace xl {

/// Brings the last axis, or others, to root mean square 1, then scales it.
///
///   input    (batch, ..., features)
///   output   the same shape, scale * x / sqrt(mean(x^2) + epsilon)
///   weights  scale (features), ones; of several axes in their order
///   throws   ShapeError if the input does not have such an axis, if it is the batch axis, or if its extent is not known
///            or another one than at the first call; ValueError for an epsilon below 0
///
/// Zhang, Sennrich (2019), "Root Mean Square Layer Normalization". As keras.layers.RMSNormalization.
struct RMSNormalizationOptions {
  static constexpr auto class_name = "RMSNormalization";
  static constexpr auto package = "keras";

  Axes axis = -1;
  float epsilon = 1e-6f;
  std::string name = {};
  bool trainable = true;
};
using RMSNormalization = LayerOf<RMSNormalizationOptions>;
extern template class LayerOf<RMSNormalizationOptions>;

}  // namespace xl
