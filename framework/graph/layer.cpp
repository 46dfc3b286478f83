#include "xlayers/framework/graph/layer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory_resource>
#include <new>

#include "xlayers/framework/base/ascii.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/engine/call_inputs.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/engine/program.hpp"

namespace xl {

// ---- LayerBase

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
  executors_.clear();
}

std::optional<Config> LayerBase::build_config() const {
  if (!needs_building() || !built_ || without_masks(build_inputs_) != 1) return std::nullopt;
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
                           Regularizer regularizer, Constraint constraint, bool trainable) {
  auto weight = std::make_unique<Weight>(
      Weight{std::move(name), empty(shape), trainable, std::move(regularizer), std::move(constraint)});
  initializer.fill({weight->value.data(), weight->value.size()}, shape);
  if (weight->constraint) {
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

std::vector<Tensor> LayerBase::call_on_data(const Data& inputs, const CallOptions& options) {
  const std::shared_ptr<Executor> executor = executor_for(inputs, options);
  std::vector<Array> arrays;
  for_each_array(inputs, options, [&](const Array& array) { arrays.push_back(array); });
  return executor->call(arrays, options.training);
}

Tensor LayerBase::call_on_data_once(const Data& inputs, const CallOptions& options) {
  const std::shared_ptr<Executor> executor = executor_for(inputs, options);
  const std::size_t outputs = executor->program().outputs.size();
  if (outputs != 1) value_error("has " + std::to_string(outputs) + " outputs, not one");
  std::array<std::byte, 1024> memory;  // for a few inputs nothing has to be allocated
  std::pmr::monotonic_buffer_resource local(memory.data(), memory.size());
  std::pmr::vector<Array> arrays(&local);
  arrays.reserve(inputs.size() + options.masks.size());
  for_each_array(inputs, options, [&](const Array& array) { arrays.push_back(array); });
  return executor->call_once(arrays, options.training);
}

std::shared_ptr<Executor> LayerBase::executor_for(const Data& inputs, const CallOptions& options) {
  check_call(*this, inputs, options);
  std::shared_ptr<Executor> executor = known_executor(inputs, options);
  return executor ? executor : make_executor(inputs, options);
}

std::shared_ptr<Executor> LayerBase::known_executor(const Data& inputs, const CallOptions& options) {
  const auto is_call = [&](const KnownCall& call) {
    std::size_t i = 0;
    bool fits = call.arguments == options.arguments;
    for_each_array(inputs, options, [&](const Array& input) {
      fits = fits && i < call.inputs.size() && call.inputs[i].shape.sample() == input.shape().sample() &&
             call.inputs[i].dtype == input.dtype() &&
             call.inputs[i].masked == (i < inputs.size() && is_masked(options, i));
      ++i;
    });
    return fits && i == call.inputs.size();
  };
  const std::lock_guard lock(mutex_);
  for (const KnownCall& call : executors_)
    if (is_call(call)) return call.executor;
  return nullptr;
}

std::shared_ptr<Executor> LayerBase::make_executor(const Data& inputs, const CallOptions& options) {
  TensorSpecs specs = xl::specs(inputs, options);
  const Graph graph = called_on(specs, [&](const SymbolicTensors& stand_ins) {
    return call_layer(shared_from_this(), stand_ins, {.arguments = options.arguments});
  });
  Program program = lower(graph.inputs, graph.outputs);
  // The layer keeps the program; the program must not keep the layer, or neither would ever go.
  for (Program::Operation& operation : program.operations)
    if (operation.layer.get() == this) operation.layer = {std::shared_ptr<void>(), operation.layer.get()};
  auto executor = std::make_shared<Executor>(std::move(program));
  const std::lock_guard lock(mutex_);
  constexpr std::size_t most = 16;  // a layer that meets ever new shapes must not keep them all
  if (executors_.size() == most) executors_.erase(executors_.begin());
  executors_.push_back({std::move(specs), options.arguments, executor});
  return executor;
}

// ---- Layer

Tensor Layer::operator()(DataRef inputs, const CallOptions& options) const {
  return base_->call_on_data_once(inputs.get(), options);
}

std::vector<Tensor> Layer::call(DataRef inputs, const CallOptions& options) const {
  return base_->call_on_data(inputs.get(), options);
}

SymbolicTensor Layer::operator()(const SymbolicTensor& input) const { return (*this)(SymbolicTensors{input}); }

SymbolicTensor Layer::operator()(const SymbolicTensors& inputs) const {
  SymbolicTensors outputs = call_layer(base_, inputs);
  if (outputs.size() != 1)
    throw ValueError(base_->label() + "has " + std::to_string(outputs.size()) + " outputs, not one");
  return outputs[0];
}

SymbolicTensors Layer::call(const SymbolicTensors& inputs, const Config& arguments) const {
  return call_layer(base_, inputs, {.arguments = arguments});
}

namespace {

void require_built(const LayerBase& layer) {
  if (!layer.built())
    throw ValueError(layer.label() +
                     "has no weights yet: it is built when it is called or when its model has an Input");
}

}  // namespace

std::int64_t Layer::count_params() const {
  require_built(*base_);
  std::int64_t count = 0;
  for (const Weight* weight : base_->weights()) count += weight->size();
  return count;
}

std::vector<Tensor> Layer::get_weights() const {
  require_built(*base_);
  std::vector<Tensor> values;
  for (const Weight* weight : base_->weights()) values.push_back(weight->value);
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) const {
  require_built(*base_);
  const std::vector<Weight*> weights = base_->weights();
  if (values.size() != weights.size())
    throw ValueError(base_->label() + "has " + std::to_string(weights.size()) + " weights, got " +
                     std::to_string(values.size()));
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (shape(values[i]) != shape(weights[i]->value))
      throw ShapeError(base_->label() + "expected weight " + std::to_string(i) + " ('" + weights[i]->name +
                       "') of shape " + to_string(shape(weights[i]->value)) + ", got " + to_string(shape(values[i])));
  // Element by element: the memory stays where it is, so a plan that points to it holds.
  for (std::size_t i = 0; i < weights.size(); ++i)
    std::copy_n(values[i].data(), values[i].size(), weights[i]->value.data());
}

Config Layer::get_config() const { return base_->get_config(); }

namespace {

thread_local bool building = true;

}  // namespace

WithoutBuilding::WithoutBuilding() : before_(building) { building = false; }
WithoutBuilding::~WithoutBuilding() { building = before_; }

namespace {

// True if the first axes of `shape` are those of `mask`; None is equal to None alone.
bool begins_with(const Shape& shape, const Shape& mask) {
  return shape.rank() >= mask.rank() && std::equal(mask.begin(), mask.end(), shape.begin());
}

}  // namespace

SymbolicTensors call_layer(const std::shared_ptr<LayerBase>& layer, const SymbolicTensors& inputs,
                           const CallContext& context) {
  const SymbolicTensors called_on = layer->takes_masks() ? with_masks(inputs) : inputs;
  const TensorSpecs input_specs = seen_by(*layer, specs(called_on));
  TensorSpecs output_specs;
  // What goes wrong in an option or a shape does not know whose it is.
  const auto with_label = [&](const std::exception& error) {
    const std::string text = error.what();
    return text.starts_with('[') ? text : layer->label() + text;
  };
  try {
    if (building) layer->build(input_specs, context);
    output_specs = layer->infer(input_specs, context);
  } catch (const ShapeError& error) {
    throw ShapeError(with_label(error));
  } catch (const ValueError& error) {
    throw ValueError(with_label(error));
  } catch (const std::bad_alloc&) {
    throw ValueError(layer->label() + "its weights for an input " + to_string(input_specs[0].shape) +
                     " do not fit into memory");
  }
  static std::atomic<std::uint64_t> calls = 0;
  auto node = std::make_shared<Node>();
  node->number = ++calls;
  node->layer = layer;
  node->called_on = inputs.size();
  node->inputs = called_on;
  node->outputs = std::move(output_specs);
  node->context = context;
  const std::size_t count = without_masks(node->outputs);
  std::size_t next_mask = count;
  for (std::size_t i = 0; i < count; ++i) {
    TensorSpec& output = node->outputs[i];
    Node::Mask& mask = node->masks.emplace_back();
    if (output.masked) {
      mask = {Node::Mask::Origin::output, next_mask++, {}};
    } else if (!inputs.empty() && layer->passes_mask() && output.batched) {
      const std::optional<SymbolicTensor> passed = inputs[0].mask();
      if (!passed || !begins_with(output.shape, passed->shape())) continue;
      mask = {Node::Mask::Origin::before, 0, *passed};
      output.masked = true;
    }
  }
  SymbolicTensors outputs;
  for (std::size_t i = 0; i < count; ++i) outputs.emplace_back(node, i);
  return outputs;
}

// ---- names

namespace {

std::mutex names_mutex;
std::map<std::string, int>& name_counts() {
  static std::map<std::string, int> counts;
  return counts;
}

}  // namespace

// Keras' rule: an underscore before each capital that begins a word, then lower case. A digit belongs to the
// word before it: Conv1D -> conv1d.
std::string snake_case(std::string_view class_name) {
  std::string name;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool word_begins =
        i > 0 && is_upper(c) &&
        (is_lower(class_name[i - 1]) || (i + 1 < class_name.size() && is_lower(class_name[i + 1])));
    if (word_begins) name += '_';
    name += to_lower(c);
  }
  return name;
}

std::string unique_name(const std::string& name, std::string_view class_name) {
  if (!name.empty()) return name;
  const std::string base = snake_case(class_name);
  const std::lock_guard lock(names_mutex);
  const int count = name_counts()[base]++;
  return count == 0 ? base : base + "_" + std::to_string(count);
}

void clear_session() {
  const std::lock_guard lock(names_mutex);
  name_counts().clear();
}

void name_layer(LayerBase& layer, const std::string& name, bool trainable) {
  layer.set_name(unique_name(name, layer.class_name()));
  layer.set_trainable(trainable);
}

// ---- options

namespace {

// Keras writes a dtype as a policy object; its name is all that counts.
struct DTypeName {
  std::string name = "float32";
};
Value to_value(const DTypeName& dtype) { return Value(dtype.name); }
void from_value(const Value& value, DTypeName& dtype) {
  dtype.name =
      value.is_config() ? value.as_config().at("config").as_config().at("name").as_string() : value.as_string();
  if (dtype.name != "float32")
    throw ValueError("expected \"float32\", the only dtype that layers compute in, got \"" + dtype.name + "\"");
}

}  // namespace

void serialize_common(Archive& archive, std::string& name, bool& trainable) {
  DTypeName dtype;
  archive("name", name);
  archive("trainable", trainable);
  archive("dtype", dtype);
}

}  // namespace xl
