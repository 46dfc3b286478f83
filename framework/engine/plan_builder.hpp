#pragma once

// Internal: how a plan comes about.

#include <cstdint>
#include <optional>
#include <vector>

#include "xlayers/framework/engine/arena.hpp"
#include "xlayers/framework/engine/plan.hpp"

namespace xl {

/// What decides whether an operation is wide. Tests set other limits, for plans that are made from then on.
struct PlanLimits {
  /// From here on weights do not stay in the second-level cache beside a piece.
  std::int64_t heavy_weights = 32 * 1024;
  /// A group's sum of a gradient is set to zero, added to, and added up with those of the other groups.
  std::int64_t passes_over_a_sum = 4;
  /// What the tensors of a chunk may take, in training and else. A chunk that trains reads and writes all gradients.
  std::int64_t training_floats = 32 << 20, forward_floats = 4 << 20;
  /// But a chunk has so many pieces, or all there are: enough for the threads.
  std::int64_t least_pieces = 16;
};
PlanLimits& plan_limits();

/// Takes a program through what a plan has to know: the shapes of all tensors, which additions other operations take in, which
/// operations are wide, how long each tensor lives, and where it lies meanwhile.
class Plan::Builder {
 public:
  Builder(Plan& plan, const Program& program) : plan_(plan), program_(program) {}

  void build();

 private:
  TensorSpecs input_specs(const Program::Operation& operation) const;
  void set_spec(int slot, const TensorSpec& spec);
  void set_spec_and_mask(int slot, TensorSpec spec, const std::optional<Shape>& mask);
  void infer_shapes();
  std::optional<Shape> mask_of(const Program::Operation& operation, std::size_t i, const TensorSpecs& inputs,
                               const TensorSpec& output) const;
  void mark_trained();

  bool is_model_output(int slot) const;
  int consumers(int slot) const;
  void take_in_additions();

  void place_deep();
  bool choose_wide();
  std::int64_t weight_floats(const Operation& operation) const;
  std::int64_t flowing_floats(const Operation& operation) const;
  void cut_into_stages();
  void place_wide();
  void place_sums();

  // When a tensor, and its gradient, is needed: from one time to another, both included.
  struct Life {
    int birth = -1, death = -1;
    int gradient_birth = -1, gradient_death = -1;
  };
  int loss_time() const { return static_cast<int>(plan_.wide_ ? plan_.stages_.size() : plan_.operations_.size()); }
  int time(std::size_t operation) const;
  int backward_time(std::size_t operation) const { return 2 * loss_time() - time(operation); }
  bool has_backward(std::size_t operation) const;
  void find_buffers();
  std::vector<Life> find_lives();
  void find_gradient_lives(std::vector<Life>& lives);
  void find_tensor_buffers(const std::vector<Life>& lives);
  void find_operation_buffers();

  std::int64_t floats(int slot) const { return plan_.slots_[slot].sample.elements(); }

  Plan& plan_;
  const Program& program_;
  std::vector<Buffer> buffers_;         // tensors, and what an operation keeps of each
  std::vector<Buffer> worker_buffers_;  // in a wide plan, scratch of operations that are not wide
};

}  // namespace xl
