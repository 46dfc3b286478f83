#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "xlayers/framework/plan.hpp"
#include "xlayers/framework/program.hpp"

namespace xl {

/// Some samples of a batch that have gone forward, as whoever started the run sees them.
struct Piece {
  std::int64_t index = 0;    ///< which piece; there are Plan::pieces(batch)
  std::int64_t first = 0;    ///< its first sample in the batch
  std::int64_t samples = 0;
  double penalty = 0.0;      ///< what activity regularisers add to the batch's loss for these samples
  std::span<const Block* const> outputs;
  /// To be set to the gradient of the loss with respect to each output; empty if the run is not backward.
  std::span<const Block* const> output_gradients;
};

/// What happens to a piece between forward and backward: losses, metrics. Called from several threads.
class PieceVisitor {
 public:
  virtual ~PieceVisitor() = default;
  virtual void operator()(const Piece& piece) const = 0;
};

/// One run of a program over a batch.
struct Run {
  std::int64_t batch = 0;
  /// The data of each input. Sample i of the batch is row `order[i]`, or row i if there is no order.
  std::span<const float* const> inputs;
  const std::int64_t* order = nullptr;
  /// Where the data of each output goes; may be empty.
  std::span<float* const> outputs;
  const PieceVisitor* visitor = nullptr;
  /// Set to the gradients of the trained weights, Program::gradient_size floats. For a backward run.
  float* gradients = nullptr;
  /// Where the gradient with respect to each input goes, for a program with input gradients; may be empty.
  std::span<float* const> input_gradients;
};

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
