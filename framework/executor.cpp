#include "xlayers/framework/executor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory_resource>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/memory.hpp"
#include "xlayers/framework/parallel.hpp"
#include "xlayers/framework/threads.hpp"

namespace xl {

namespace {

// An operation as one worker runs it: every pointer that its calls need, set up once.
struct BoundOperation {
  const Plan::Operation* operation = nullptr;
  std::vector<const Block*> inputs, outputs, output_gradients, input_gradients;
  std::vector<const float*> weights;
  std::vector<float*> weight_gradients;
  std::vector<Block> apart;  // gradients that have to be added to one that is there already
  ForwardCall forward;
  BackwardCall backward;
};

// The memory of one worker, and views of it.
class Worker {
 public:
  Worker(const Plan& plan, const Program& program, float* shared) : plan_(plan), program_(program) {
    arena_ = AlignedFloats(plan.arena());
    const auto& slots = plan.slots();
    values_.resize(slots.size());
    gradients_.resize(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Plan::Slot& slot = slots[i];
      float* base = slot.spec.batched ? arena_.data() : shared;
      const std::int64_t samples = slot.spec.batched ? 0 : 1;
      values_[i] = {slot.value < 0 ? nullptr : base + slot.value, &slot.sample, samples};
      if (slot.constant) values_[i].data = const_cast<float*>(slot.constant.get());
      gradients_[i] = {slot.gradient < 0 ? nullptr : arena_.data() + slot.gradient, &slot.sample, samples};
    }
    for (int slot : program.outputs) {
      outputs_.push_back(&values_[slot]);
      output_gradients_.push_back(&gradients_[slot]);
    }
    operations_.reserve(plan.operations().size());
    for (const Plan::Operation& operation : plan.operations()) bind(operation);
  }

  const Block& value(int slot) const { return values_[slot]; }

  // Tensors without a batch are made once a run, by one worker for all.
  void run_unbatched() {
    for (BoundOperation& bound : operations_)
      if (!is_batched(bound)) bound.operation->source->layer->forward(prepare_forward(bound, 1, false));
  }

  // `gradients` is the sum that the piece's weight gradients are added to, or null.
  void run_piece(const Run& run, std::int64_t index, std::int64_t pieces, float* gradients) {
    const std::int64_t first = index * run.batch / pieces;
    const std::int64_t samples = (index + 1) * run.batch / pieces - first;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (plan_.slots()[i].spec.batched) values_[i].samples = gradients_[i].samples = samples;
    read_inputs(run, first, samples);
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (writes_directly(i)) {
        Block& block = values_[program_.outputs[i]];
        block.data = run.outputs.empty() ? arena_.data() + plan_.slots()[program_.outputs[i]].value
                                         : run.outputs[i] + first * block.sample_size();
      }

    Piece piece{index, first, samples, 0.0, outputs_, {}};
    for (BoundOperation& bound : operations_)
      if (is_batched(bound)) {
        const ForwardCall& call = prepare_forward(bound, samples, plan_.mode().training);
        bound.operation->source->layer->forward(call);
        if (const Regularizer* regularizer = bound.operation->source->layer->activity_regularizer())
          for (const Block* output : bound.outputs)
            piece.penalty += a_sample(*regularizer, run).penalty(output->values());
      }
    for (std::size_t i = 0; i < run.outputs.size(); ++i)
      if (!writes_directly(i) && plan_.slots()[program_.outputs[i]].spec.batched)
        std::copy_n(outputs_[i]->data, outputs_[i]->size(), run.outputs[i] + first * outputs_[i]->sample_size());
    if (gradients != nullptr) piece.output_gradients = output_gradients_;
    if (run.visitor != nullptr) (*run.visitor)(piece);
    if (gradients != nullptr) run_backward(run, samples, gradients);
    for (std::size_t i = 0; i < run.input_gradients.size(); ++i) {
      const Block& block = gradients_[program_.inputs[i]];
      if (block.data != nullptr)
        std::copy_n(block.data, block.size(), run.input_gradients[i] + first * block.sample_size());
    }
  }

 private:
  bool is_batched(const BoundOperation& bound) const {
    return plan_.slots()[bound.operation->outputs[0]].spec.batched;
  }

  // True if an output's memory may be the caller's own: it is made by an operation, and stands once among the
  // outputs.
  bool writes_directly(std::size_t i) const {
    const int slot = program_.outputs[i];
    const auto is = [slot](int other) { return other == slot; };
    return plan_.slots()[slot].spec.batched && !plan_.slots()[slot].constant &&
           std::none_of(program_.inputs.begin(), program_.inputs.end(), is) &&
           std::count_if(program_.outputs.begin(), program_.outputs.end(), is) == 1;
  }

  void bind(const Plan::Operation& operation) {
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
      if (operation.added[k])
        bound.apart[k] = {arena_.data() + operation.input_gradients[k], &plan_.slots()[slot].sample, 0};
      bound.input_gradients.push_back(!plan_.slots()[slot].trained ? nullptr
                                      : operation.added[k]         ? &bound.apart[k]
                                                                   : &gradients_[slot]);
    }
    ForwardCall& forward = bound.forward;
    forward.inputs = bound.inputs;
    forward.outputs = bound.outputs;
    forward.weights = bound.weights;
    forward.saved = arena_.data() + operation.saved;
    forward.scratch = arena_.data() + operation.scratch;
    if (operation.addend >= 0) forward.addend = values_[operation.addend].data;
    BackwardCall& backward = bound.backward;
    static_cast<ForwardCall&>(backward) = forward;
    backward.scratch = arena_.data() + operation.backward_scratch;
    backward.output_gradients = bound.output_gradients;
    backward.input_gradients = bound.input_gradients;
    backward.weight_gradients = bound.weight_gradients;
  }

  const ForwardCall& prepare_forward(BoundOperation& bound, std::int64_t samples, bool training) const {
    bound.forward.samples = samples;
    bound.forward.training = training;
    return bound.forward;
  }

  // Contiguous samples are read where they are; samples in some order are gathered first.
  void read_inputs(const Run& run, std::int64_t first, std::int64_t samples) {
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
      const int slot = program_.inputs[i];
      Block& block = values_[slot];
      const std::int64_t size = block.sample_size();
      if (run.order == nullptr) {
        block.data = const_cast<float*>(run.inputs[i]) + first * size;
        continue;
      }
      block.data = arena_.data() + plan_.slots()[slot].value;
      for (std::int64_t s = 0; s < samples; ++s)
        std::memcpy(block.data + s * size, run.inputs[i] + run.order[first + s] * size, size * sizeof(float));
    }
  }

  // An activity regulariser's penalty is the mean over the samples of the batch, as in Keras.
  static Regularizer a_sample(const Regularizer& regularizer, const Run& run) {
    const float batch = static_cast<float>(run.batch);
    return L1L2{regularizer.l1() / batch, regularizer.l2() / batch};
  }

  void run_backward(const Run& run, std::int64_t samples, float* gradients) {
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (plan_.slots()[i].zero_gradient) std::fill_n(gradients_[i].data, gradients_[i].size(), 0.0f);
    for (auto bound = operations_.rbegin(); bound != operations_.rend(); ++bound) {
      const Program::Operation& source = *bound->operation->source;
      if (!source.trained || !is_batched(*bound)) continue;
      if (const Regularizer* regularizer = source.layer->activity_regularizer())
        for (std::size_t i = 0; i < bound->outputs.size(); ++i)
          a_sample(*regularizer, run).add_gradient(bound->outputs[i]->values(),
                                                   bound->output_gradients[i]->values());
      for (std::size_t i = 0; i < source.weights.size(); ++i) {
        const std::int64_t offset = program_.weights[source.weights[i]].gradient;
        bound->weight_gradients[i] = offset < 0 ? nullptr : gradients + offset;
      }
      for (Block& block : bound->apart) block.samples = samples;
      bound->backward.samples = samples;
      bound->backward.training = plan_.mode().training;
      source.layer->backward(bound->backward);
      for (std::size_t k = 0; k < bound->apart.size(); ++k)
        if (bound->operation->added[k])
          kernels::add(bound->apart[k].size(), bound->apart[k].data, gradients_[source.inputs[k]].data);
    }
  }

  const Plan& plan_;
  const Program& program_;
  AlignedFloats arena_;
  std::vector<Block> values_, gradients_;
  std::vector<const Block*> outputs_, output_gradients_;
  std::vector<BoundOperation> operations_;
};

// The memory of one run.
struct RunState {
  AlignedFloats shared;
  AlignedFloats gradients;  // one sum a group
  std::vector<std::unique_ptr<Worker>> workers;
};

}  // namespace

class PreparedPlan {
 public:
  PreparedPlan(const Program& program, std::span<const Shape> inputs, RunMode mode)
      : plan(program, inputs, mode), program_(program) {}

  const Plan plan;

  std::unique_ptr<RunState> take_state() {
    std::unique_ptr<RunState> state;
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_.empty()) {
        state = std::move(waiting_.back());
        waiting_.pop_back();
      }
    }
    if (!state) {
      state = std::make_unique<RunState>();
      state->shared = AlignedFloats(plan.shared_arena());
    }
    while (static_cast<int>(state->workers.size()) < num_threads())
      state->workers.push_back(std::make_unique<Worker>(plan, program_, state->shared.data()));
    return state;
  }

  void give_back(std::unique_ptr<RunState> state) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(state));
  }

 private:
  const Program& program_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<RunState>> waiting_;
};

const Plan& plan_of(const PreparedPlan& prepared) { return prepared.plan; }

Executor::Executor(Program program) : program_(std::move(program)) {}

std::shared_ptr<PreparedPlan> Executor::prepare(std::span<const Shape> inputs, RunMode mode) const {
  constexpr std::size_t most = 16;
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(plans_.begin(), plans_.end(), [&](const auto& prepared) {
    const std::vector<Shape>& shapes = prepared->plan.inputs();
    return prepared->plan.mode() == mode && std::equal(inputs.begin(), inputs.end(), shapes.begin(), shapes.end());
  });
  if (known != plans_.end()) {
    std::rotate(known, known + 1, plans_.end());
  } else {
    auto prepared = std::make_shared<PreparedPlan>(program_, inputs, mode);
    if (plans_.size() == most) plans_.erase(plans_.begin());
    plans_.push_back(std::move(prepared));
  }
  return plans_.back();
}

void Executor::run(PreparedPlan& prepared, const Run& run) const {
  const Plan& plan = prepared.plan;
  std::unique_ptr<RunState> state = prepared.take_state();

  const std::int64_t pieces = plan.pieces(run.batch);
  const std::int64_t groups = run.gradients != nullptr ? plan.groups(run.batch) : pieces;
  // At least one float: a run without trained weights goes backward too, for the inputs' gradients.
  const std::int64_t sums = std::max<std::int64_t>(1, groups * program_.gradient_size);
  if (run.gradients != nullptr && state->gradients.size() < sums) state->gradients = AlignedFloats(sums);

  state->workers[0]->run_unbatched();
  const auto run_group = [&](std::int64_t group, int worker) {
    float* gradients = nullptr;
    if (run.gradients != nullptr) {
      gradients = state->gradients.data() + group * program_.gradient_size;
      std::fill_n(gradients, program_.gradient_size, 0.0f);
    }
    for (std::int64_t index = group * pieces / groups; index < (group + 1) * pieces / groups; ++index)
      state->workers[worker]->run_piece(run, index, pieces, gradients);
  };
  try {
    parallel_for(groups, static_cast<int>(state->workers.size()), run_group);
  } catch (...) {
    prepared.give_back(std::move(state));
    throw;
  }
  if (groups > 0 && run.gradients != nullptr) reduce_gradients(state->gradients.data(), groups, run.gradients);

  for (std::size_t i = 0; i < run.outputs.size(); ++i) {
    const int slot = program_.outputs[i];
    if (plan.slots()[slot].spec.batched) continue;
    const Block& block = state->workers[0]->value(slot);
    std::copy_n(block.data, block.size(), run.outputs[i]);
  }
  prepared.give_back(std::move(state));
}

// A tree: first each group takes its neighbour's sum, then every second that of the group two further on, and
// so on. Parts of the gradient are independent of one another.
void Executor::reduce_gradients(float* group_sums, std::int64_t groups, float* result) const {
  const std::int64_t size = program_.gradient_size;
  constexpr std::int64_t part = 16 * 1024;
  parallel_for((size + part - 1) / part, [&](std::int64_t index, int) {
    const std::int64_t begin = index * part, count = std::min(part, size - begin);
    float* sums = group_sums + begin;
    for (std::int64_t step = 1; step < groups; step *= 2)
      for (std::int64_t group = 0; group + step < groups; group += 2 * step)
        kernels::add(count, sums + (group + step) * size, sums + group * size);
    std::copy_n(sums, count, result + begin);
  });
}

Tensor Executor::call(std::span<const Tensor* const> inputs, bool training) const {
  std::array<std::byte, 1024> memory;  // for a few inputs nothing has to be allocated
  std::pmr::monotonic_buffer_resource local(memory.data(), memory.size());
  std::pmr::vector<Shape> shapes(&local);
  std::pmr::vector<const float*> data(&local);
  shapes.reserve(inputs.size());
  data.reserve(inputs.size());
  for (const Tensor* input : inputs) {
    shapes.push_back(shape(*input).sample());
    data.push_back(input->data());
  }
  const std::shared_ptr<PreparedPlan> prepared = prepare(shapes, {training, false});
  const Plan& plan = prepared->plan;
  Run run;
  run.batch = inputs.empty() ? 0 : shape(*inputs[0])[0];
  const bool batched = program_.slots[program_.outputs[0]].spec.batched;
  Tensor result = empty(plan.output(0).with_batch(batched ? run.batch : 1));
  float* const outputs[] = {result.data()};
  run.inputs = data;
  run.outputs = outputs;
  this->run(*prepared, run);
  return result;
}

}  // namespace xl
