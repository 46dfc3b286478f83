// A functional model as Keras writes it: its layers, each with its calls ("inbound_nodes"), whose arguments name the tensors
// that they are made on by layer, number of the call, and number of the output.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/shared_layers.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/call_arguments.hpp"
#include "xlayers/models/model/functional.hpp"
#include "xlayers/models/model/keras_order.hpp"

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

// The operations that compute the masks that travel, which Keras writes down among the layers, and each by its name.
class WrittenMasks {
 public:
  WrittenMasks(const FunctionalBase& model, const SymbolicTensors& outputs)
      : model_(model), graph_(model.calls()), entries_(keras_order(graph_, outputs).entries) {
    std::unordered_set<std::string> taken;
    for (const Layer& layer : model.layers()) taken.insert(layer.name());
    for (const KerasOrder::Entry& entry : entries_) {
      if (entry.layer) continue;
      const std::string base = snake_case(entry.mask->class_name);
      std::string name = base;
      for (int number = 1; !taken.insert(name).second; ++number) name = base + "_" + std::to_string(number);
      names_[entry.mask] = name;
    }
  }

  /// The masks that a call takes as an argument, nested as its inputs; null if it takes none.
  Value given_to(const Node& call) {
    const std::vector<KerasOperation*>& masks = graph_.of(call).given_masks;
    if (std::all_of(masks.begin(), masks.end(), [](const KerasOperation* mask) { return mask == nullptr; })) return {};
    std::vector<Value> values;
    for (const KerasOperation* mask : masks) values.push_back(mask == nullptr ? Value() : mask_value(*mask));
    const auto* model = dynamic_cast<const ModelBase*>(call.layer.get());
    return model == nullptr ? values[0] : filled(model->input_nest(), std::move(values));
  }

  /// `layers`, with the operations where Keras has them.
  Value::List among(Value::List layers) const {
    Value::List all;
    auto layer = layers.begin();
    for (const KerasOrder::Entry& entry : entries_)
      all.push_back(entry.layer ? std::move(*layer++) : object(*entry.mask));
    return all;
  }

 private:
  Value object(const KerasOperation& operation) const {
    const std::string class_name(operation.class_name), name = names_.at(&operation);
    Config config{{"name", name}};
    for (const auto& [key, value] : operation.options.entries()) config.set(key, value);
    return Config{{"module", "keras.src.ops.numpy"},
                  {"class_name", class_name},
                  {"config", std::move(config)},
                  {"registered_name", class_name},
                  {"name", name},
                  {"inbound_nodes", Value::List{Config{{"args", arguments(operation)}, {"kwargs", Config()}}}}};
  }

  Value mask_value(const KerasOperation& mask) const {
    return tensor_value(mask.shape, "bool", Value::List{names_.at(&mask), 0, 0});
  }

  Value::List arguments(const KerasOperation& operation) const {
    Value::List arguments;
    for (const KerasOperation::Input& input : operation.inputs)
      arguments.push_back(input.operation->call == nullptr
                              ? mask_value(*input.operation)
                              : tensor_value(input.tensor, history(model_, input.tensor, 0)));
    if (operation.class_name == "NotEqual") arguments.emplace_back(0);
    if (operation.class_name == "Concatenate") return {Value(std::move(arguments))};
    return arguments;
  }

  const FunctionalBase& model_;
  KerasGraph graph_;
  std::vector<KerasOrder::Entry> entries_;
  std::unordered_map<const KerasOperation*, std::string> names_;
};

}  // namespace

std::int64_t first_call(const LayerBase& layer) { return layer.class_name() == "Functional" ? 1 : 0; }

Config FunctionalBase::get_config() const {
  const auto tensor = [&](const SymbolicTensor& one) { return tensor_value(one, history(*this, one, 0)); };
  WrittenMasks masks(*this, own_.outputs);
  return write_layers([&]() -> Config {
    Value::List layers;
    for (const Layer& layer : layers_) {
      Config object = layer_to_config(layer);
      object.set("name", layer.name());
      Value::List calls;
      if (!layer.base().is_input())
        for (const Node* call : calls_of(layer.base()))
          calls.emplace_back(write_arguments(*call, tensor, masks.given_to(*call)));
      object.set("inbound_nodes", std::move(calls));
      layers.emplace_back(std::move(object));
    }
    return {{"name", name()},
            {"trainable", trainable()},
            {"layers", masks.among(std::move(layers))},
            {"input_layers", ends(*this, own_.inputs, layout_.inputs)},
            {"output_layers", ends(*this, own_.outputs, layout_.outputs)}};
  });
}

}  // namespace xl
