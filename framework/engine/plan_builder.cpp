#include "xlayers/framework/engine/plan_builder.hpp"

#include <algorithm>

#include "xlayers/framework/engine/guards.hpp"
#include "xlayers/framework/graph/in_the_name_of.hpp"
#include "xlayers/framework/ops/arithmetic.hpp"

namespace xl {

namespace {

// What a piece should fit in: with its weights it stays in the second-level cache of today's processors.
constexpr std::int64_t piece_floats = 64 * 1024;
constexpr std::int64_t most_samples = 64;

// In a chunk, so that a group adds up no more of them than kernels/long_sums.hpp says.
constexpr std::int64_t most_pieces = 256;

}  // namespace

PlanLimits& plan_limits() {
  static PlanLimits limits;
  return limits;
}

void Plan::Builder::build() {
  infer_shapes();
  if (plan_.mode_.backward) mark_trained();
  take_in_additions();
  place_deep();
  if (choose_wide()) place_wide();
  place_sums();
}

// The specs of the inputs with their masks.
TensorSpecs Plan::Builder::input_specs(const Program::Operation& operation) const {
  TensorSpecs specs;
  for (int slot : operation.inputs) specs.push_back(plan_.slots_[slot].spec);
  return specs;
}

void Plan::Builder::set_spec(int slot, const TensorSpec& spec) {
  Slot& to = plan_.slots_[slot];
  to.spec = spec;
  to.sample = spec.shape.sample();
  to.sample.elements();  // throws if an axis is not known or if it overflows
}

// Sets the spec of a tensor whose mask has this shape, if it carries one.
void Plan::Builder::set_spec_and_mask(int slot, TensorSpec spec, const std::optional<Shape>& mask) {
  spec.mask = mask;
  set_spec(slot, spec);
  if (!mask) return;
  plan_.slots_[slot].mask = program_.slots[slot].mask;
  set_spec(program_.slots[slot].mask, {*mask, DType::float32, spec.batched});
}

void Plan::Builder::infer_shapes() {
  plan_.slots_.resize(program_.slots.size());
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const int slot = program_.inputs[i];
    const TensorSpec& declared = program_.slots[slot].spec;
    std::optional<Shape> mask = declared.mask;
    for (std::size_t axis = 1; mask && axis < mask->rank(); ++axis)
      if ((*mask)[axis] == None) (*mask)[axis] = plan_.inputs_[i][axis - 1];
    set_spec_and_mask(slot, {plan_.inputs_[i].with_batch(declared.shape[0]), declared.dtype, declared.batched}, mask);
  }
  for (const Program::Operation& source : program_.operations) {
    const TensorSpecs inputs = input_specs(source);
    const bool constant = source.layer->is_constant();
    in_the_name_of(*source.layer, [&] {
      const TensorSpecs outputs = source.layer->infer(inputs, source.context);
      for (std::size_t i = 0; i < outputs.size(); ++i)
        set_spec_and_mask(source.outputs[i], outputs[i], mask_of(source, i, inputs, outputs[i]));
      if (constant) plan_.slots_[source.outputs[0]].constant = source.layer->constant(inputs);
    });
    if (constant) continue;
    Operation operation;
    operation.source = &source;
    operation.outputs = source.outputs;
    plan_.operations_.push_back(std::move(operation));
  }
}

// The shape of the mask that output i carries. One that was made before ends where the steps turn out to be others.
std::optional<Shape> Plan::Builder::mask_of(const Program::Operation& operation, std::size_t i,
                                            const TensorSpecs& inputs, const TensorSpec& output) const {
  const int mask = program_.slots[operation.outputs[i]].mask;
  if (mask < 0) return std::nullopt;
  if (operation.layer->masking() == Masking::makes) return output.mask;
  const bool of_input = program_.slots[operation.inputs[0]].mask == mask;
  const Shape& shape = plan_.slots_[mask].spec.shape;
  const bool fits = (!of_input || inputs[0].mask) && shape.rank() > 0 && shape.rank() <= output.shape.rank() &&
                    std::equal(shape.begin() + 1, shape.end(), output.shape.begin() + 1);
  return fits ? std::optional(shape) : std::nullopt;
}

void Plan::Builder::mark_trained() {
  for (std::size_t i = 0; i < plan_.slots_.size(); ++i) plan_.slots_[i].has_gradient = program_.slots[i].has_gradient;
}

bool Plan::Builder::is_model_output(int slot) const {
  return std::find(program_.outputs.begin(), program_.outputs.end(), slot) != program_.outputs.end();
}

int Plan::Builder::consumers(int slot) const {
  int count = 0;
  for (const Operation& operation : plan_.operations_)
    for (int input : operation.source->inputs) count += input == slot;
  return count;
}

// y = x + e, where x comes from an operation that can add while it stores, and e has no batch: the
// operation that makes x makes y instead.
void Plan::Builder::take_in_additions() {
  auto& operations = plan_.operations_;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (!is_addition(*operations[i].source->layer)) continue;
    const std::vector<int>& terms = operations[i].source->inputs;
    if (terms.size() != 2) continue;  // the other is a number
    for (int swapped = 0; swapped < 2; ++swapped) {
      const int x = terms[swapped], e = terms[1 - swapped];
      const auto maker = std::find_if(operations.begin(), operations.begin() + i,
                                      [&](const Operation& o) { return o.outputs == std::vector<int>{x}; });
      if (maker == operations.begin() + i || !maker->source->layer->adds() || maker->addend >= 0) continue;
      if (program_.slots[x].penalty != nullptr) continue;
      if (!plan_.slots_[e].constant || plan_.slots_[e].sample != plan_.slots_[x].sample) continue;
      if (consumers(x) != 1 || is_model_output(x)) continue;
      maker->addend = e;
      maker->outputs = operations[i].outputs;
      operations.erase(operations.begin() + i);
      --i;
      break;
    }
  }
}

void Plan::Builder::place_deep() {
  plan_.stages_ = {{0, plan_.operations_.size()}};
  find_buffers();
  const std::int64_t one_sample = place(buffers_, 1, 0);
  plan_.capacity_ = std::clamp<std::int64_t>(piece_floats / std::max<std::int64_t>(1, one_sample), 1, most_samples);
  plan_.arena_ = place(buffers_, plan_.capacity_, guard_floats);
}

std::int64_t Plan::Builder::weight_floats(const Operation& operation) const {
  std::int64_t sum = 0;
  for (int place : operation.source->weights) sum += program_.weights[place].weight->size();
  return sum;
}

std::int64_t Plan::Builder::flowing_floats(const Operation& operation) const {
  std::int64_t sum = 0;
  for (int slot : operation.source->inputs) sum += floats(slot);
  for (int slot : operation.outputs) sum += floats(slot);
  return sum;
}

bool Plan::Builder::choose_wide() {
  const PlanLimits& limits = plan_limits();
  for (Operation& operation : plan_.operations_) {
    if (!operation.source->layer->may_go_wide(plan_.mode_.backward)) continue;
    if (!plan_.slots_[operation.outputs[0]].spec.batched) continue;
    const HeavyLayer layer{weight_floats(operation), flowing_floats(operation)};
    if (layer.weights < limits.heavy_weights) continue;
    plan_.heavy_layers_.push_back(layer);
    operation.wide = plan_.goes_wide(layer, plan_.batch_);
    plan_.wide_ |= operation.wide;
  }
  return plan_.wide_;
}

void Plan::Builder::cut_into_stages() {
  plan_.stages_.clear();
  const auto& operations = plan_.operations_;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (i == 0 || operations[i].wide || operations[i - 1].wide) plan_.stages_.push_back({i, i});
    plan_.stages_.back().end = i + 1;
  }
}

void Plan::Builder::place_wide() {
  cut_into_stages();
  find_buffers();
  const std::int64_t one_sample = std::max<std::int64_t>(1, place(buffers_, 1, 0));
  const PlanLimits& limits = plan_limits();
  const std::int64_t room = plan_.mode_.backward ? limits.training_floats : limits.forward_floats;
  const std::int64_t most = std::max<std::int64_t>(1, room / one_sample);
  const std::int64_t pieces = plan_.pieces(plan_.batch_);
  plan_.chunks_ = std::clamp(divide_up(plan_.batch_, most), divide_up(pieces, most_pieces),
                             std::max<std::int64_t>(1, pieces / limits.least_pieces));
  std::int64_t samples = 0;
  for (std::int64_t chunk = 0; chunk < plan_.chunks_; ++chunk)
    samples = std::max(samples,
                       plan_.first_sample(plan_.first_piece(chunk + 1)) - plan_.first_sample(plan_.first_piece(chunk)));
  plan_.wide_arena_ = place(buffers_, samples, guard_floats);
  plan_.arena_ = place(worker_buffers_, plan_.capacity_, guard_floats);
}

// The groups of a deep plan have sums of all gradients; those of a wide one, only for weights that an operation which is not
// wide uses.
void Plan::Builder::place_sums() {
  const auto& weights = program_.weights;
  for (const Program::WeightPlace& weight : weights) plan_.sum_places_.push_back(weight.gradient);
  plan_.sum_size_ = program_.gradient_size;
  if (!plan_.wide_) return;

  std::vector<bool> summed(weights.size());
  for (const Operation& operation : plan_.operations_)
    for (int place : operation.source->weights)
      if (!operation.wide) summed[place] = true;
  plan_.sum_size_ = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool has_sum = weights[i].gradient >= 0 && summed[i];
    plan_.sum_places_[i] = has_sum ? plan_.sum_size_ : -1;
    if (has_sum) plan_.sum_size_ += weights[i].weight->size();
  }
}

}  // namespace xl
