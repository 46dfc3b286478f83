#include "xlayers/framework/graph/node.hpp"

#include <unordered_set>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

Value named_input(std::size_t input) { return Config{{"input", input}}; }

std::optional<std::size_t> named_input(const Config& arguments, std::string_view name) {
  const Value* value = arguments.find(name);
  if (value == nullptr || !value->is_config()) return {};
  const Value* input = value->as_config().find("input");
  if (input == nullptr) return {};
  return static_cast<std::size_t>(input->as_int());
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

namespace {

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

SymbolicTensors placeholders(const TensorSpecs& specs) {
  static const auto layer = std::make_shared<Placeholder>();
  SymbolicTensors tensors;
  for (const TensorSpec& spec : specs) {
    auto node = std::make_shared<Node>();
    node->layer = layer;
    node->outputs = {spec};
    tensors.emplace_back(std::move(node), 0);
  }
  return tensors;
}

}  // namespace xl
