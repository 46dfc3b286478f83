#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// The rectified linear unit, with a bound, a slope and a threshold.
///
///   input    (batch, ...)
///   output   the same shape: max_value for x >= max_value, x for threshold < x < max_value, and
///            negative_slope * (x - threshold) below
///   throws   ValueError for a max_value, a negative_slope or a threshold below 0
///
/// As keras.layers.ReLU.
class ReLU : public Layer {
 public:
  struct Options {
    std::optional<float> max_value = {};  ///< none: no bound
    float negative_slope = 0.0f;
    float threshold = 0.0f;
    Regularizer activity_regularizer = {};
    std::string name = {};
    bool trainable = true;
  };

  explicit ReLU(Options options);
  ReLU() : ReLU(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static ReLU from_config(const Config& config);
};

/// The rectified linear unit that lets a little through: x for x >= 0, negative_slope * x below.
///
///   input    (batch, ...)
///   output   the same shape
///   throws   ValueError for a negative_slope below 0
///
/// As keras.layers.LeakyReLU, whose slope is 0.3 where the activation "leaky_relu" has 0.2.
class LeakyReLU : public Layer {
 public:
  struct Options {
    float negative_slope = 0.3f;
    Regularizer activity_regularizer = {};
    std::string name = {};
    bool trainable = true;
  };

  explicit LeakyReLU(Options options);
  LeakyReLU() : LeakyReLU(Options()) {}
  /// The inverse of get_config; reads `alpha`, the slope's old name, too. Throws ValueError for an unknown key or a value
  /// that does not fit.
  static LeakyReLU from_config(const Config& config);
};

}  // namespace xl
