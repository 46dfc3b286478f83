#include "xlayers/framework/engine/executor.hpp"

#include <algorithm>
#include <cstring>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/few.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/prepared_plan.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

const Plan& plan_of(const std::shared_ptr<PreparedPlan>& prepared) { return prepared->plan; }

Executor::Executor(Program program) : program_(std::move(program)) {}

std::shared_ptr<PreparedPlan> Executor::prepare(std::span<const Shape> inputs, RunMode mode) const {
  constexpr std::size_t most = 16;
  std::shared_ptr<PreparedPlan> dropped;  // once no mutex is held
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(plans_.begin(), plans_.end(), [&](const auto& prepared) {
    const std::vector<Shape>& shapes = prepared->plan.inputs();
    return prepared->plan.mode() == mode && std::equal(inputs.begin(), inputs.end(), shapes.begin(), shapes.end());
  });
  if (known != plans_.end()) {
    std::rotate(known, known + 1, plans_.end());
  } else {
    auto prepared = std::make_shared<PreparedPlan>(program_, inputs, mode);
    if (plans_.size() == most) {
      dropped = std::move(plans_.front());
      plans_.erase(plans_.begin());
    }
    plans_.push_back(std::move(prepared));
  }
  return plans_.back();
}

namespace {

// What comes out is float32, also where the program computes with integers.
void integers_to_floats(float* data, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::int32_t value = 0;
    std::memcpy(&value, data + i, sizeof value);
    data[i] = static_cast<float>(value);
  }
}

}  // namespace

void Executor::run(PreparedPlan& prepared, const Run& run) const {
  const Plan& plan = prepared.plan;
  const std::int64_t pieces = plan.pieces(run.batch);
  const std::int64_t groups = run.gradients != nullptr ? plan.groups(run.batch) : pieces;
  const int workers = static_cast<int>(std::clamp<std::int64_t>(groups, 1, num_threads()));
  const PreparedPlan::Lease memory = prepared.take(workers);

  // At least one float: a run without trained weights goes backward too, for the inputs' gradients.
  const std::int64_t sums = std::max<std::int64_t>(1, groups * program_.gradient_size);
  if (run.gradients != nullptr && memory->gradients.size() < sums) memory->gradients = AlignedFloats(sums);

  // A long sum over pieces: see kernels/long_sums.hpp.
  const bool long_sums = run.gradients != nullptr && pieces > groups * kernels::chain;
  const std::int64_t size = program_.gradient_size;
  if (long_sums && memory->totals.size() < 2 * size * workers) memory->totals = AlignedFloats(2 * size * workers);

  memory->workers[0]->run_unbatched(run);
  const auto run_group = [&](std::int64_t group, int worker) {
    const std::int64_t first = group * pieces / groups, end = (group + 1) * pieces / groups;
    float* gradients = nullptr;
    double* totals = nullptr;
    if (run.gradients != nullptr) {
      gradients = memory->gradients.data() + group * size;
      std::fill_n(gradients, size, 0.0f);
    }
    if (long_sums) {
      totals = reinterpret_cast<double*>(memory->totals.data()) + worker * size;
      std::fill_n(totals, size, 0.0);
    }
    for (std::int64_t index = first; index < end; ++index) {
      memory->workers[worker]->run_piece(run, index, pieces, gradients);
      const std::int64_t done = index + 1 - first;
      if (long_sums && (done % kernels::chain == 0 || index + 1 == end))
        kernels::move_to_doubles(size, gradients, totals);
    }
    if (long_sums) std::transform(totals, totals + size, gradients, [](double x) { return static_cast<float>(x); });
  };
  parallel_for(groups, workers, run_group);
  if (groups > 0 && run.gradients != nullptr) reduce_gradients(memory->gradients.data(), groups, run.gradients);

  for (std::size_t i = 0; i < run.outputs.size(); ++i) {
    const int slot = program_.outputs[i];
    const TensorSpec& spec = plan.slots()[slot].spec;
    if (!spec.batched) {
      const Block& block = memory->workers[0]->value(slot);
      std::copy_n(block.data, block.size(), run.outputs[i]);
    }
    if (spec.dtype == DType::int32)
      integers_to_floats(run.outputs[i], plan.output(i).elements() * (spec.batched ? run.batch : 1));
  }
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

namespace {

Shape result_shape(const Plan& plan, const Program& program, std::size_t output, std::int64_t batch) {
  const bool batched = plan.slots()[program.outputs[output]].spec.batched;
  return plan.output(output).with_batch(batched ? batch : 1);
}

std::int64_t batch_of(const CallData& data) { return data.inputs.empty() ? 0 : data.inputs[0].shape()[0]; }

}  // namespace

std::shared_ptr<PreparedPlan> Executor::prepare_call(const CallData& data, bool training) const {
  Few<Shape> shapes;
  for (const Array& input : data.inputs) shapes.push_back(input.shape().sample());
  return prepare(shapes, {training, false});
}

void Executor::run_call(PreparedPlan& prepared, const CallData& data, std::span<float* const> outputs) const {
  Few<const float*> inputs, masks;
  for (const Array& input : data.inputs) inputs.push_back(input.data());
  for (const Array& mask : data.masks) masks.push_back(mask.data());
  Run run;
  run.batch = batch_of(data);
  run.inputs = inputs;
  run.input_masks = masks;
  run.outputs = outputs;
  if (prepared.plan.mode().training) {
    run.seed = next_seed();
    run.step = calls_++;
  }
  this->run(prepared, run);
}

Tensor Executor::call_once(const CallData& data, bool training) const {
  const std::shared_ptr<PreparedPlan> prepared = prepare_call(data, training);
  Tensor result = xl::empty(result_shape(prepared->plan, program_, 0, batch_of(data)));
  float* const outputs[] = {result.data()};
  run_call(*prepared, data, outputs);
  return result;
}

std::vector<Tensor> Executor::call(const CallData& data, bool training) const {
  const std::shared_ptr<PreparedPlan> prepared = prepare_call(data, training);
  std::vector<Tensor> results;
  std::vector<float*> outputs;
  for (std::size_t i = 0; i < program_.outputs.size(); ++i)
    results.push_back(xl::empty(result_shape(prepared->plan, program_, i, batch_of(data))));
  for (Tensor& result : results) outputs.push_back(result.data());
  run_call(*prepared, data, outputs);
  return results;
}

}  // namespace xl
