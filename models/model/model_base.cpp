#include "xlayers/models/model/model_base.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/engine/program.hpp"

namespace xl {

namespace {

// The names of the layers that make the tensors; one that makes several gets a number behind it.
std::vector<std::string> names_of(const SymbolicTensors& tensors, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& layer = tensors[i].node().layer->name();
    std::string name = layer;
    for (int number = 1; std::find(names.begin(), names.end(), name) != names.end(); ++number)
      name = layer + "_" + std::to_string(number);
    names.push_back(name);
  }
  return names;
}

Signature signature_of(const std::string& label, const Graph& own, const Graph& graph) {
  Signature signature{.label = label, .inputs = specs(graph.inputs), .outputs = specs(graph.outputs)};
  signature.inputs.resize(without_masks(signature.inputs));
  const auto first_mask = signature.outputs.begin() + without_masks(signature.outputs);
  signature.masks.assign(first_mask, signature.outputs.end());
  signature.outputs.erase(first_mask, signature.outputs.end());
  signature.input_names = names_of(own.inputs, signature.inputs.size());
  signature.output_names = names_of(own.outputs, signature.outputs.size());
  return signature;
}

}  // namespace

ModelBase::ModelBase() { register_models(); }

void ModelBase::build_weights(const TensorSpecs& inputs, const CallContext& context) {
  CompositeLayer::build_weights(inputs, context);
  graph_ = trace(inputs, context);
  signature_ = std::make_shared<const Signature>(signature_of(label(), own_graph(), graph_));
  executor_ = executor_of(graph_.outputs);
}

std::shared_ptr<const Executor> ModelBase::executor_of(const SymbolicTensors& outputs) const {
  return std::make_shared<const Executor>(lower(graph_.inputs, outputs));
}

const std::shared_ptr<const Signature>& ModelBase::signature() const {
  if (!built()) value_error("is not built: it is when it is called or when it has an Input");
  return signature_;
}

void ModelBase::refuse_arguments(const CallContext& context) const {
  if (!context.arguments.empty()) value_error("takes no argument '" + context.arguments.entries()[0].first + "'");
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
  const std::lock_guard lock(compile_mutex_);
  graph_ = {};
  signature_.reset();
  executor_.reset();
  compile_options_.reset();
  training_executor_.reset();
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

void ModelBase::compile(const CompileOptions& options) {
  if (options.loss.empty()) value_error("compile needs a loss, such as \"mse\"");
  const std::lock_guard lock(compile_mutex_);
  // What throws comes first: a compile that fails changes nothing, and leaves the optimizer to other models.
  CompileOptions compiled = options;
  std::shared_ptr<const Executor> executor;
  if (built()) {
    CompiledOutputs(*signature_, options);  // throws if a loss, a weight or a metric is for no output
    executor = executor_of(graph_.outputs);
  }
  compiled.optimizer = options.optimizer.serve(identity_);
  training_executor_ = std::move(executor);
  compile_options_ = std::move(compiled);
  trainer_.reset();
  seed_ = next_seed();
}

void ModelBase::require_compiled() const {
  if (!compile_options_) value_error("has to be compiled before it is trained or evaluated: call compile");
}

std::shared_ptr<Trainer> ModelBase::trainer_for(const Data& x, const Data& y) {
  if (!built()) {
    {
      const std::lock_guard lock(compile_mutex_);
      require_compiled();
    }
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i].shape().empty() || x[i].shape()[0] == 0)
        value_error("expected samples, got x of shape " + to_string(x[i].shape()));
    for (std::size_t i = 0; i < y.size() && !x.empty(); ++i)
      if (y[i].shape().empty() || y[i].shape()[0] != x[0].shape()[0])
        throw ShapeError(label() + "expected as many targets as samples, got x " + to_string(x[0].shape()) + " and y " +
                         to_string(y[i].shape()));
    build_for(x);
  }
  const std::lock_guard lock(compile_mutex_);
  require_compiled();
  if (!training_executor_) training_executor_ = executor_of(graph_.outputs);
  if (!trainer_) {
    const SymbolicTensors masks(graph_.outputs.begin() + signature()->outputs.size(), graph_.outputs.end());
    trainer_ = std::make_shared<Trainer>(signature_, training_executor_, masks.empty() ? nullptr : executor_of(masks),
                                         *compile_options_, seed_);
  }
  return trainer_;
}

}  // namespace xl
