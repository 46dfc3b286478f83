#pragma once

#include <vector>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// What the backward of a layer gives.
struct Gradients {
  std::vector<Tensor> inputs;   ///< shaped as the inputs; 0 for indices
  std::vector<Tensor> weights;  ///< those of the trained weights, in the order of get_weights()
  double penalty = 0.0;         ///< what regularisers add to the loss, whose gradients are included
};

/// The gradients of the sum over the layer's outputs of sum(output * output_gradient), plus the layer's penalties, with
/// respect to its inputs and its weights: to look at what training does, or to compare it with another library. The layer
/// behaves as in training unless `options` says otherwise; what is random is the same in each call. Throws ShapeError if
/// the inputs or the outputs' gradients do not fit.
Gradients gradients(const Layer& layer, DataRef inputs, const std::vector<Tensor>& output_gradients,
                    const CallOptions& options = {.training = true});
Gradients gradients(const Layer& layer, DataRef inputs, const Tensor& output_gradient,
                    const CallOptions& options = {.training = true});

}  // namespace xl
