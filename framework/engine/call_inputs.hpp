#pragma once

// Internal: what a layer is called on when it is called on data.

#include <cstddef>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// True if a mask was given for this input.
inline bool is_masked(const CallOptions& options, std::size_t input) {
  return input < options.masks.size() && options.masks[input].dimension() > 0;
}

/// visit(array) for the inputs, and behind them for the masks that were given.
template <class Visit>
void for_each_array(const Data& inputs, const CallOptions& options, Visit visit) {
  for (std::size_t i = 0; i < inputs.size(); ++i) visit(inputs[i]);
  for (std::size_t i = 0; i < options.masks.size(); ++i)
    if (is_masked(options, i)) visit(Array::referring_to(options.masks[i]));
}

/// Throws unless there are inputs in their order, and no more masks than inputs, all of one batch size.
void check_call(const LayerBase& layer, const Data& inputs, const CallOptions& options);

/// The specs of what `for_each_array` visits.
TensorSpecs specs(const Data& inputs, const CallOptions& options);

}  // namespace xl
