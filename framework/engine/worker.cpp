#include "xlayers/framework/engine/worker.hpp"

#include <algorithm>
#include <cstring>

#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

Worker::Worker(const Plan& plan, const Program& program, float* shared, float* wide)
    : plan_(plan), program_(program), arena_(plan.arena()), tensors_(plan.is_wide() ? wide : arena_.data()) {
  const auto& slots = plan.slots();
  values_.resize(slots.size());
  gradients_.resize(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Plan::Slot& slot = slots[i];
    float* base = slot.spec.batched ? tensors_ : shared;
    const std::int64_t samples = slot.spec.batched ? 0 : 1;
    values_[i] = {slot.value < 0 ? nullptr : base + slot.value, &slot.sample, samples,
                  slot.mask < 0 ? nullptr : &values_[slot.mask], slot.spec.dtype};
    if (slot.constant) values_[i].data = const_cast<float*>(slot.constant.get());
    gradients_[i] = {slot.gradient < 0 ? nullptr : tensors_ + slot.gradient, &slot.sample, samples};
  }
  for (int slot : program.outputs) {
    outputs_.push_back(&values_[slot]);
    output_gradients_.push_back(&gradients_[slot]);
  }
  operations_.reserve(plan.operations().size());
  for (const Plan::Operation& operation : plan.operations()) bind(operation);
}

void Worker::run_unbatched(const Run& run) {
  for (BoundOperation& bound : operations_)
    if (!is_batched(bound)) {
      prepare(bound, run, {0, 1, 0});
      call_forward(bound);
    }
}

void Worker::run_piece(const Run& run, std::int64_t index, std::int64_t pieces, float* gradients) {
  const std::int64_t first = index * run.batch / pieces;
  look_at(run, {first, (index + 1) * run.batch / pieces - first, 0});
  if (run.order != nullptr) gather_inputs(run);
  const Plan::Stage& all = plan_.stages()[0];
  visit(run, index, forward(run, all));
  if (gradients == nullptr) return;
  begin_backward();
  backward(run, all, gradients);
  hand_out_input_gradients(run);
}

void Worker::look_at(const Run& run, const SampleRange& samples) {
  samples_ = samples;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Plan::Slot& slot = plan_.slots()[i];
    if (!slot.spec.batched) continue;
    values_[i].samples = gradients_[i].samples = samples.count;
    if (!plan_.is_wide()) continue;
    const std::int64_t before = samples.place * values_[i].sample_size();
    if (!slot.constant && slot.value >= 0) values_[i].data = tensors_ + slot.value + before;
    if (slot.gradient >= 0) gradients_[i].data = tensors_ + slot.gradient + before;
  }
  for_each_input(run, [&](int slot, const float* data) {
    Block& block = values_[slot];
    block.data = run.order == nullptr ? const_cast<float*>(data) + samples.first * block.sample_size()
                                      : tensors_ + plan_.slots()[slot].value + samples.place * block.sample_size();
  });
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (writes_directly(i)) {
      Block& block = values_[program_.outputs[i]];
      const std::int64_t size = block.sample_size();
      block.data = i >= run.outputs.size() ? tensors_ + plan_.slots()[program_.outputs[i]].value + samples.place * size
                                           : run.outputs[i] + samples.first * size;
    }
}

template <class Visit>
void Worker::for_each_input(const Run& run, Visit visit) const {
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const int slot = program_.inputs[i];
    visit(slot, run.inputs[i]);
    if (const int mask = plan_.slots()[slot].mask; mask >= 0) visit(mask, run.input_masks[i]);
  }
}

void Worker::gather_inputs(const Run& run) const {
  for_each_input(run, [&](int slot, const float* data) {
    const Block& block = values_[slot];
    const std::int64_t size = block.sample_size();
    for (std::int64_t s = 0; s < samples_.count; ++s)
      std::memcpy(block.data + s * size, data + run.order[samples_.first + s] * size, size * sizeof(float));
  });
}

double Worker::forward(const Run& run, const Plan::Stage& stage) {
  double sum = 0.0;
  for (std::size_t i = stage.begin; i < stage.end; ++i) {
    BoundOperation& bound = operations_[i];
    if (!is_batched(bound)) continue;
    prepare(bound, run, samples_);
    call_forward(bound);
    if (!plan_.is_wide()) sum += penalty(bound, run);
  }
  return sum;
}

double Worker::penalty(const Run& run) const {
  double sum = 0.0;
  for (const BoundOperation& bound : operations_)
    if (is_batched(bound)) sum += penalty(bound, run);
  return sum;
}

double Worker::penalty(const BoundOperation& bound, const Run& run) const {
  double sum = 0.0;
  for (int slot : bound.operation->outputs)
    if (const Regularizer* penalty = program_.slots[slot].penalty)
      sum += a_sample(*penalty, run).penalty(values_[slot].values());
  return sum;
}

void Worker::visit(const Run& run, std::int64_t index, double penalty) {
  for (std::size_t i = 0; i < run.outputs.size(); ++i)
    if (!writes_directly(i) && plan_.slots()[program_.outputs[i]].spec.batched)
      std::copy_n(outputs_[i]->data, outputs_[i]->size(), run.outputs[i] + samples_.first * outputs_[i]->sample_size());
  if (run.visitor == nullptr) return;
  Piece piece{index, samples_.first, samples_.count, penalty, outputs_, {}};
  if (run.gradients != nullptr) piece.output_gradients = output_gradients_;
  (*run.visitor)(piece);
}

void Worker::begin_backward() {
  for (std::size_t i = 0; i < values_.size(); ++i)
    if (plan_.slots()[i].zero_gradient) std::fill_n(gradients_[i].data, gradients_[i].size(), 0.0f);
}

void Worker::backward(const Run& run, const Plan::Stage& stage, float* gradients) {
  for (std::size_t i = stage.end; i-- > stage.begin;) {
    BoundOperation& bound = operations_[i];
    const Program::Operation& source = *bound.operation->source;
    if (!source.runs_backward || !is_batched(bound)) continue;
    for (int slot : bound.operation->outputs)
      if (const Regularizer* penalty = program_.slots[slot].penalty)
        a_sample(*penalty, run).add_gradient(values_[slot].values(), gradients_[slot].values());
    for (std::size_t k = 0; k < source.weights.size(); ++k) {
      const int weight = source.weights[k];
      const std::int64_t whole = program_.weights[weight].gradient;
      const std::int64_t place = bound.operation->wide || whole < 0 ? whole : plan_.sum_place(weight);
      bound.weight_gradients[k] = place < 0 ? nullptr : gradients + place;
    }
    if (plan_.is_wide()) prepare(bound, run, samples_);  // others have looked at other samples since forward
    for (std::size_t k = 0; k < bound.apart.size(); ++k)
      if (bound.operation->added[k]) {
        Block& apart = bound.apart[k];
        apart.samples = samples_.count;
        apart.data = tensors_ + bound.operation->input_gradients[k] + samples_.place * apart.sample_size();
      }
    call_backward(bound);
    for (std::size_t k = 0; k < bound.apart.size(); ++k)
      if (bound.operation->added[k])
        kernels::add(bound.apart[k].size(), bound.apart[k].data, gradients_[source.inputs[k]].data);
  }
}

void Worker::hand_out_input_gradients(const Run& run) const {
  for (std::size_t i = 0; i < run.input_gradients.size(); ++i) {
    const Block& block = gradients_[program_.inputs[i]];
    if (block.data != nullptr)
      std::copy_n(block.data, block.size(), run.input_gradients[i] + samples_.first * block.sample_size());
  }
}

// Another for each operation, whatever has been taken in by others.
std::uint64_t Worker::seed_of(const Plan::Operation& operation, const Run& run) const {
  const auto index = static_cast<std::uint64_t>(operation.source - program_.operations.data());
  return Random(run.seed, Purpose::dropout, index).bits64(0);
}

bool Worker::is_batched(const BoundOperation& bound) const {
  return plan_.slots()[bound.operation->outputs[0]].spec.batched;
}

// True if an output's memory may be the caller's own: it is made by an operation, and stands once among the
// outputs.
bool Worker::writes_directly(std::size_t i) const {
  const int slot = program_.outputs[i];
  const auto is = [slot](int other) { return other == slot; };
  const auto is_input = [&](int input) { return is(input) || is(plan_.slots()[input].mask); };
  return plan_.slots()[slot].spec.batched && !plan_.slots()[slot].constant &&
         std::none_of(program_.inputs.begin(), program_.inputs.end(), is_input) &&
         std::count_if(program_.outputs.begin(), program_.outputs.end(), is) == 1;
}

void Worker::bind(const Plan::Operation& operation) {
  const Program::Operation& source = *operation.source;
  BoundOperation& bound = operations_.emplace_back();
  bound.operation = &operation;
  for (int slot : source.inputs) bound.inputs.push_back(&values_[slot]);
  for (int slot : operation.outputs) {
    bound.outputs.push_back(&values_[slot]);
    bound.output_gradients.push_back(&gradients_[slot]);
  }
  for (int place : source.weights) bound.weights.push_back(program_.weights[place].weight->value.data());
  bound.weight_gradients.resize(source.weights.size());
  bound.apart.resize(source.inputs.size());
  for (std::size_t k = 0; k < operation.added.size(); ++k) {
    const int slot = source.inputs[k];
    if (operation.added[k]) bound.apart[k] = {tensors_ + operation.input_gradients[k], &plan_.slots()[slot].sample, 0};
    bound.input_gradients.push_back(!plan_.slots()[slot].has_gradient ? nullptr
                                    : operation.added[k]              ? &bound.apart[k]
                                                                      : &gradients_[slot]);
  }
  ForwardCall& forward = bound.forward;
  forward.inputs = bound.inputs;
  forward.outputs = bound.outputs;
  forward.weights = bound.weights;
  float* const scratch = operation.wide ? tensors_ : arena_.data();
  forward.saved = tensors_ + operation.saved;
  forward.scratch = scratch + operation.scratch;
  forward.context = &source.context;
  if (operation.addend >= 0) forward.addend = values_[operation.addend].data;
  BackwardCall& backward = bound.backward;
  static_cast<ForwardCall&>(backward) = forward;
  backward.scratch = scratch + operation.backward_scratch;
  backward.output_gradients = bound.output_gradients;
  backward.input_gradients = bound.input_gradients;
  backward.weight_gradients = bound.weight_gradients;
  guard(bound);
}

// The buffers that the operation may write. Where other pieces stand before and behind, there are no guards.
void Worker::guard(BoundOperation& bound) {
  if (plan_.is_wide() && !bound.operation->wide) return;
  const Memory& memory = bound.operation->memory;
  const auto tensor = [](const char* name, const Block& block) {
    return GuardedBuffer{name, block.data, block.sample_size(), 0, &block};
  };
  const auto own = [&](Guards& guards, const ForwardCall& call) {
    guards.add({"saved memory", call.saved, memory.saved_per_sample});
    guards.add({"scratch", call.scratch, memory.scratch_per_sample, memory.scratch});
  };
  own(bound.forward_guards, bound.forward);
  for (const Block* output : bound.outputs) {
    bound.forward_guards.add(tensor("output", *output));
    if (bound.operation->source->layer->masking() == Masking::makes && output->mask != nullptr)
      bound.forward_guards.add(tensor("mask", *output->mask));
  }
  own(bound.backward_guards, bound.backward);
  for (const Block* gradient : bound.input_gradients)
    if (gradient != nullptr) bound.backward_guards.add(tensor("input's gradient", *gradient));
  for (const Block* gradient : bound.output_gradients)
    if (gradient->data != nullptr) bound.backward_guards.add(tensor("output's gradient", *gradient));
}

void Worker::call_forward(const BoundOperation& bound) {
  const PrimitiveLayer& layer = *bound.operation->source->layer;
  bound.forward_guards.set(bound.forward.samples);
  layer.forward(bound.forward);
  bound.forward_guards.check(bound.forward.samples, layer);
}

void Worker::call_backward(const BoundOperation& bound) {
  const PrimitiveLayer& layer = *bound.operation->source->layer;
  bound.backward_guards.set(bound.backward.samples);
  layer.backward(bound.backward);
  bound.backward_guards.check(bound.backward.samples, layer);
}

void Worker::prepare(BoundOperation& bound, const Run& run, const SampleRange& samples) const {
  const bool training = plan_.mode().training;
  const std::uint64_t seed = training ? seed_of(*bound.operation, run) : 0;
  for (ForwardCall* call : {&bound.forward, static_cast<ForwardCall*>(&bound.backward)}) {
    call->samples = samples.count;
    call->first_sample = samples.first;
    if (plan_.is_wide())
      call->saved = tensors_ + bound.operation->saved + samples.place * bound.operation->memory.saved_per_sample;
    call->training = training;
    call->seed = seed;
    call->step = run.step;
  }
}

// An activity regulariser's penalty is the mean over the samples of the batch, as in Keras.
Regularizer Worker::a_sample(const Regularizer& regularizer, const Run& run) {
  return regularizer.share(static_cast<float>(run.batch));
}

}  // namespace xl
