#include "xlayers/framework/engine/call_inputs.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

void check_call(const LayerBase& layer, const Data& inputs, const CallOptions& options) {
  if (inputs.empty()) throw ValueError(layer.label() + "was called on no input");
  if (!inputs.names().empty()) throw ValueError(layer.label() + "takes its inputs in their order, not by name");
  const Shape& first = inputs[0].shape();
  for_each_array(inputs, options, [&](const Array& input) {
    if (input.shape().empty()) throw ShapeError(layer.label() + "expected an input with a batch axis, got ()");
    if (input.shape()[0] != first[0])
      throw ShapeError(layer.label() + "expected inputs of equal batch sizes, got " + to_string(first) + " and " +
                       to_string(input.shape()));
  });
  if (options.masks.size() > inputs.size())
    throw ShapeError(layer.label() + "expected at most one mask for each of its inputs, got " +
                     std::to_string(options.masks.size()) + " masks for " + std::to_string(inputs.size()));
}

TensorSpecs specs(const Data& inputs, const CallOptions& options) {
  TensorSpecs specs;
  for_each_array(inputs, options, [&](const Array& array) {
    const bool masked = specs.size() < inputs.size() && is_masked(options, specs.size());
    specs.push_back({array.shape().sample().with_batch(None), array.dtype(), true, masked});
  });
  return specs;
}

}  // namespace xl
