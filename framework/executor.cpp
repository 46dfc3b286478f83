#include "xlayers/framework/executor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory_resource>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/memory.hpp"
#include "xlayers/framework/parallel.hpp"
#include "xlayers/framework/threads.hpp"
#include "xlayers/framework/worker.hpp"

namespace xl {

namespace {

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
