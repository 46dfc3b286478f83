#include "xlayers/framework/program.hpp"

#include <algorithm>
#include <map>

#include "xlayers/framework/composite.hpp"
#include "xlayers/framework/errors.hpp"

namespace xl {

namespace {

class Lowering {
 public:
  Program program;

  using Slots = std::map<std::pair<const Node*, std::size_t>, int>;

  // Adds the calls between `inputs`, which stand in `input_slots`, and `outputs`; gives the outputs' slots.
  std::vector<int> lower(const SymbolicTensors& inputs, const std::vector<int>& input_slots,
                         const SymbolicTensors& outputs) {
    Slots slots;
    for (std::size_t i = 0; i < inputs.size(); ++i) slots[{&inputs[i].node(), inputs[i].index()}] = input_slots[i];
    for (const Node* node : sort_nodes(inputs, outputs)) {
      std::vector<int> read;
      for (const SymbolicTensor& input : node->inputs) read.push_back(slots.at({&input.node(), input.index()}));
      const std::vector<int> made = lower_node(*node, read);
      for (std::size_t i = 0; i < made.size(); ++i) slots[{node, i}] = made[i];
    }
    std::vector<int> result;
    for (const SymbolicTensor& output : outputs) result.push_back(slots.at({&output.node(), output.index()}));
    return result;
  }

  int add_slot(const TensorSpec& spec, bool trained) {
    program.slots.push_back({spec, trained});
    return static_cast<int>(program.slots.size()) - 1;
  }

 private:
  std::vector<int> lower_node(const Node& node, const std::vector<int>& read) {
    if (const auto* composite = dynamic_cast<const CompositeLayer*>(node.layer.get())) {
      const CompositeLayer::Trace trace = composite->trace(specs(node.inputs), node.context);
      return lower(trace.inputs, read, trace.outputs);
    }
    auto primitive = std::dynamic_pointer_cast<const PrimitiveLayer>(node.layer);
    if (!primitive) throw ValueError(node.layer->label() + "is neither primitive nor composite");

    Program::Operation operation{std::move(primitive), read, {}, {}};
    for (Weight* weight : node.layer->weights()) {
      const int place = place_of(weight, node.layer->trainable());
      operation.weights.push_back(place);
      operation.trained |= program.weights[place].gradient >= 0;
    }
    for (int slot : read) operation.trained |= program.slots[slot].trained;
    operation.trained &= !operation.layer->is_constant();
    if (operation.trained && !node.outputs[0].batched)
      throw ValueError(node.layer->label() +
                       "has weights to train and an input without a batch axis, such as a positional encoding: "
                       "freeze the layer, or give it an input with samples");
    for (const TensorSpec& spec : node.outputs) operation.outputs.push_back(add_slot(spec, operation.trained));
    program.operations.push_back(operation);
    return operation.outputs;
  }

  int place_of(Weight* weight, bool layer_trainable) {
    auto& places = program.weights;
    const auto found =
        std::find_if(places.begin(), places.end(), [&](const auto& place) { return place.weight == weight; });
    if (found != places.end()) return static_cast<int>(found - places.begin());
    Program::WeightPlace place{weight};
    if (layer_trainable && weight->trainable) {
      place.gradient = program.gradient_size;
      constexpr std::int64_t line = 16;  // each gradient begins on a cache line of its own
      program.gradient_size += (weight->size() + line - 1) / line * line;
    }
    places.push_back(place);
    return static_cast<int>(places.size()) - 1;
  }
};

// What a placeholder is made by; it is never run.
class Placeholder final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Placeholder"; }
  Config get_config() const override { return {}; }
  TensorSpecs outputs(const TensorSpecs&) const override { return {}; }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}
  bool is_input() const override { return true; }
};

}  // namespace

Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, bool input_gradients) {
  Lowering lowering;
  std::vector<int> slots;
  for (const SymbolicTensor& input : inputs)
    slots.push_back(lowering.add_slot(input.spec(), input_gradients && input.dtype() == DType::float32));
  lowering.program.inputs = slots;
  lowering.program.outputs = lowering.lower(inputs, slots, outputs);
  return std::move(lowering.program);
}

SymbolicTensors placeholders(const TensorSpecs& specs) {
  static const auto layer = std::make_shared<Placeholder>();
  SymbolicTensors tensors;
  for (const TensorSpec& spec : specs) tensors.emplace_back(std::make_shared<Node>(Node{layer, {}, {spec}, {}}), 0);
  return tensors;
}

}  // namespace xl
