#pragma once

#include <string>
#include <utility>

#include "xlayers/framework/graph/layer_of.hpp"

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
struct SeriesDecompositionOptions {
  static constexpr auto class_name = "SeriesDecomposition";

  int kernel_size = 0;  ///< the steps that the trend is averaged over; has to be given
  std::string name = {};
  bool trainable = true;
};

class SeriesDecomposition : public LayerOf<SeriesDecompositionOptions, SeriesDecomposition> {
 public:
  using LayerOf::LayerOf;

  /// The seasonal part and the trend.
  std::pair<SymbolicTensor, SymbolicTensor> operator()(const SymbolicTensor& input) const;
  std::pair<Tensor, Tensor> operator()(DataRef input, const CallOptions& options = {}) const;
};
extern template class LayerOf<SeriesDecompositionOptions, SeriesDecomposition>;

}  // namespace xl
