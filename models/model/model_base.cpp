#include "xlayers/models/model/model_base.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/engine/program.hpp"

namespace xl {

namespace {

// The names of the layers that make the tensors; one that makes several gets a number behind it.
std::vector<std::string> names_of(const SymbolicTensors& tensors) {
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

}  // namespace

ModelBase::ModelBase() { register_models(); }

void ModelBase::build_weights(const TensorSpecs& inputs, const CallContext& context) {
  CompositeLayer::build_weights(inputs, context);
  TensorSpecs without_masks = inputs;  // data brings none
  for (TensorSpec& input : without_masks) input.mask.reset();
  graph_ = trace(without_masks, context);
  const Graph own = own_graph();
  input_names_ = names_of(own.inputs);
  output_names_ = names_of(own.outputs);
  const std::lock_guard lock(compile_mutex_);
  executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
}

std::shared_ptr<const Executor> ModelBase::executor() const {
  const std::lock_guard lock(compile_mutex_);
  return executor_;
}

void ModelBase::refuse_arguments(const CallContext& context) const {
  if (!context.arguments.empty()) value_error("takes no argument '" + context.arguments.entries()[0].first + "'");
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
  const std::lock_guard lock(compile_mutex_);
  graph_ = {};
  input_names_.clear();
  output_names_.clear();
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
    executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
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
  if (!trainer_) trainer_ = std::make_shared<Trainer>(*this, executor_, *compile_options_, seed_);
  return trainer_;
}

}  // namespace xl
