#include "xlayers/framework/engine/program.hpp"

#include <algorithm>
#include <map>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"

namespace xl {

namespace {

// (1, ...) and a tensor with samples -> (samples, ...)
class Repeat final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Repeat"; }
  Config get_config() const override { return {}; }
  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = inputs[0];
    y.shape[0] = None;
    y.batched = true;
    return {y};
  }
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    for (std::int64_t i = 0; i < y.samples; ++i) std::copy_n(x.data, x.size(), y.data + i * x.size());
  }
  void backward(const BackwardCall&) const override {}  // nothing before it is trained
};

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
      const Graph trace = composite->trace(seen_by(*composite, specs_of(read)), node.context);
      return lower(trace.inputs, read, trace.outputs);
    }
    auto primitive = std::dynamic_pointer_cast<const PrimitiveLayer>(node.layer);
    if (!primitive) throw ValueError(node.layer->label() + "is neither primitive nor composite");

    Program::Operation operation{std::move(primitive), read, {}, {}, node.context};
    for (Weight* weight : node.layer->weights()) {
      const int place = place_of(weight, node.layer->trainable());
      operation.weights.push_back(place);
      operation.trained |= program.weights[place].gradient >= 0;
    }
    for (int slot : read) operation.trained |= program.slots[slot].trained;
    operation.trained &= !operation.layer->is_constant();
    const auto is_batched = [&](int slot) { return program.slots[slot].spec.batched; };
    if (operation.trained && std::none_of(read.begin(), read.end(), is_batched))
      for (int& slot : operation.inputs) slot = repeat(slot);

    const TensorSpecs outputs =
        operation.layer->infer(seen_by(*operation.layer, specs_of(operation.inputs)), node.context);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const bool is_mask = i >= node.masks.size();
      operation.outputs.push_back(add_slot(outputs[i], operation.trained && !is_mask));
      if (!is_mask) program.slots.back().spec.masked = node.outputs[i].masked;
    }
    program.operations.push_back(operation);
    return operation.outputs;
  }

  TensorSpecs specs_of(const std::vector<int>& slots) const {
    TensorSpecs specs;
    for (int slot : slots) specs.push_back(program.slots[slot].spec);
    return specs;
  }

  // A tensor without a batch, once for each sample: what has weights to train behind it learns from each.
  int repeat(int slot) {
    static const auto layer = std::make_shared<Repeat>();
    TensorSpec spec = program.slots[slot].spec;
    spec.shape[0] = None;
    spec.batched = true;
    program.operations.push_back(
        {layer, {slot, program.inputs.at(0)}, {add_slot(spec, program.slots[slot].trained)}, {}, {}, false});
    return program.operations.back().outputs[0];
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

Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, std::size_t input_gradients) {
  Lowering lowering;
  std::vector<int>& slots = lowering.program.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    slots.push_back(lowering.add_slot(inputs[i].spec(), i < input_gradients && inputs[i].dtype() == DType::float32));
  lowering.program.outputs = lowering.lower(inputs, std::vector<int>(slots), outputs);
  return std::move(lowering.program);
}

SymbolicTensors placeholders(const TensorSpecs& specs) {
  static const auto layer = std::make_shared<Placeholder>();
  const auto placeholder = [](const TensorSpec& spec, const Node::Mask& mask) {
    auto node = std::make_shared<Node>();
    node->layer = layer;
    node->outputs = {spec};
    node->masks = {mask};
    return SymbolicTensor(node, 0);
  };
  const std::size_t count = without_masks(specs);
  SymbolicTensors masks;
  for (std::size_t i = count; i < specs.size(); ++i) masks.push_back(placeholder(specs[i], {}));
  SymbolicTensors tensors;
  for (std::size_t i = 0, next = 0; i < count; ++i) {
    Node::Mask mask;
    if (specs[i].masked) mask = {Node::Mask::Origin::before, 0, masks.at(next++)};
    tensors.push_back(placeholder(specs[i], mask));
  }
  tensors.insert(tensors.end(), masks.begin(), masks.end());
  return tensors;
}

}  // namespace xl
