#include "xlayers/framework/graph/composite.hpp"

#include <algorithm>

#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"

namespace xl {

Graph CompositeLayer::trace(const TensorSpecs& inputs, const CallContext& context) const {
  const WithoutWarning quiet(masking() == Masking::ends);  // it has warned for all of them
  const WithoutCounting unnamed;                           // operations, made anew each time
  return called_on(inputs, [&](const SymbolicTensors& tensors) { return call(tensors, context); });
}

TensorSpecs CompositeLayer::infer(const TensorSpecs& inputs, const CallContext& context) const {
  return specs(trace(inputs, context).outputs);
}

void CompositeLayer::build_weights(const TensorSpecs& inputs, const CallContext& context) {
  {
    const WithoutBuilding look;  // if a layer inside does not fit, none of them is built
    trace(inputs, context);
  }
  const Graph traced = trace(inputs, context);  // builds the layers that it calls
  for (const Node* node : sort_nodes(traced.inputs, traced.outputs)) {
    const Layer layer(node->layer);
    if (std::find(children_.begin(), children_.end(), layer) == children_.end()) children_.push_back(layer);
  }
  set_trainable(trainable());
}

void CompositeLayer::unbuild() {
  LayerBase::unbuild();
  children_.clear();
}

std::vector<Weight*> CompositeLayer::weights() const {
  std::vector<Weight*> all = LayerBase::weights();
  for (const Layer& child : children())
    for (Weight* weight : child.base().weights())
      if (std::find(all.begin(), all.end(), weight) == all.end()) all.push_back(weight);
  return all;
}

void CompositeLayer::set_trainable(bool trainable) {
  LayerBase::set_trainable(trainable);
  if (!trainable || built())
    for (const Layer& child : children()) child.set_trainable(trainable);
}

}  // namespace xl
