#pragma once

#include <cstdint>
#include <span>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// Some samples of a batch that have gone forward, as whoever started the run sees them.
struct Piece {
  std::int64_t index = 0;  ///< which piece; there are Plan::pieces(batch)
  std::int64_t first = 0;  ///< its first sample in the batch
  std::int64_t samples = 0;
  double penalty = 0.0;                   ///< what activity regularisers add to the batch's loss for these samples
  std::span<const Block* const> outputs;  ///< with their masks
  /// To be set to the gradient of the loss with respect to each output that has memory for it: the others depend on
  /// nothing that is trained. Empty if the run is not backward.
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
  /// The data of each input's mask, for inputs that carry one; may be empty if none does.
  std::span<const float* const> input_masks;
  const std::int64_t* order = nullptr;
  /// Where the data of each output goes; may be empty.
  std::span<float* const> outputs;
  const PieceVisitor* visitor = nullptr;
  /// What random numbers are drawn from in training.
  std::uint64_t seed = 0;
  std::uint64_t step = 0;  ///< how many runs in training there were before
  /// Set to the gradients of the trained weights, Program::gradient_size floats. For a backward run.
  float* gradients = nullptr;
  /// Where the gradient with respect to each input goes, for a program with input gradients; may be empty.
  std::span<float* const> input_gradients;
};

}  // namespace xl
