#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "xlayers/framework/plan.hpp"
#include "xlayers/framework/program.hpp"
#include "xlayers/framework/run.hpp"

namespace xl {

/// A plan together with the memory of runs that are over, kept for the next ones. Opaque but for the plan.
class PreparedPlan;
const Plan& plan_of(const PreparedPlan& prepared);

/// Runs a program. Const and safe to use from several threads at once; each run has its own memory, which is
/// kept for the next, so that after the first runs of a plan nothing is allocated any more. The results
/// depend neither on the number of threads nor on what else runs.
class Executor {
 public:
  explicit Executor(Program program);

  const Program& program() const { return program_; }

  /// The plan for inputs of these shapes (of one sample each). The last few are kept, so a model that sees ever
  /// new lengths does not keep memory for each.
  std::shared_ptr<PreparedPlan> prepare(std::span<const Shape> inputs, RunMode mode) const;
  void run(PreparedPlan& prepared, const Run& run) const;

  /// A forward run on whole tensors of a program with one output, which has as many samples as the inputs, or one
  /// if it has no batch. Allocates nothing else once the shapes are known.
  Tensor call(std::span<const Tensor* const> inputs, bool training) const;

 private:
  void reduce_gradients(float* group_sums, std::int64_t groups, float* result) const;

  Program program_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<PreparedPlan>> plans_;  // the one used last at the end
};

}  // namespace xl
