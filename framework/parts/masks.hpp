#pragma once

#include "xlayers/framework/graph/layer_base.hpp"

namespace xl {

/// Throws ShapeError unless the mask of each input has its leading axes.
void check_masks(const LayerBase& layer, const TensorSpecs& inputs);

/// How many of the inputs carry a mask.
std::size_t count_masks(const TensorSpecs& inputs);

}  // namespace xl
