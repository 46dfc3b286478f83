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
/// A run takes the batch apart into pieces of a few samples, and each piece goes through the whole forward
/// (and backward) pass before the next one begins, so that its tensors stay in the cache. All of a piece's
/// tensors lie in one block of memory, the arena; two that never live at the same time may share a place.
/// How a batch is cut depends on the batch alone, never on the number of threads.
class Plan {
 public:
  /// Where a tensor of a piece lies. Offsets are in floats, from the beginning of an arena.
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
    Memory memory;
    std::int64_t saved = 0, scratch = 0, backward_scratch = 0;  ///< offsets in the worker's arena
    /// For each input: whether its slot already has a gradient when this operation runs backward. Then the
    /// operation's own goes to a place beside it, `input_gradients[k]`, and is added.
    std::vector<bool> added;
    std::vector<std::int64_t> input_gradients;
  };

  /// Throws ShapeError if the inputs' shapes (of one sample each) do not fit.
  Plan(const Program& program, std::span<const Shape> inputs, RunMode mode);

  const std::vector<Shape>& inputs() const { return inputs_; }
  RunMode mode() const { return mode_; }
  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Operation>& operations() const { return operations_; }
  const Shape& output(std::size_t i) const { return output_slot(i).sample; }
  const Slot& output_slot(std::size_t i) const { return slots_[program_.outputs[i]]; }

  /// Floats of the arena that each worker has, and of the one for tensors without a batch.
  std::int64_t arena() const { return arena_; }
  std::int64_t shared_arena() const { return shared_arena_; }

  /// Into how many pieces a batch is taken apart, and into how many groups of pieces; each group adds up its
  /// gradients one piece after the other.
  std::int64_t pieces(std::int64_t batch) const;
  std::int64_t groups(std::int64_t batch) const;
  /// The most samples that a piece has.
  std::int64_t capacity() const { return capacity_; }

 private:
  class Builder;

  const Program& program_;
  std::vector<Shape> inputs_;
  RunMode mode_;
  std::vector<Slot> slots_;
  std::vector<Operation> operations_;
  std::int64_t arena_ = 0, shared_arena_ = 0, capacity_ = 1;
};

}  // namespace xl
