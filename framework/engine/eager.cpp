#include "xlayers/framework/engine/eager.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory_resource>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/in_the_name_of.hpp"

namespace xl {

Array mask_of(const CallOptions& options, std::size_t i) {
  const bool given = i < options.masks.size() && options.masks[i].dimension() > 0;
  return given ? Array::referring_to(options.masks[i]) : Array();
}

namespace {

// visit(array) for the inputs and the masks that were given.
template <class Visit>
void for_each_array(const Data& inputs, const CallOptions& options, Visit visit) {
  for (std::size_t i = 0; i < inputs.size(); ++i) visit(inputs[i]);
  for (std::size_t i = 0; i < options.masks.size(); ++i)
    if (const Array mask = mask_of(options, i); !mask.empty()) visit(mask);
}

}  // namespace

void check_call(const LayerBase& layer, const Data& inputs, const CallOptions& options) {
  if (inputs.empty()) throw ValueError(layer.label() + "was called on no input");
  if (!inputs.names().empty()) throw ValueError(layer.label() + "takes its inputs in their order, not by name");
  const Shape& first = inputs[0].shape();
  for_each_array(inputs, options, [&](const Array& array) {
    if (array.shape().empty()) throw ShapeError(layer.label() + "expected an input with a batch axis, got ()");
    in_the_name_of(layer, [&] { array.shape().check_size(); });
    if (!array.fits()) throw ValueError(layer.label() + array.misfit());
    if (array.shape()[0] != first[0])
      throw ShapeError(layer.label() + "expected inputs of equal batch sizes, got " + to_string(first) + " and " +
                       to_string(array.shape()));
  });
  if (options.masks.size() > inputs.size())
    throw ShapeError(layer.label() + "expected at most one mask for each of its inputs, got " +
                     std::to_string(options.masks.size()) + " masks for " + std::to_string(inputs.size()));
}

TensorSpecs specs(const Data& inputs, const CallOptions& options) {
  TensorSpecs specs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    specs.push_back({inputs[i].shape().sample().with_batch(None), inputs[i].dtype(), true});
    if (const Array mask = mask_of(options, i); !mask.empty()) specs[i].mask = mask.shape().sample().with_batch(None);
  }
  return specs;
}

Graph graph_of_call(const std::shared_ptr<LayerBase>& layer, const TensorSpecs& inputs, const CallOptions& options) {
  return called_on(inputs, [&](const SymbolicTensors& stand_ins) {
    return call_layer(layer, stand_ins, {.arguments = options.arguments});
  });
}

// ---- EagerCalls

std::shared_ptr<const Executor> EagerCalls::of(LayerBase& layer, const Data& inputs, const CallOptions& options) {
  check_call(layer, inputs, options);
  std::shared_ptr<EagerCalls> calls;
  {
    const std::lock_guard lock(layer.mutex_);
    if (!layer.eager_calls_) layer.eager_calls_ = std::make_shared<EagerCalls>();
    calls = layer.eager_calls_;
  }
  if (std::shared_ptr<const Executor> known = calls->find(inputs, options)) return known;

  TensorSpecs specs = xl::specs(inputs, options);
  const Graph graph = graph_of_call(layer.shared_from_this(), specs, options);
  Program program = lower(graph.inputs, graph.outputs);
  // The layer keeps the program; the program must not keep the layer, or neither would ever go.
  for (Program::Operation& operation : program.operations)
    if (operation.layer.get() == &layer) operation.layer = {std::shared_ptr<void>(), operation.layer.get()};
  auto executor = std::make_shared<Executor>(std::move(program));
  calls->add({std::move(specs), options.arguments, executor});
  return executor;
}

std::shared_ptr<const Executor> EagerCalls::find(const Data& inputs, const CallOptions& options) const {
  const auto is_call = [&](const Known& call) {
    if (call.inputs.size() != inputs.size() || call.arguments != options.arguments) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorSpec& known = call.inputs[i];
      const Array mask = mask_of(options, i);
      if (known.shape.sample() != inputs[i].shape().sample() || known.dtype != inputs[i].dtype()) return false;
      if (known.mask.has_value() == mask.empty()) return false;
      if (known.mask && known.mask->sample() != mask.shape().sample()) return false;
    }
    return true;
  };
  const std::lock_guard lock(mutex_);
  for (const Known& call : known_)
    if (is_call(call)) return call.executor;
  return nullptr;
}

void EagerCalls::add(Known call) {
  const std::lock_guard lock(mutex_);
  constexpr std::size_t most = 16;  // a layer that meets ever new shapes must not keep them all
  if (known_.size() == most) known_.erase(known_.begin());
  known_.push_back(std::move(call));
}

// ---- calls on data

namespace {

// What goes into a call. For a few inputs nothing has to be allocated.
class Arrays {
 public:
  Arrays(const Data& inputs, const CallOptions& options) {
    arrays_.reserve(2 * inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) arrays_.push_back(inputs[i]);
    if (options.masks.empty()) return;
    for (std::size_t i = 0; i < inputs.size(); ++i) arrays_.push_back(mask_of(options, i));
  }
  CallData data(std::size_t inputs) const {
    const std::span<const Array> all(arrays_.data(), arrays_.size());
    return {all.first(inputs), all.subspan(inputs)};
  }

 private:
  std::array<std::byte, 1024> memory_;
  std::pmr::monotonic_buffer_resource local_{memory_.data(), memory_.size()};
  std::pmr::vector<Array> arrays_{&local_};
};

}  // namespace

Tensor Layer::operator()(DataRef given, const CallOptions& options) const {
  const Data& inputs = given.get();
  const std::shared_ptr<const Executor> executor = EagerCalls::of(*base_, inputs, options);
  if (const std::size_t outputs = executor->program().outputs.size(); outputs != 1)
    throw ValueError(base_->label() + "has " + std::to_string(outputs) + " outputs, not one");
  return executor->call_once(Arrays(inputs, options).data(inputs.size()), options.training);
}

List<Tensor> Layer::call(DataRef given, const CallOptions& options) const {
  const Data& inputs = given.get();
  const std::shared_ptr<const Executor> executor = EagerCalls::of(*base_, inputs, options);
  return executor->call(Arrays(inputs, options).data(inputs.size()), options.training);
}

Tensor Layer::compute_mask(DataRef given, const CallOptions& options) const {
  const Data& inputs = given.get();
  check_call(*base_, inputs, options);
  const Graph graph = graph_of_call(base_, specs(inputs, options), options);
  std::optional<Program> program = lower_masks(graph.inputs, {graph.outputs.at(0)});
  if (!program) return Tensor();
  return Executor(std::move(*program)).call_once(Arrays(inputs, options).data(inputs.size()), options.training);
}

}  // namespace xl
