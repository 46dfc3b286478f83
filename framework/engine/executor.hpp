#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/engine/plan.hpp"
#include "xlayers/framework/engine/program.hpp"
#include "xlayers/framework/engine/run.hpp"
#include "xlayers/framework/tensor/data.hpp"

namespace xl {

/// A plan together with the memory of runs that are over, kept for the next ones. Opaque but for the plan.
class PreparedPlan;
const Plan& plan_of(const std::shared_ptr<PreparedPlan>& prepared);
/// Nobody holds this plan: another thread's new shapes may push it out at any moment.
const Plan& plan_of(std::shared_ptr<PreparedPlan>&& prepared) = delete;

/// What goes into a call: an array for each input, and for its mask, if it carries one.
struct CallData {
  std::span<const Array> inputs;
  std::span<const Array> masks;
};

/// Runs a program. Const and safe to use from several threads at once; each run has its own memory, which is
/// kept for the next, so that after the first runs of a plan nothing is allocated any more. The results
/// depend neither on the number of threads nor on what else runs.
class Executor {
 public:
  explicit Executor(Program program);

  const Program& program() const { return program_; }

  /// The plan for a batch of so many samples, whose inputs have these shapes (of one sample each). The last few are kept, so a
  /// model that sees ever new lengths does not keep memory for each.
  std::shared_ptr<PreparedPlan> prepare(std::span<const Shape> inputs, RunMode mode, std::int64_t batch) const;
  /// The run's batch is the one that the plan was prepared for.
  void run(PreparedPlan& prepared, const Run& run) const;

  /// A forward run on whole tensors, which gives a tensor for each output of the program, of as many samples as the
  /// inputs, or of one if it has no batch.
  std::vector<Tensor> call(const CallData& data, bool training) const;
  /// The same for a program of one output. Allocates nothing but the result once the shapes are known.
  Tensor call_once(const CallData& data, bool training) const;

 private:
  std::shared_ptr<PreparedPlan> prepare_call(const CallData& data, bool training) const;
  void run_call(PreparedPlan& prepared, const CallData& data, std::span<float* const> outputs) const;

  Program program_;
  mutable std::atomic<std::uint64_t> calls_ = 0;  // in training
  mutable Mutex mutex_;
  mutable std::vector<std::shared_ptr<PreparedPlan>> plans_;  // the one used last at the end
};

}  // namespace xl
