#include <algorithm>

#include "xlayers/framework/engine/guards.hpp"
#include "xlayers/framework/engine/plan_builder.hpp"
#include "xlayers/framework/graph/in_the_name_of.hpp"

// When each tensor is needed. Time runs over the operations forward, 0 to n - 1, then the loss, n, then backward: operation i
// at 2n - i. In a wide plan it runs over the stages, as the pieces go through one in any order.

namespace xl {

int Plan::Builder::time(std::size_t operation) const {
  if (!plan_.wide_) return static_cast<int>(operation);
  const auto stage = std::find_if(plan_.stages_.begin(), plan_.stages_.end(),
                                  [&](const Stage& candidate) { return operation < candidate.end; });
  return static_cast<int>(stage - plan_.stages_.begin());
}

bool Plan::Builder::has_backward(std::size_t operation) const {
  return plan_.mode_.backward && plan_.operations_[operation].source->runs_backward;
}

void Plan::Builder::find_buffers() {
  buffers_.clear();
  worker_buffers_.clear();
  plan_.shared_arena_ = 0;
  const std::vector<Life> lives = find_lives();
  find_tensor_buffers(lives);
  find_operation_buffers();
}

std::vector<Plan::Builder::Life> Plan::Builder::find_lives() {
  const auto& operations = plan_.operations_;
  const auto& slots = plan_.slots_;
  std::vector<Life> lives(slots.size());
  const auto mask_of = [&](int slot) { return slots[slot].mask; };
  const auto extend = [&](int slot, int death) {
    for (int read : {slot, mask_of(slot)})
      if (read >= 0) lives[read].death = std::max(lives[read].death, death);
  };
  for (int slot : program_.inputs) {
    lives[slot] = {0, 0};
    if (mask_of(slot) >= 0) lives[mask_of(slot)] = {0, 0};
  }
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const int last = has_backward(i) ? backward_time(i) : time(i);
    const bool makes_masks = operations[i].source->layer->masking() == Masking::makes;
    for (int slot : operations[i].outputs) {
      lives[slot] = {time(i), last};
      if (makes_masks && mask_of(slot) >= 0) lives[mask_of(slot)] = {time(i), last};
      // A wide plan takes the penalties of all tensors together with the loss.
      if (plan_.wide_ && program_.slots[slot].penalty != nullptr) extend(slot, loss_time());
    }
    for (int slot : operations[i].source->inputs) extend(slot, last);
  }
  for (int slot : program_.outputs) {
    extend(slot, loss_time());
    if (slots[slot].has_gradient) lives[slot].gradient_birth = loss_time();
  }
  if (plan_.mode_.backward) find_gradient_lives(lives);
  return lives;
}

// Gradients, in the order in which they come to be: the loss sets the outputs', then backward.
void Plan::Builder::find_gradient_lives(std::vector<Life>& lives) {
  auto& operations = plan_.operations_;
  auto& slots = plan_.slots_;
  std::vector<bool> set(slots.size());
  for (int slot : program_.outputs) set[slot] = true;
  for (std::size_t i = operations.size(); i-- > 0;) {
    if (!has_backward(i)) continue;
    Operation& operation = operations[i];
    for (int slot : operation.outputs) {
      if (!set[slot] && slots[slot].has_gradient) {
        slots[slot].zero_gradient = true;
        lives[slot].gradient_birth = loss_time();
      }
      lives[slot].gradient_death = backward_time(i);
    }
    const std::vector<int>& inputs = operation.source->inputs;
    operation.input_gradients.assign(inputs.size(), -1);
    operation.added.assign(inputs.size(), false);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const int slot = inputs[k];
      if (!slots[slot].has_gradient) continue;
      operation.added[k] = set[slot];
      if (!set[slot]) {
        set[slot] = true;
        lives[slot].gradient_birth = backward_time(i);
      }
      lives[slot].gradient_death = std::max(lives[slot].gradient_death, backward_time(i));
    }
  }
  // The gradients of the inputs are handed out when all is done.
  for (int slot : program_.inputs)
    if (lives[slot].gradient_birth >= 0) lives[slot].gradient_death = 2 * loss_time();
}

void Plan::Builder::find_tensor_buffers(const std::vector<Life>& lives) {
  for (std::size_t i = 0; i < plan_.slots_.size(); ++i) {
    Slot& slot = plan_.slots_[i];
    const Life& life = lives[i];
    if (slot.constant) continue;
    if (life.birth >= 0) {
      if (slot.spec.batched) {
        buffers_.push_back({floats(i), 0, life.birth, life.death, &slot.value});
      } else {
        slot.value = plan_.shared_arena_ + guard_floats;
        plan_.shared_arena_ = checked_add(plan_.shared_arena_, round_up(floats(i)) + 2 * guard_floats);
      }
    }
    if (life.gradient_birth >= 0 && plan_.mode_.backward)
      buffers_.push_back(
          {floats(i), 0, life.gradient_birth, std::max(life.gradient_death, loss_time()), &slot.gradient});
  }
}

void Plan::Builder::find_operation_buffers() {
  for (std::size_t i = 0; i < plan_.operations_.size(); ++i) {
    Operation& operation = plan_.operations_[i];
    const Program::Operation& source = *operation.source;
    in_the_name_of(*source.layer, [&] {
      operation.memory = source.layer->memory(input_specs(source), plan_.mode_.training || plan_.mode_.backward);
    });
    const Memory& memory = operation.memory;
    std::vector<Buffer>& scratch = plan_.wide_ && !operation.wide ? worker_buffers_ : buffers_;
    const int forward = time(i), backward = backward_time(i);
    buffers_.push_back({memory.saved_per_sample, 0, forward, has_backward(i) ? backward : forward, &operation.saved});
    scratch.push_back({memory.scratch_per_sample, memory.scratch, forward, forward, &operation.scratch});
    if (!has_backward(i)) continue;
    scratch.push_back({memory.scratch_per_sample, memory.scratch, backward, backward, &operation.backward_scratch});
    for (std::size_t k = 0; k < operation.added.size(); ++k)
      if (operation.added[k])
        buffers_.push_back({floats(source.inputs[k]), 0, backward, backward, &operation.input_gradients[k]});
  }
}

}  // namespace xl
