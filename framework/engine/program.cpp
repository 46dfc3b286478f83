#include "xlayers/framework/engine/program.hpp"

#include <algorithm>
#include <map>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"

namespace xl {

namespace {

// y = x
class Copy : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Copy"; }
  Config get_config() const override { return {}; }
  Masking masking() const override { return Masking::keeps; }
  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {inputs[0]}; }
  void forward(const ForwardCall& call) const override {
    std::copy_n(call.input().data, call.input().size(), call.output().data);
  }
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) std::copy_n(call.output_gradient().data, dx->size(), dx->data);
  }
};

// (1, ...) and a tensor with samples -> (samples, ...)
class Repeat final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Repeat"; }
  Config get_config() const override { return {}; }
  Masking masking() const override { return Masking::uses; }
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
  explicit Lowering(const std::optional<std::set<const Weight*>>& trained) : trained_(trained) {}
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

  // A slot, and one for the mask that the tensor carries.
  int add_slot(const TensorSpec& spec, bool has_gradient) {
    program.slots.push_back({spec, has_gradient});
    const int slot = last_slot();
    if (spec.mask) {
      program.slots.push_back({{*spec.mask, DType::float32, spec.batched}});
      program.slots[slot].mask = last_slot();
    }
    return slot;
  }

  // Each output has a gradient of its own, so one that is asked for twice is there twice.
  void make_distinct(std::vector<int>& outputs) {
    for (auto output = outputs.begin(); output != outputs.end(); ++output)
      if (std::find(outputs.begin(), output, *output) != output) *output = copy(*output);
  }

 private:
  const std::optional<std::set<const Weight*>>& trained_;

  int last_slot() const { return static_cast<int>(program.slots.size()) - 1; }

  std::vector<int> lower_node(const Node& node, const std::vector<int>& read) {
    std::vector<int> made;
    if (const auto* composite = dynamic_cast<const CompositeLayer*>(node.layer.get())) {
      const Graph trace = composite->trace(specs_of(read), node.context);
      const int slots_before = static_cast<int>(program.slots.size());
      made = lower(trace.inputs, read, trace.outputs);
      if (node.keeps_mask) carry_on(program.slots[read[0]].mask, made, slots_before);
    } else {
      made = lower_primitive(node, read);
    }
    if (const Regularizer* penalty = node.layer->activity_regularizer())
      for (int& slot : made) {
        if (program.slots[slot].penalty != nullptr) slot = copy(slot);
        program.slots[slot].penalty = penalty;
      }
    return made;
  }

  std::vector<int> lower_primitive(const Node& node, const std::vector<int>& read) {
    auto primitive = std::dynamic_pointer_cast<const PrimitiveLayer>(node.layer);
    if (!primitive) throw ValueError(node.layer->label() + "is neither primitive nor composite");

    Program::Operation operation{std::move(primitive), read, {}, {}, node.context};
    for (Weight* weight : node.layer->weights()) {
      const int place = place_of(weight, node.layer->trainable());
      operation.weights.push_back(place);
      operation.runs_backward |= program.weights[place].gradient >= 0;
    }
    for (int slot : read) operation.runs_backward |= program.slots[slot].has_gradient;
    operation.runs_backward &= !operation.layer->is_constant();
    const auto is_batched = [&](int slot) { return program.slots[slot].spec.batched; };
    if (operation.runs_backward && std::none_of(read.begin(), read.end(), is_batched))
      for (int& slot : operation.inputs) slot = repeat(slot);

    TensorSpecs outputs = operation.layer->infer(specs_of(operation.inputs), node.context);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const bool makes_mask = node.outputs[i].mask && operation.layer->masking() == Masking::makes;
      if (!makes_mask) outputs[i].mask.reset();
      operation.outputs.push_back(add_slot(outputs[i], operation.runs_backward));
    }
    if (node.keeps_mask) set_mask(operation.outputs[0], program.slots[operation.inputs[0]].mask);
    program.operations.push_back(operation);
    return operation.outputs;
  }

  TensorSpecs specs_of(const std::vector<int>& slots) const {
    TensorSpecs specs;
    for (int slot : slots) specs.push_back(program.slots[slot].spec);
    return specs;
  }

  void set_mask(int slot, int mask) {
    program.slots[slot].mask = mask;
    if (mask >= 0) program.slots[slot].spec.mask = program.slots[mask].spec.shape;
  }

  // Has the first of the tensors that a composite has made carry this mask. Others that have it, or read it, see none.
  void carry_on(int mask, std::vector<int>& made, int slots_before) {
    const int slot = made[0];
    const bool is_read = std::any_of(program.operations.begin(), program.operations.end(), [&](const auto& operation) {
      return std::find(operation.inputs.begin(), operation.inputs.end(), slot) != operation.inputs.end();
    });
    if (is_read || slot < slots_before || std::count(made.begin(), made.end(), slot) > 1) made[0] = copy(slot);
    set_mask(made[0], mask);
  }

  // The tensor once more.
  int copy(int slot) {
    static const auto layer = std::make_shared<Copy>();
    const Program::Slot from = program.slots[slot];
    program.slots.push_back({from.spec, from.has_gradient, from.mask});
    program.operations.push_back({layer, {slot}, {last_slot()}, {}, {}, from.has_gradient});
    return last_slot();
  }

  // A tensor without a batch, once for each sample: what has weights to train behind it learns from each.
  int repeat(int slot) {
    static const auto layer = std::make_shared<Repeat>();
    TensorSpec spec = program.slots[slot].spec;
    spec.shape[0] = None;
    spec.batched = true;
    spec.mask.reset();
    program.operations.push_back(
        {layer, {slot, program.inputs.at(0)}, {add_slot(spec, program.slots[slot].has_gradient)}, {}, {}, false});
    return program.operations.back().outputs[0];
  }

  int place_of(Weight* weight, bool layer_trainable) {
    auto& places = program.weights;
    const auto found =
        std::find_if(places.begin(), places.end(), [&](const auto& place) { return place.weight == weight; });
    if (found != places.end()) return static_cast<int>(found - places.begin());
    Program::WeightPlace place{weight};
    if (trained_ ? trained_->contains(weight) : layer_trainable && weight->trainable) {
      place.gradient = program.gradient_size;
      constexpr std::int64_t line = 16;  // each gradient begins on a cache line of its own
      program.gradient_size += (weight->size() + line - 1) / line * line;
    }
    places.push_back(place);
    return static_cast<int>(places.size()) - 1;
  }
};

// Leaves only the operations that the outputs need.
void prune(Program& program) {
  std::vector<bool> needed(program.slots.size());
  const auto need = [&](int slot) {
    if (slot >= 0) needed[slot] = true;
  };
  for (int slot : program.outputs) need(slot);
  for (auto operation = program.operations.rbegin(); operation != program.operations.rend(); ++operation) {
    const bool makes_mask = operation->layer->masking() == Masking::makes;
    const auto is_needed = [&](int slot) {
      const int mask = program.slots[slot].mask;
      return needed[slot] || (makes_mask && mask >= 0 && needed[mask]);
    };
    if (std::none_of(operation->outputs.begin(), operation->outputs.end(), is_needed)) {
      operation->outputs.clear();
      continue;
    }
    for (int slot : operation->inputs) {
      need(slot);
      need(program.slots[slot].mask);
    }
  }
  std::erase_if(program.operations, [](const Program::Operation& operation) { return operation.outputs.empty(); });
}

}  // namespace

Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, std::size_t input_gradients,
              const std::optional<std::set<const Weight*>>& trained) {
  Lowering lowering(trained);
  std::vector<int>& slots = lowering.program.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    slots.push_back(lowering.add_slot(inputs[i].spec(), i < input_gradients && inputs[i].dtype() == DType::float32));
  lowering.program.outputs = lowering.lower(inputs, std::vector<int>(slots), outputs);
  lowering.make_distinct(lowering.program.outputs);
  return std::move(lowering.program);
}

std::optional<Program> lower_masks(const SymbolicTensors& inputs, const SymbolicTensors& outputs) {
  Program program = lower(inputs, outputs);
  std::vector<int> masks;
  for (int slot : program.outputs)
    if (const int mask = program.slots[slot].mask; mask >= 0) masks.push_back(mask);
  if (masks.empty()) return std::nullopt;
  program.outputs = std::move(masks);
  prune(program);
  return program;
}

}  // namespace xl
