#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "xlayers/framework/engine/program.hpp"

namespace xl {

/// What a run of a program does, besides going forward.
struct RunMode {
  bool training = false;  ///< layers behave as in training
  bool backward = false;  ///< the gradients of the trained weights are wanted
  friend bool operator==(const RunMode&, const RunMode&) = default;
};

/// A program for inputs of known shapes: which operation runs when, and where each tensor lies.
///
/// A run takes the batch apart into pieces of a few samples. In a deep plan, each piece goes through the whole forward
/// (and backward) pass before the next one begins, so that its tensors stay in the cache; threads take different pieces. All
/// of a piece's tensors lie in one block of memory, the arena; two that never live at the same time may share a place.
///
/// Where a layer's weights outweigh what flows through it, reading them again for each piece and adding up gradients of them
/// is what takes the time. In a wide plan such an operation runs once for all samples, and the threads share its
/// products; what stands between two of them is a stage that the pieces go through as in a deep plan. The tensors of all
/// samples then lie in one arena for all threads. Where that would take too much memory, the batch goes through in chunks.
///
/// How a batch is cut depends on the model and the batch alone, never on the number of threads.
class Plan {
 public:
  /// Where a tensor lies. Offsets are in floats, from the beginning of an arena; a tensor of which a piece is a part begins
  /// there with the first sample of the chunk.
  struct Slot {
    TensorSpec spec;  ///< with all axes known but the batch
    Shape sample;     ///< the shape of one sample
    bool has_gradient = false;
    int mask = -1;               ///< the slot of the mask that the tensor carries, or -1
    std::int64_t value = -1;     ///< offset in the worker's arena, or in the run's if !spec.batched
    std::int64_t gradient = -1;  ///< offset in the worker's arena
    bool zero_gradient = false;  ///< nobody sets the gradient: it is zero
    std::shared_ptr<const float> constant;
  };
  struct Operation {
    const Program::Operation* source = nullptr;
    std::vector<int> outputs;  ///< slots; as in the source, unless an addition has been taken in
    int addend = -1;           ///< the slot of a tensor without a batch that is added to the output
    bool wide = false;         ///< runs for all samples of a chunk at once
    Memory memory;
    std::int64_t saved = 0;  ///< offset in the arena of tensors
    std::int64_t scratch = 0,
                 backward_scratch = 0;  ///< the same; of an operation that is not wide, in the worker's arena
    /// For each input: whether its slot already has a gradient when this operation runs backward. Then the
    /// operation's own goes to a place beside it, `input_gradients[k]`, and is added.
    std::vector<bool> added;
    std::vector<std::int64_t> input_gradients;
  };

  /// Operations [begin, end): one that is wide, or some that are not. A deep plan is one stage.
  struct Stage {
    std::size_t begin = 0, end = 0;
  };

  /// For a batch of so many samples. Throws ShapeError if the inputs' shapes (of one sample each) do not fit.
  Plan(const Program& program, std::span<const Shape> inputs, RunMode mode, std::int64_t batch);

  /// True if this is the plan for such runs. A deep plan is for every batch for which no layer goes wide.
  bool is_for(std::span<const Shape> inputs, RunMode mode, std::int64_t batch) const;

  const std::vector<Shape>& inputs() const { return inputs_; }
  RunMode mode() const { return mode_; }
  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Operation>& operations() const { return operations_; }
  const Shape& output(std::size_t i) const { return output_slot(i).sample; }
  const Slot& output_slot(std::size_t i) const { return slots_[program_.outputs[i]]; }

  bool is_wide() const { return wide_; }
  const std::vector<Stage>& stages() const { return stages_; }

  /// Floats of the arena that each worker has, of the one for tensors without a batch, and of the one that a wide plan has
  /// for the tensors of all workers.
  std::int64_t arena() const { return arena_; }
  std::int64_t shared_arena() const { return shared_arena_; }
  std::int64_t wide_arena() const { return wide_arena_; }

  /// Where the gradient of a weight stands in a group's sums, which have so many floats; -1 if the groups have none of it.
  std::int64_t sum_place(int weight) const { return sum_places_[weight]; }
  std::int64_t sum_size() const { return sum_size_; }

  /// Into how many pieces a batch is taken apart, and into how many groups of pieces; each group adds up its
  /// gradients one piece after the other.
  std::int64_t pieces(std::int64_t batch) const;
  std::int64_t groups(std::int64_t batch) const;
  /// How many of so many threads have work in a run.
  int workers(std::int64_t batch, int threads) const;
  /// True if a group has so many pieces that their gradients are a long sum: see kernels/long_sums.hpp.
  bool has_long_sums(std::int64_t batch) const;
  /// Floats that a run of so many workers takes, of a wide plan with its own batch.
  std::int64_t floats(std::int64_t batch, int workers) const;
  /// The most samples that a piece has.
  std::int64_t capacity() const { return capacity_; }
  /// A wide plan's chunks, each of whole pieces, and where each begins; a chunk after the last begins with the end.
  std::int64_t chunks() const { return chunks_; }
  std::int64_t first_piece(std::int64_t chunk) const;
  std::int64_t first_sample(std::int64_t piece) const;

 private:
  class Builder;

  // An operation that may go wide: floats of its weights, and of its inputs and outputs for each sample.
  struct HeavyLayer {
    std::int64_t weights = 0, flowing = 0;
  };
  bool goes_wide(const HeavyLayer& layer, std::int64_t batch) const;

  const Program& program_;
  std::vector<Shape> inputs_;
  RunMode mode_;
  std::vector<Slot> slots_;
  std::vector<Operation> operations_;
  std::vector<Stage> stages_;
  std::vector<std::int64_t> sum_places_;
  std::int64_t batch_ = 0, arena_ = 0, shared_arena_ = 0, wide_arena_ = 0, sum_size_ = 0, capacity_ = 1, chunks_ = 1;
  bool wide_ = false;
  std::vector<HeavyLayer> heavy_layers_;
};

}  // namespace xl
