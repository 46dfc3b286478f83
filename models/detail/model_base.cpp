#include "xlayers/models/detail/model_base.hpp"

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/program.hpp"
#include "xlayers/framework/random.hpp"

namespace xl {

void ModelBase::build_weights(const TensorSpecs& inputs, CallContext context) {
  CompositeLayer::build_weights(inputs, context);
  graph_ = trace(inputs, context);
  executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
}

void ModelBase::unbuild() {
  CompositeLayer::unbuild();
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
  if (!expected.compatible(shape(x))) shape_error("an input " + to_string(expected), shape(x));
}

void ModelBase::compile(const CompileOptions& options) {
  if (!options.optimizer) value_error("compile needs an optimizer, such as \"adam\"");
  if (!options.loss) value_error("compile needs a loss, such as \"mse\"");
  const std::lock_guard lock(trainer_mutex_);
  if (built()) executor_ = std::make_shared<Executor>(lower(graph_.inputs, graph_.outputs));
  trainer_.reset();
  compile_options_ = options;
  seed_ = next_seed();
}

void ModelBase::require_compiled() const {
  if (!compile_options_) value_error("has to be compiled before it is trained or evaluated: call compile");
}

Trainer& ModelBase::trainer() {
  if (!built()) value_error("is not built: it is when it is called or when it has an Input");
  const std::lock_guard lock(trainer_mutex_);
  require_compiled();
  if (!trainer_) trainer_ = std::make_unique<Trainer>(*this, *compile_options_, seed_);
  return *trainer_;
}

}  // namespace xl
