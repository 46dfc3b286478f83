#include "xlayers/models/model/functional.hpp"

#include <algorithm>
#include <map>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/layers/input.hpp"

namespace xl {

namespace {

using Made = std::map<std::pair<const Node*, std::size_t>, SymbolicTensor>;

bool made_by_input(const SymbolicTensor& tensor) { return tensor.node().layer->class_name() == "InputLayer"; }

// Makes the calls once more on other tensors, which `made` holds for the inputs; gives what becomes of `outputs`.
SymbolicTensors call_again(const std::vector<const Node*>& calls, const SymbolicTensors& outputs, Made made) {
  for (const Node* call : calls) {
    if (call->layer->is_input()) continue;
    SymbolicTensors inputs;
    for (const SymbolicTensor& input : call->inputs) inputs.push_back(made.at({&input.node(), input.index()}));
    const SymbolicTensors results = call_layer(call->layer, inputs, call->context);
    for (std::size_t i = 0; i < results.size(); ++i) made[{call, i}] = results[i];
  }
  SymbolicTensors results;
  for (const SymbolicTensor& output : outputs) results.push_back(made.at({&output.node(), output.index()}));
  return results;
}

}  // namespace

FunctionalBase::FunctionalBase(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::string& name)
    : own_{inputs, outputs} {
  name_layer(*this, name, true);
  if (inputs.empty() || outputs.empty()) value_error("needs at least one input and one output");
  for (const SymbolicTensors& ends : {inputs, outputs})
    if (std::find(ends.begin(), ends.end(), SymbolicTensor()) != ends.end())
      value_error("has an empty symbolic tensor, made by no Input and no layer, as its input or output");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (std::find(inputs.begin(), inputs.begin() + i, inputs[i]) != inputs.begin() + i)
      value_error("has the input '" + inputs[i].node().layer->name() + "' twice");
  try {
    calls_ = sort_nodes(own_.inputs, own_.outputs);
  } catch (const ValueError& error) {
    value_error(error.what());
  }
  // An inner tensor of another model becomes an Input of this one.
  if (!std::all_of(inputs.begin(), inputs.end(), made_by_input)) {
    Made made;
    for (SymbolicTensor& input : own_.inputs) {
      const SymbolicTensor before = input;
      if (!made_by_input(input)) input = Input(input.shape().sample(), {.dtype = to_string(input.dtype())});
      made[{&before.node(), before.index()}] = input;
    }
    own_.outputs = call_again(calls_, own_.outputs, std::move(made));
    calls_ = sort_nodes(own_.inputs, own_.outputs);
  }
  sort();
  build(specs(own_.inputs), {});
}

// Keras' order. The depth of a call is the longest way from it to an output; a layer that is called several times is as deep
// as its deepest call. The deepest come first; of equal depth, those first that a walk from the outputs back meets first.
void FunctionalBase::sort() {
  std::map<const LayerBase*, std::size_t> met;
  std::map<const Node*, int> depth_of_call;
  std::map<const LayerBase*, int> depth;
  std::vector<const Node*> walk;  // calls and Inputs, each after those it depends on
  {
    struct Visit {
      const Node* node;
      std::size_t next = 0;
    };
    std::map<const Node*, bool> seen;
    std::vector<Visit> path;
    const auto visit = [&](const Node* node) {
      if (seen[node]) return;
      seen[node] = true;
      met.try_emplace(node->layer.get(), met.size());
      path.push_back({node});
    };
    for (const SymbolicTensor& output : own_.outputs) {
      visit(&output.node());
      while (!path.empty()) {
        if (Visit& top = path.back(); top.next < top.node->inputs.size()) {
          visit(&top.node->inputs[top.next++].node());
        } else {
          walk.push_back(top.node);
          path.pop_back();
        }
      }
    }
  }
  for (auto call = walk.rbegin(); call != walk.rend(); ++call) {
    int& own = depth_of_call[*call];
    int& of_layer = depth[(*call)->layer.get()];
    own = of_layer = std::max(own, of_layer);
    for (const SymbolicTensor& input : (*call)->inputs) {
      int& before = depth_of_call[&input.node()];
      before = std::max(before, own + 1);
    }
  }
  for (const SymbolicTensor& input : own_.inputs)
    if (!met.contains(input.node().layer.get()))
      value_error("has the input '" + input.node().layer->name() + "', which leads to none of the outputs");

  for (const Node* call : walk) {
    const Layer layer(call->layer);
    if (std::find(layers_.begin(), layers_.end(), layer) == layers_.end()) layers_.push_back(layer);
  }
  std::sort(layers_.begin(), layers_.end(), [&](const Layer& a, const Layer& b) {
    const int deep_a = depth.at(&a.base()), deep_b = depth.at(&b.base());
    return deep_a != deep_b ? deep_a > deep_b : met.at(&a.base()) < met.at(&b.base());
  });
  for (std::size_t i = 0; i < layers_.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (layers_[i].name() == layers_[j].name())
        value_error("has two layers of the name '" + layers_[i].name() + "', a " +
                    std::string(layers_[j].class_name()) + " and a " + std::string(layers_[i].class_name()));
  calls_ = std::move(walk);
}

std::vector<const Node*> FunctionalBase::calls_of(const LayerBase& layer) const {
  std::vector<const Node*> calls;
  for (const Node* call : calls_)
    if (call->layer.get() == &layer) calls.push_back(call);
  std::sort(calls.begin(), calls.end(), [](const Node* a, const Node* b) { return a->number < b->number; });
  return calls;
}

std::vector<Layer> FunctionalBase::children() const {
  std::vector<Layer> children;
  for (const Layer& layer : layers_)
    if (!layer.base().is_input()) children.push_back(layer);
  return children;
}

SymbolicTensors FunctionalBase::call(const SymbolicTensors& inputs, const CallContext& context) const {
  refuse_arguments(context);
  if (inputs.size() != own_.inputs.size())
    throw ShapeError(label() + "takes " + std::to_string(own_.inputs.size()) + " inputs, got " +
                     std::to_string(inputs.size()));
  Made made;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec& expected = own_.inputs[i].spec();
    const std::string which =
        inputs.size() == 1 ? "an input " : "the input '" + own_.inputs[i].node().layer->name() + "' ";
    if (!expected.shape.compatible(inputs[i].shape()))
      shape_error(which + to_string(expected.shape), inputs[i].shape());
    if (expected.dtype != inputs[i].dtype())
      throw ShapeError(label() + "expected " + which + "of " + to_string(expected.dtype) + ", got " +
                       to_string(inputs[i].dtype()));
    made[{&own_.inputs[i].node(), own_.inputs[i].index()}] = inputs[i];
  }
  return call_again(calls_, own_.outputs, std::move(made));
}

}  // namespace xl
