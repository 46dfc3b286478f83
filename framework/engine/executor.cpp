#include "xlayers/framework/engine/executor.hpp"

#include <algorithm>
#include <cstring>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/few.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/runs.hpp"

namespace xl {

const Plan& plan_of(const std::shared_ptr<PreparedPlan>& prepared) { return prepared->plan; }

Executor::Executor(Program program) : program_(std::move(program)) {}

std::shared_ptr<PreparedPlan> Executor::prepare(std::span<const Shape> inputs, RunMode mode, std::int64_t batch) const {
  constexpr std::size_t most = 16;
  std::shared_ptr<PreparedPlan> dropped;  // once no mutex is held
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(plans_.begin(), plans_.end(),
                                  [&](const auto& prepared) { return prepared->plan.is_for(inputs, mode, batch); });
  if (known != plans_.end()) {
    std::rotate(known, known + 1, plans_.end());
  } else {
    auto prepared = std::make_shared<PreparedPlan>(program_, inputs, mode, batch);
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
  const int workers = plan.workers(run.batch, num_threads());
  const PreparedPlan::Lease memory = prepared.take(workers);

  // At least one float: a run without trained weights goes backward too, for the inputs' gradients.
  const std::int64_t sums = std::max<std::int64_t>(1, plan.groups(run.batch) * plan.sum_size());
  if (run.gradients != nullptr && memory->gradients.size() < sums) memory->gradients = AlignedFloats(sums);

  memory->workers[0]->run_unbatched(run);
  if (plan.is_wide())
    run_wide(plan, program_, *memory, run, workers);
  else
    run_deep(plan, *memory, run, workers);

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
  return prepare(shapes, {training, false}, batch_of(data));
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
