#include "xlayers/framework/graph/layer_base.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/graph/without_drawing.hpp"

namespace xl {

std::string LayerBase::label() const { return error_label(class_name(), name_); }

void LayerBase::build(const TensorSpecs& inputs, const CallContext& context) {
  if (built_) return;
  const std::lock_guard lock(mutex_);
  if (built_) return;
  try {
    build_weights(inputs, context);
  } catch (...) {
    weights_.clear();
    throw;
  }
  build_inputs_ = inputs;
  built_ = true;
}

void LayerBase::unbuild() {
  const std::lock_guard lock(mutex_);
  built_ = false;
  weights_.clear();
  build_inputs_.clear();
  eager_calls_.reset();
}

std::optional<Config> LayerBase::build_config() const {
  if (!needs_building() || !built_ || build_inputs_.size() != 1) return std::nullopt;
  Value::List dims;
  for (Dim dim : build_inputs_[0].shape) dims.push_back(dim == None ? Value() : Value(dim));
  return Config{{"input_shape", std::move(dims)}};
}

std::vector<Layer> LayerBase::children() const { return {}; }

std::vector<Weight*> LayerBase::weights() const {
  std::vector<Weight*> all;
  for (const auto& weight : weights_) all.push_back(weight.get());
  return all;
}

void LayerBase::add_weight(std::string name, const Shape& shape, const Initializer& initializer,
                           Regularizer regularizer, Constraint constraint, bool trainable, std::optional<Fans> fans) {
  const bool drawn = !WithoutDrawing::takes(shape.elements());
  auto weight = std::make_unique<Weight>(
      Weight{std::move(name), empty(shape), trainable, std::move(regularizer), std::move(constraint)});
  if (drawn) initializer.fill({weight->value.data(), weight->value.size()}, fans ? *fans : Fans::of(shape));
  if (drawn && weight->constraint) {
    Tensor trial = weight->value;  // throws now, not at the end of a training step, if an axis is missing
    weight->constraint.apply({trial.data(), trial.size()}, shape);
  }
  weights_.push_back(std::move(weight));
}

void LayerBase::shape_error(const std::string& expected, const Shape& got) const {
  throw ShapeError(label() + "expected " + expected + ", got " + to_string(got));
}

void LayerBase::value_error(const std::string& text) const { throw ValueError(label() + text); }

const TensorSpec& LayerBase::single_input(const TensorSpecs& inputs, std::size_t min_rank) const {
  if (inputs.size() != 1) throw ShapeError(label() + "takes one input, got " + std::to_string(inputs.size()));
  if (inputs[0].shape.rank() < min_rank)
    shape_error("an input of rank " + std::to_string(min_rank) + " or more (batch axis included)", inputs[0].shape);
  if (inputs[0].dtype != DType::float32)
    throw ShapeError(label() + "expected a float32 input, got " + to_string(inputs[0].dtype));
  return inputs[0];
}

}  // namespace xl
