#include "xlayers/models/model/functional.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model/keras_order.hpp"

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
    : FunctionalBase(inputs, outputs, name, {plain_nest(inputs.size()), plain_nest(outputs.size()), {}}) {}

FunctionalBase::FunctionalBase(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::string& name,
                               FunctionalLayout layout)
    : own_{inputs, outputs}, layout_(std::move(layout)) {
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
  for (const Node* call : calls_) call_count_ = count_calls(call_count_, *call->layer);
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
  for (const Node* call : calls_)
    if (const auto* model = dynamic_cast<const ModelBase*>(call->layer.get()))
      if (model->infer(specs(call->inputs), call->context) != call->outputs)
        value_error("calls '" + model->name() + "', which was changed after that call");
  sort();
  check_names();
  settle(layers_);
  build(specs(own_.inputs), {});
}

void FunctionalBase::sort() {
  KerasGraph graph(calls_);
  KerasOrder order = keras_order(graph, own_.outputs);
  calls_ = std::move(order.calls);
  for (const KerasOrder::Entry& entry : order.entries)
    if (entry.layer) layers_.emplace_back(entry.layer);
  for (const Node* call : calls_) calls_of_[call->layer.get()].push_back(call);
  for (auto& [layer, calls] : calls_of_)
    std::sort(calls.begin(), calls.end(), [](const Node* a, const Node* b) { return a->number < b->number; });
  for (const SymbolicTensor& input : own_.inputs)
    if (!calls_of_.contains(input.node().layer.get()))
      value_error("has the input '" + input.node().layer->name() + "', which leads to none of the outputs");
  sort_as_config();
}

// The order of a config's layers, which may count calls in the depth that are not here (those on masks). It is Keras' if each
// layer has a call on layers that stand before it; a list in any other order says nothing.
void FunctionalBase::sort_as_config() {
  std::unordered_map<std::string_view, std::size_t> listed;
  for (const std::string& name : layout_.layers) listed.try_emplace(name, listed.size() + 1);
  const auto place = [&](const LayerBase& layer) {
    const auto found = listed.find(layer.name());
    return found == listed.end() ? 0 : found->second;  // an Input in the place of an inner tensor is in no list
  };
  const auto stands_behind = [&](const Layer& layer) {
    const std::vector<const Node*>& calls = calls_of(layer.base());
    return std::any_of(calls.begin(), calls.end(), [&](const Node* call) {
      return std::all_of(call->inputs.begin(), call->inputs.end(),
                         [&](const SymbolicTensor& input) { return place(*input.node().layer) < place(layer.base()); });
    });
  };
  if (listed.empty() || !std::all_of(layers_.begin(), layers_.end(), stands_behind)) return;
  std::stable_sort(layers_.begin(), layers_.end(),
                   [&](const Layer& a, const Layer& b) { return place(a.base()) < place(b.base()); });
}

void FunctionalBase::check_names() const {
  std::unordered_map<std::string_view, const Layer*> known;
  for (const Layer& layer : layers_)
    if (const auto [other, is_new] = known.try_emplace(layer.name(), &layer); !is_new)
      value_error("has two layers of the name '" + layer.name() + "', a " + std::string(other->second->class_name()) +
                  " and a " + std::string(layer.class_name()));
}

const std::vector<const Node*>& FunctionalBase::calls_of(const LayerBase& layer) const {
  static const std::vector<const Node*> none;
  const auto found = calls_of_.find(&layer);
  return found == calls_of_.end() ? none : found->second;
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
