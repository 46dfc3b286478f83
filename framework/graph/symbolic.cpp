#include "xlayers/framework/graph/symbolic.hpp"

#include <algorithm>
#include <unordered_set>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/layer.hpp"

namespace xl {

const TensorSpec& SymbolicTensor::spec() const {
  if (!node_) throw ValueError("this symbolic tensor is empty: it was made by no Input and no layer");
  return node_->outputs[index_];
}

TensorSpecs specs(const SymbolicTensors& tensors) {
  TensorSpecs specs;
  for (const SymbolicTensor& tensor : tensors) specs.push_back(tensor.spec());
  return specs;
}

std::optional<SymbolicTensor> SymbolicTensor::mask() const {
  spec();  // throws if empty
  if (index_ >= node_->masks.size()) return std::nullopt;
  const Node::Mask& mask = node_->masks[index_];
  switch (mask.origin) {
    case Node::Mask::Origin::output:
      return SymbolicTensor(node_, mask.output);
    case Node::Mask::Origin::before:
      return mask.before;
    default:
      return std::nullopt;
  }
}

SymbolicTensors with_masks(const SymbolicTensors& tensors) {
  SymbolicTensors all = tensors;
  for (const SymbolicTensor& tensor : tensors)
    if (const std::optional<SymbolicTensor> mask = tensor.mask()) all.push_back(*mask);
  return all;
}

std::size_t without_masks(const TensorSpecs& specs) {
  const auto masked = [](const TensorSpec& spec) { return spec.masked; };
  return specs.size() - static_cast<std::size_t>(std::count_if(specs.begin(), specs.end(), masked));
}

TensorSpecs seen_by(const LayerBase& layer, TensorSpecs inputs) {
  if (!layer.takes_masks())
    for (TensorSpec& input : inputs) input.masked = false;
  return inputs;
}

std::vector<const Node*> sort_nodes(const SymbolicTensors& inputs, const SymbolicTensors& outputs) {
  std::unordered_set<const Node*> done;
  for (const SymbolicTensor& input : inputs) done.insert(&input.node());

  // Depth-first without recursion, so that a model may be as deep as memory allows.
  struct Visit {
    const Node* node;
    std::size_t next_input = 0;
  };
  std::vector<const Node*> order;
  std::vector<Visit> path;
  const auto visit = [&](const Node* node) {
    if (done.contains(node)) return;
    if (node->inputs.empty() && node->layer->is_input())
      throw ValueError("the outputs depend on the Input '" + node->layer->name() +
                       "', which is not among the inputs of the model");
    path.push_back({node});
  };
  for (const SymbolicTensor& output : outputs) {
    output.spec();  // throws if empty
    visit(&output.node());
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.next_input < top.node->inputs.size()) {
        visit(&top.node->inputs[top.next_input++].node());
        continue;
      }
      if (done.insert(top.node).second) order.push_back(top.node);
      path.pop_back();
    }
  }
  return order;
}

}  // namespace xl
