#include "xlayers/models/detail/model_base.hpp"

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/program.hpp"
#include "xlayers/framework/random.hpp"

namespace xl {

void ModelBase::build_weights(const TensorSpecs& inputs, const CallContext& context) {
  CompositeLayer::build_weights(inputs, context);
  graph_ = trace(inputs, context);
  const std::lock_guard lock(compile_mutex_);
  executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
}

std::shared_ptr<const Executor> ModelBase::executor() const {
  const std::lock_guard lock(compile_mutex_);
  return executor_;
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
  const std::lock_guard lock(compile_mutex_);
  graph_ = {};
  executor_.reset();
  compile_options_.reset();
  trainer_.reset();
}

void ModelBase::build_for(const Tensor& x) {
  if (built()) return;
  const Shape whole = shape(x);
  if (whole.empty()) shape_error("an input with a batch axis", whole);
  build({{whole.sample().with_batch(None)}}, {});
}

void ModelBase::check_input(const Tensor& x) const {
  const Shape& expected = graph_.inputs[0].shape();
  if (graph_.inputs[0].dtype() != DType::float32)
    throw ShapeError(label() + "expected an input of int32, got one of float32");
  if (!expected.compatible(shape(x))) shape_error("an input " + to_string(expected), shape(x));
}

void ModelBase::compile(const CompileOptions& options) {
  if (!options.optimizer) value_error("compile needs an optimizer, such as \"adam\"");
  if (!options.loss) value_error("compile needs a loss, such as \"mse\"");
  const std::lock_guard lock(compile_mutex_);
  const Optimizer optimizer = options.optimizer->serve(identity_);
  if (built()) executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
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
