#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// The trend of a series: each step becomes the mean of the steps around it.
///
///   input    (batch, steps, features)
///   output   the same shape; y[t] is the mean of kernel_size steps from t - (kernel_size - 1) / 2 on, where the first
///            and the last step are repeated beyond the ends
///   weights  none
///   throws   ShapeError for an input that is not of rank 3; ValueError for a kernel_size below 1
///
/// With an even kernel_size the window leans forward, and that of the last step has one element less, as there.
/// It takes time in proportion to the steps, whatever the kernel_size. As kerasfactory.layers.MovingAverage.
struct MovingAverageOptions {
  static constexpr auto class_name = "MovingAverage";

  int kernel_size = 0;  ///< the steps of a window; has to be given
  std::string name = {};
  bool trainable = true;
};
using MovingAverage = LayerOf<MovingAverageOptions>;
extern template class LayerOf<MovingAverageOptions>;

}  // namespace xl
