#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "xlayers/framework/base/aligned_floats.hpp"
#include "xlayers/framework/engine/guards.hpp"
#include "xlayers/framework/engine/plan.hpp"
#include "xlayers/framework/engine/run.hpp"

namespace xl {

/// An operation as one worker runs it: every pointer that its calls need, set up once.
struct BoundOperation {
  const Plan::Operation* operation = nullptr;
  std::vector<const Block*> inputs, outputs, output_gradients, input_gradients;
  std::vector<const float*> weights;
  std::vector<float*> weight_gradients;
  std::vector<Block> apart;  // gradients that have to be added to one that is there already
  ForwardCall forward;
  BackwardCall backward;
  Guards forward_guards, backward_guards;
};

/// Some samples of the batch: a piece, or a chunk of a wide plan.
struct SampleRange {
  std::int64_t first = 0, count = 0;
  std::int64_t place = 0;  ///< where the first one stands in the arena's tensors
};

/// The memory of one worker of a run, and views of it: takes pieces of the batch through the program.
class Worker {
 public:
  /// Tensors without a batch lie in `shared`, those of a wide plan in `wide`.
  Worker(const Plan& plan, const Program& program, float* shared, float* wide);

  const Block& value(int slot) const { return values_[slot]; }
  /// Tensors without a batch are made once a run, by one worker for all.
  void run_unbatched(const Run& run);
  /// A piece of a deep plan. `gradients` is the sum that the piece's weight gradients are added to, or null.
  void run_piece(const Run& run, std::int64_t index, std::int64_t pieces, float* gradients);

  // The parts of a run, for samples that the worker looks at until it looks at others.
  void look_at(const Run& run, const SampleRange& samples);
  /// Copies the samples to where `look_at` sees them, for a run whose samples are in another order.
  void gather_inputs(const Run& run) const;
  /// Gives what activity regularisers add to the loss; in a wide plan `penalty` says that, once all stages have run.
  double forward(const Run& run, const Plan::Stage& stage);
  double penalty(const Run& run) const;
  /// Gives the samples, which are piece `index`, to the visitor, and outputs to whoever wants them.
  void visit(const Run& run, std::int64_t index, double penalty);
  void begin_backward();
  /// Weight gradients are added to `gradients`: a group's sums, or, where the stage is wide, those of all.
  void backward(const Run& run, const Plan::Stage& stage, float* gradients);
  void hand_out_input_gradients(const Run& run) const;

 private:
  std::uint64_t seed_of(const Plan::Operation& operation, const Run& run) const;
  bool is_batched(const BoundOperation& bound) const;
  // True if an output's memory may be the caller's own: it is made by an operation, and stands once among the
  // outputs.
  bool writes_directly(std::size_t i) const;
  void bind(const Plan::Operation& operation);
  void guard(BoundOperation& bound);
  static void call_forward(const BoundOperation& bound);
  static void call_backward(const BoundOperation& bound);
  // Sets what a run and its samples say in both calls.
  void prepare(BoundOperation& bound, const Run& run, const SampleRange& samples) const;
  // visit(slot, data) for each input, and for the mask that it carries.
  template <class Visit>
  void for_each_input(const Run& run, Visit visit) const;
  // An activity regulariser's penalty is the mean over the samples of the batch, as in Keras.
  static Regularizer a_sample(const Regularizer& regularizer, const Run& run);
  double penalty(const BoundOperation& bound, const Run& run) const;

  const Plan& plan_;
  const Program& program_;
  AlignedFloats arena_;
  float* const tensors_;  // the arena in which tensors lie
  SampleRange samples_;
  std::vector<Block> values_, gradients_;
  std::vector<const Block*> outputs_, output_gradients_;
  std::vector<BoundOperation> operations_;
};

}  // namespace xl
