#pragma once

#include <string>
#include <utility>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// Takes a series apart: into the trend, its moving average, and what goes up and down around it.
///
///     auto [seasonal, trend] = decomposition(x);
///
///   input    (batch, steps, features)
///   outputs  seasonal = x - trend and trend = MovingAverage(kernel_size)(x), both of the input's shape
///   weights  none
///   throws   as MovingAverage
///
/// Wu et al. (2021), "Autoformer", section 3.1. As kerasfactory.layers.SeriesDecomposition.
class SeriesDecomposition : public Layer {
 public:
  struct Options {
    int kernel_size = 0;  ///< the steps that the trend is averaged over; has to be given
    std::string name = {};
    bool trainable = true;
  };

  explicit SeriesDecomposition(Options options);
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static SeriesDecomposition from_config(const Config& config);

  /// The seasonal part and the trend.
  std::pair<SymbolicTensor, SymbolicTensor> operator()(const SymbolicTensor& input) const;
  std::pair<Tensor, Tensor> operator()(DataRef input, const CallOptions& options = {}) const;
};

}  // namespace xl
