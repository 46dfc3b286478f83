#pragma once

#include <cstdint>
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

/// The memory of one worker of a run, and views of it: takes pieces of the batch through the program.
class Worker {
 public:
  Worker(const Plan& plan, const Program& program, float* shared);

  const Block& value(int slot) const { return values_[slot]; }
  /// Tensors without a batch are made once a run, by one worker for all.
  void run_unbatched(const Run& run);
  /// `gradients` is the sum that the piece's weight gradients are added to, or null.
  void run_piece(const Run& run, std::int64_t index, std::int64_t pieces, float* gradients);

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
  void prepare(BoundOperation& bound, const Run& run, std::int64_t first, std::int64_t samples) const;
  void read_inputs(const Run& run, std::int64_t first, std::int64_t samples);
  void read(int slot, const float* data, const Run& run, std::int64_t first, std::int64_t samples);
  // An activity regulariser's penalty is the mean over the samples of the batch, as in Keras.
  static Regularizer a_sample(const Regularizer& regularizer, const Run& run);
  void run_backward(const Run& run, std::int64_t samples, float* gradients);

  const Plan& plan_;
  const Program& program_;
  AlignedFloats arena_;
  std::vector<Block> values_, gradients_;
  std::vector<const Block*> outputs_, output_gradients_;
  std::vector<BoundOperation> operations_;
};

}  // namespace xl
