#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"
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
class RMSNormalization : public Layer {
 public:
  struct Options {
    Axes axis = -1;
    float epsilon = 1e-6f;
    std::string name = {};
    bool trainable = true;
  };

  explicit RMSNormalization(Options options);
  RMSNormalization() : RMSNormalization(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static RMSNormalization from_config(const Config& config);
};

}  // namespace xl
