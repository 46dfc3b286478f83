#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// The rectified linear unit, with a bound, a slope and a threshold.
///
///   input    (batch, ...)
///   output   the same shape: max_value for x >= max_value, x for threshold < x < max_value, and
///            negative_slope * (x - threshold) below
///   throws   ValueError for a max_value, a negative_slope or a threshold below 0
///
/// As keras.layers.ReLU.
struct ReLUOptions {
  static constexpr auto class_name = "ReLU";
  static constexpr auto package = "keras";

  std::optional<float> max_value = {};  ///< none: no bound
  float negative_slope = 0.0f;
  float threshold = 0.0f;
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};
using ReLU = LayerOf<ReLUOptions>;
extern template class LayerOf<ReLUOptions>;

/// The rectified linear unit that lets a little through: x for x >= 0, negative_slope * x below.
///
///   input    (batch, ...)
///   output   the same shape
///   throws   ValueError for a negative_slope below 0
///
/// As keras.layers.LeakyReLU, whose slope is 0.3 where the activation "leaky_relu" has 0.2; `alpha`, the slope's old name, is
/// read too.
struct LeakyReLUOptions {
  static constexpr auto class_name = "LeakyReLU";
  static constexpr auto package = "keras";

  float negative_slope = 0.3f;
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};
using LeakyReLU = LayerOf<LeakyReLUOptions>;
extern template class LayerOf<LeakyReLUOptions>;

}  // namespace xl
