// A functional model as Keras writes it: its layers, each with its calls ("inbound_nodes"), whose arguments name the tensors
// that they are made on by layer, number of the call, and number of the output.

#include <algorithm>

#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/shared_layers.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/call_arguments.hpp"
#include "xlayers/models/model/functional.hpp"

namespace xl {

namespace {

// [layer, call, output]; the calls are counted from `first` on.
Value history(const FunctionalBase& model, const SymbolicTensor& tensor, std::int64_t first) {
  const Node& node = tensor.node();
  const std::vector<const Node*>& calls = model.calls_of(*node.layer);
  const auto by_number = [](const Node* a, const Node* b) { return a->number < b->number; };
  const auto call = std::lower_bound(calls.begin(), calls.end(), &node, by_number) - calls.begin();
  return Value::List{node.layer->name(), first + call, tensor.index()};
}

Value ends(const FunctionalBase& model, std::span<const SymbolicTensor> tensors, const Nest& nest) {
  std::vector<Value> all;
  for (const SymbolicTensor& tensor : tensors) all.push_back(history(model, tensor, first_call(*tensor.node().layer)));
  return filled(nest, std::move(all));
}

}  // namespace

std::int64_t first_call(const LayerBase& layer) { return layer.class_name() == "Functional" ? 1 : 0; }

Config FunctionalBase::get_config() const {
  const auto tensor = [&](const SymbolicTensor& one) { return tensor_value(one, history(*this, one, 0)); };
  return write_layers([&]() -> Config {
    Value::List layers;
    for (const Layer& layer : layers_) {
      Config object = layer_to_config(layer);
      object.set("name", layer.name());
      Value::List calls;
      if (!layer.base().is_input())
        for (const Node* call : calls_of(layer.base())) calls.emplace_back(write_arguments(*call, tensor));
      object.set("inbound_nodes", std::move(calls));
      layers.emplace_back(std::move(object));
    }
    return {{"name", name()},
            {"trainable", trainable()},
            {"layers", std::move(layers)},
            {"input_layers", ends(*this, own_.inputs, layout_.inputs)},
            {"output_layers", ends(*this, own_.outputs, layout_.outputs)}};
  });
}

}  // namespace xl
