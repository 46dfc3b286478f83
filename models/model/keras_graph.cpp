#include "xlayers/models/model/keras_graph.hpp"

#include <map>
#include <utility>

#include "xlayers/framework/graph/layer_base.hpp"
#include "xlayers/models/model/call_arguments.hpp"
#include "xlayers/models/model/model_base.hpp"

namespace xl {

namespace {

bool is_model(const Node& call) { return dynamic_cast<const ModelBase*>(call.layer.get()) != nullptr; }

// Keras writes masks down beside the tensors that they travel with where a call has an argument `mask`, and no other that is
// a tensor.
bool takes_masks(const Node& call) {
  const std::string_view name = call.layer->class_name();
  return is_model(call) || (call.inputs.size() == 1 && (name == "GlobalAveragePooling1D" || name == "Softmax"));
}

}  // namespace

KerasGraph::KerasGraph(const std::vector<const Node*>& sorted) {
  for (const Node* call : sorted) add(*call);
}

KerasOperation& KerasGraph::of(const Node& call) {
  const auto found = of_call_.find(&call);
  return found != of_call_.end() ? *found->second : add(call);
}

KerasOperation& KerasGraph::add(const Node& call) {
  KerasOperation& operation = all_.emplace_back();
  of_call_[&call] = &operation;
  operation.call = &call;
  // Keras looks at what is given by position first, and then at the rest in the order of its names.
  std::multimap<std::string, const SymbolicTensor*> by_keyword;
  const std::vector<std::string> names = keywords(call);
  for (std::size_t i = 0; i < names.size(); ++i) by_keyword.emplace(names[i], &call.inputs[i]);
  for (const auto& [name, input] : by_keyword) operation.inputs.push_back({&of(input->node()), *input});
  if (takes_masks(call))
    for (const SymbolicTensor& input : call.inputs) operation.given_masks.push_back(mask_of(input));
  operation.made_mask = made_mask(call);
  return operation;
}

KerasOperation* KerasGraph::add(std::string_view class_name, Config options, Shape shape,
                                std::vector<KerasOperation*> masks, const SymbolicTensor* tensor) {
  KerasOperation& operation = all_.emplace_back();
  operation.class_name = class_name;
  operation.options = std::move(options);
  operation.shape = std::move(shape);
  for (KerasOperation* mask : masks) operation.inputs.push_back({mask});
  if (tensor != nullptr) operation.inputs.push_back({&of(tensor->node()), *tensor});
  return &operation;
}

KerasOperation* KerasGraph::mask_of(const SymbolicTensor& tensor) {
  return tensor.index() == 0 ? of(tensor.node()).made_mask : nullptr;
}

// Behind a model there is no mask in Keras' graph, only one in its data.
KerasOperation* KerasGraph::made_mask(const Node& call) {
  if (call.keeps_mask) return is_model(call) ? nullptr : mask_of(call.inputs[0]);
  if (call.layer->masking() != Masking::makes || !call.outputs[0].mask) return nullptr;
  const std::string_view name = call.layer->class_name();
  if (name == "Embedding") return add("NotEqual", {}, *call.outputs[0].mask, {}, &call.inputs[0]);
  if (name == "Concatenate") return mask_of_concatenation(call);
  // The merging layers: or(or(a, b), c)
  KerasOperation* mask = mask_of(call.inputs[0]);
  for (std::size_t i = 1; mask != nullptr && i < call.inputs.size(); ++i) {
    KerasOperation* other = mask_of(call.inputs[i]);
    mask = other == nullptr ? nullptr : add("LogicalOr", {}, *call.outputs[0].mask, {mask, other});
  }
  return mask;
}

// any(concatenate(parts)), where a part is or(expand(mask), zeros_like(x)), or ones_like(x) for an x without a mask
KerasOperation* KerasGraph::mask_of_concatenation(const Node& call) {
  std::vector<KerasOperation*> parts;
  for (const SymbolicTensor& x : call.inputs) {
    KerasOperation* mask = mask_of(x);
    if (mask == nullptr) {
      parts.push_back(add("OnesLike", {{"dtype", "bool"}}, x.shape(), {}, &x));
    } else if (mask->shape.rank() < x.shape().rank()) {
      Shape column = mask->shape;
      column.push_back(1);
      KerasOperation* expanded = add("ExpandDims", {{"axis", -1}}, column, {mask});
      KerasOperation* zeros = add("ZerosLike", {{"dtype", "bool"}}, x.shape(), {}, &x);
      parts.push_back(add("LogicalOr", {}, x.shape(), {expanded, zeros}));
    } else {
      parts.push_back(mask);
    }
  }
  const Config options = call.layer->get_config();
  const Shape& shape = call.outputs[0].shape;
  KerasOperation* together = add("Concatenate", {{"axis", options.at("axis")}}, shape, std::move(parts));
  return add("Any", {{"axis", -1}, {"keepdims", false}}, Shape(shape.begin(), shape.end() - 1), {together});
}

}  // namespace xl
