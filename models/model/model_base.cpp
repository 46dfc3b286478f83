#include "xlayers/models/model/model_base.hpp"

#include <algorithm>
#include <set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/plan.hpp"
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
  Signature signature{.label = label(),
                      .input_names = layer_names(graph_.inputs),
                      .output_names = keys_of(output_nest()),
                      .inputs = specs(graph_.inputs),
                      .outputs = specs(graph_.outputs)};
  if (signature.output_names.empty()) signature.output_names = layer_names(graph_.outputs);
  signature_ = std::make_shared<const Signature>(std::move(signature));
  set_trainable(trainable());
}

const std::shared_ptr<const Signature>& ModelBase::signature() const {
  if (!built()) value_error("is not built: it is when it is called or when it has an Input");
  return signature_;
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

std::shared_ptr<const Executor> ModelBase::executor_of_graph() const {
  return std::make_shared<const Executor>(lower(graph_.inputs, graph_.outputs));
}

std::shared_ptr<const Executor> ModelBase::executor() const {
  const std::lock_guard lock(compile_mutex_);
  if (!executor_ && built()) executor_ = executor_of_graph();
  return executor_;
}

void ModelBase::refuse_arguments(const CallContext& context) const {
  if (!context.arguments.empty()) value_error("takes no argument '" + context.arguments.entries()[0].first + "'");
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
  const std::lock_guard lock(compile_mutex_);
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
    executor = executor_of_graph();
  }
  compiled.optimizer = options.optimizer.serve(identity_);
  training_executor_ = std::move(executor);
  compile_options_ = std::move(compiled);
  trainer_.reset();
  training_state_ = std::make_shared<TrainingState>(TrainingState{.seed = next_seed()});
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
  return trainer();
}

// The lock is held.
const std::shared_ptr<Trainer>& ModelBase::trainer() {
  if (!training_executor_) training_executor_ = executor_of_graph();
  if (!trainer_) {
    std::shared_ptr<const Executor> masks;
    if (std::optional<Program> program = lower_masks(graph_.inputs, graph_.outputs))
      masks = std::make_shared<const Executor>(std::move(*program));
    trainer_ =
        std::make_shared<Trainer>(signature_, training_executor_, std::move(masks), *compile_options_, training_state_);
  }
  return trainer_;
}

ModelBase::Progress ModelBase::progress() const {
  const std::lock_guard lock(compile_mutex_);
  require_compiled();
  Progress progress{*training_state_, std::nullopt};
  if (trainer_) progress.trained = trainer_->weights();
  return progress;
}

std::vector<Weight*> ModelBase::trainable_weights() const {
  std::vector<Weight*> trainable;
  for (const Program::WeightPlace& place : lower(graph_.inputs, graph_.outputs).weights)
    if (place.gradient >= 0) trainable.push_back(place.weight);
  return trainable;
}

MemoryUse ModelBase::memory(std::int64_t batch) const {
  signature();  // throws before the model is built
  if (batch < 1) value_error("expected a batch of 1 or more samples, got " + std::to_string(batch));
  std::vector<Shape> inputs;
  for (const SymbolicTensor& input : graph_.inputs) {
    inputs.push_back(input.shape().sample());
    if (std::find(inputs.back().begin(), inputs.back().end(), None) != inputs.back().end())
      value_error("has an input " + to_string(input.shape()) +
                  " with an axis of unknown length, on which its memory depends");
  }
  const auto bytes = [](std::int64_t floats) { return floats * static_cast<std::int64_t>(sizeof(float)); };
  const auto run = [&](const Program& program, RunMode mode) {
    const Plan plan(program, inputs, mode, batch);
    return bytes(plan.floats(batch, plan.workers(batch, num_threads())));
  };
  const auto count = [&](const Program& program, bool trained) {
    std::int64_t sum = 0;
    for (const Program::WeightPlace& place : program.weights)
      if (!trained || place.gradient >= 0) sum += place.weight->size();
    return sum;
  };

  const std::lock_guard lock(compile_mutex_);
  const Program program = lower(graph_.inputs, graph_.outputs);
  MemoryUse use{.weights = bytes(count(program, false)), .predict = run(program, {})};
  if (!compile_options_) return use;
  const Program& trained = training_executor_ ? training_executor_->program() : program;
  use.gradients = bytes(trained.gradient_size);
  std::vector<std::int64_t> sizes;
  for (const Program::WeightPlace& place : trained.weights)
    if (place.gradient >= 0) sizes.push_back(place.weight->size());
  for (const Optimizer::Slot& slot : compile_options_->optimizer.slots_for(static_cast<std::int64_t>(sizes.size())))
    use.optimizer += bytes(sizes[static_cast<std::size_t>(slot.weight)]);
  use.step = run(trained, {.training = true, .backward = true});
  return use;
}

void ModelBase::resume(const Progress& progress) {
  const std::lock_guard lock(compile_mutex_);
  require_compiled();
  *training_state_ = progress.state;
  if (!progress.trained || (trainer_ && trainer_->weights() == *progress.trained)) return;
  trainer_.reset();
  const std::set<const Weight*> trained(progress.trained->begin(), progress.trained->end());
  training_executor_ = std::make_shared<const Executor>(lower(graph_.inputs, graph_.outputs, 0, trained));
  trainer();
}

}  // namespace xl
