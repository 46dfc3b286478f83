#include "xlayers/framework/graph/call.hpp"

#include <algorithm>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/in_the_name_of.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

namespace {

thread_local bool building = true;
thread_local bool quiet = false;

// True if the first axes of `shape` are those of `mask`; None is equal to None alone.
bool begins_with(const Shape& shape, const Shape& mask) {
  return shape.rank() >= mask.rank() && std::equal(mask.begin(), mask.end(), shape.begin());
}

// Throws unless the mask has the leading axes of its tensor; an extent 1 counts for all of an axis.
void check_mask(const LayerBase& layer, const TensorSpec& input) {
  const Shape &mask = *input.mask, &shape = input.shape;
  bool fits = mask.rank() <= shape.rank();
  for (std::size_t axis = 1; fits && axis < mask.rank(); ++axis)
    fits = mask[axis] == shape[axis] || mask[axis] == 1 || mask[axis] == None || shape[axis] == None;
  if (!fits)
    throw ShapeError(layer.label() + "expected a mask of the leading axes of its input " + to_string(shape) + ", got " +
                     to_string(mask));
}

}  // namespace

WithoutBuilding::WithoutBuilding() : before_(building) { building = false; }
WithoutBuilding::~WithoutBuilding() { building = before_; }

WithoutWarning::WithoutWarning(bool be_quiet) : before_(quiet) { quiet = quiet || be_quiet; }
WithoutWarning::~WithoutWarning() { quiet = before_; }

SymbolicTensors call_layer(const std::shared_ptr<LayerBase>& layer, const SymbolicTensors& inputs,
                           const CallContext& context) {
  const TensorSpecs input_specs = specs(inputs);
  TensorSpecs output_specs;
  const Masking masking = layer->masking();
  const bool masked = !inputs.empty() && input_specs[0].mask.has_value();
  if (masked && masking == Masking::ends && building && !quiet && !layer->warned_of_mask_.exchange(true))
    std::cerr
        << "xlayers: warning: " << layer->label()
        << "was called on a tensor that carries a mask, does not support masking, and so ends it: the layers behind "
           "it do not see which steps are padding. If they should, call this layer before the one that makes the "
           "mask; a layer of your own can say that it keeps masks (LayerBase::masking).\n";
  if (masked && masking == Masking::keeps) check_mask(*layer, input_specs[0]);
  in_the_name_of(*layer, [&] {
    if (building) layer->build(input_specs, context);
    output_specs = layer->infer(input_specs, context);
    for (const TensorSpec& output : output_specs) output.shape.check_size();
  });

  // The spec of an output that is the input's spec, changed, has the input's mask in it still.
  if (masking != Masking::makes && dynamic_cast<const PrimitiveLayer*>(layer.get()) != nullptr)
    for (TensorSpec& output : output_specs) output.mask.reset();
  const bool keeps = masking == Masking::keeps && masked && !output_specs.empty() && !output_specs[0].mask &&
                     output_specs[0].batched && begins_with(output_specs[0].shape, *input_specs[0].mask);
  if (keeps) output_specs[0].mask = input_specs[0].mask;

  static std::atomic<std::uint64_t> calls = 0;
  const auto node = std::make_shared<Node>(Node{layer, inputs, std::move(output_specs), context, ++calls, keeps});
  SymbolicTensors outputs;
  for (std::size_t i = 0; i < node->outputs.size(); ++i) outputs.emplace_back(node, i);
  return outputs;
}

}  // namespace xl
