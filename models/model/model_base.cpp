#include "xlayers/models/model/model_base.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/engine/program.hpp"

namespace xl {

std::vector<std::string> layer_names(std::span<const SymbolicTensor> tensors) {
  std::vector<std::string> names;
  for (const SymbolicTensor& tensor : tensors) {
    const std::string& layer = tensor.node().layer->name();
    std::string name = layer;
    for (int number = 1; std::find(names.begin(), names.end(), name) != names.end(); ++number)
      name = layer + "_" + std::to_string(number);
    names.push_back(name);
  }
  return names;
}

ModelBase::ModelBase() { register_models(); }

std::vector<Layer> ModelBase::children() const {
  std::vector<Layer> children;
  for (const Layer& layer : layers())
    if (!layer.base().is_input()) children.push_back(layer);
  return children;
}

void ModelBase::build_weights(const TensorSpecs& inputs, const CallContext&) {
  graph_ = make_graph(inputs);
  const std::size_t outputs = graph_.outputs.size();
  graph_.outputs = with_masks(graph_.outputs);
  input_names_ = layer_names(graph_.inputs);
  output_names_ = keys_of(output_nest());
  if (output_names_.empty()) output_names_ = layer_names({graph_.outputs.data(), outputs});
  set_trainable(trainable());
}

TensorSpecs ModelBase::infer(const TensorSpecs& inputs, const CallContext& context) const {
  if (built() && context.arguments.empty() && inputs == specs(graph_.inputs)) return specs(graph_.outputs);
  return CompositeLayer::infer(inputs, context);
}

std::int64_t ModelBase::count_calls(std::int64_t before, const LayerBase& layer) const {
  const auto* model = dynamic_cast<const ModelBase*>(&layer);
  const std::int64_t count = before + (model == nullptr ? 1 : model->call_count());
  if (count > most_calls)
    value_error("comes to more than " + std::to_string(most_calls) +
                " calls of layers, with those in the models inside");
  return count;
}

void ModelBase::settle(std::span<const Layer> layers) {
  for (const Layer& layer : layers)
    if (auto* model = dynamic_cast<ModelBase*>(&layer.base()))
      model->settled_ = true;  // what stands in it is settled already
    else
      settle(layer.base().children());
}

const std::shared_ptr<Executor>& ModelBase::executor_unlocked() const {
  if (!executor_ && built()) executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
  return executor_;
}

std::shared_ptr<const Executor> ModelBase::executor() const {
  const std::lock_guard lock(compile_mutex_);
  return executor_unlocked();
}

void ModelBase::refuse_arguments(const CallContext& context) const {
  if (!context.arguments.empty()) value_error("takes no argument '" + context.arguments.entries()[0].first + "'");
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
  const std::lock_guard lock(compile_mutex_);
  executor_.reset();
  compile_options_.reset();
  trainer_.reset();
}

void ModelBase::build_for(const Data& x) {
  if (built()) return;
  TensorSpecs specs;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i].shape().empty()) shape_error("an input with a batch axis", x[i].shape());
    specs.push_back({x[i].shape().sample().with_batch(None), x[i].dtype()});
  }
  build(specs, {});
}

std::vector<Array> ModelBase::in_order(const Data& data, const std::vector<std::string>& names,
                                       const char* what) const {
  std::vector<Array> arrays;
  if (data.names().empty()) {
    if (data.size() != names.size())
      throw ShapeError(label() + "has " + std::to_string(names.size()) + " " + what + " (" + joined(names) + "), got " +
                       std::to_string(data.size()) + " tensors");
    for (std::size_t i = 0; i < data.size(); ++i) arrays.push_back(data[i]);
    return arrays;
  }
  for (const std::string& name : data.names()) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      value_error("has no '" + name + "' among its " + what + "; there are " + joined(names));
    if (std::count(data.names().begin(), data.names().end(), name) > 1) value_error("got '" + name + "' twice");
  }
  for (const std::string& name : names) {
    const auto found = std::find(data.names().begin(), data.names().end(), name);
    arrays.push_back(found == data.names().end() ? Array() : data[found - data.names().begin()]);
  }
  return arrays;
}

void ModelBase::compile(const CompileOptions& options) {
  if (options.loss.empty()) value_error("compile needs a loss, such as \"mse\"");
  const std::lock_guard lock(compile_mutex_);
  const Optimizer optimizer = options.optimizer.serve(identity_);
  if (built()) {
    CompiledOutputs(*this, options);  // throws if a loss, a weight or a metric is for no output
    executor_.reset();                // layers may have been frozen since
    executor_unlocked();
  }
  trainer_.reset();
  compile_options_ = options;
  compile_options_->optimizer = optimizer;
  seed_ = next_seed();
}

void ModelBase::require_compiled() const {
  if (!compile_options_) value_error("has to be compiled before it is trained or evaluated: call compile");
}

std::shared_ptr<Trainer> ModelBase::trainer() {
  if (!built()) value_error("is not built: it is when it is called or when it has an Input");
  const std::lock_guard lock(compile_mutex_);
  require_compiled();
  if (!trainer_) trainer_ = std::make_shared<Trainer>(*this, executor_unlocked(), *compile_options_, seed_);
  return trainer_;
}

}  // namespace xl
