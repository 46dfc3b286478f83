#include "xlayers/framework/engine/plan.hpp"

#include <algorithm>

#include "xlayers/framework/engine/arena.hpp"
#include "xlayers/framework/engine/guards.hpp"
#include "xlayers/framework/graph/in_the_name_of.hpp"
#include "xlayers/framework/ops/arithmetic.hpp"

namespace xl {

namespace {

// What a piece should fit in: with its weights it stays in the second-level cache of today's processors.
constexpr std::int64_t piece_floats = 64 * 1024;
// With at least this many samples there are this many pieces: enough work for the threads there are.
constexpr std::int64_t wanted_pieces = 16;
constexpr std::int64_t most_samples = 64;
constexpr std::int64_t most_groups = 16;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

// Time runs over the operations forward, 0 to n - 1, then the loss, n, then backward: operation i at 2n - i.
class Plan::Builder {
 public:
  Builder(Plan& plan, const Program& program) : plan_(plan), program_(program) {}

  void build() {
    infer_shapes();
    if (plan_.mode_.backward) mark_trained();
    take_in_additions();
    find_lifetimes();

    const std::int64_t one_sample = place(buffers_, 1, 0);
    plan_.capacity_ = std::clamp<std::int64_t>(piece_floats / std::max<std::int64_t>(1, one_sample), 1, most_samples);
    plan_.arena_ = place(buffers_, plan_.capacity_, guard_floats);
  }

 private:
  // The specs of the inputs with their masks.
  TensorSpecs input_specs(const Program::Operation& operation) const {
    TensorSpecs specs;
    for (int slot : operation.inputs) specs.push_back(plan_.slots_[slot].spec);
    return specs;
  }

  void set_spec(int slot, const TensorSpec& spec) {
    Slot& to = plan_.slots_[slot];
    to.spec = spec;
    to.sample = spec.shape.sample();
    to.sample.elements();  // throws if an axis is not known or if it overflows
  }

  // Sets the spec of a tensor whose mask has this shape, if it carries one.
  void set_spec_and_mask(int slot, TensorSpec spec, const std::optional<Shape>& mask) {
    spec.mask = mask;
    set_spec(slot, spec);
    if (!mask) return;
    plan_.slots_[slot].mask = program_.slots[slot].mask;
    set_spec(program_.slots[slot].mask, {*mask, DType::float32, spec.batched});
  }

  void infer_shapes() {
    plan_.slots_.resize(program_.slots.size());
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
      const int slot = program_.inputs[i];
      const TensorSpec& declared = program_.slots[slot].spec;
      std::optional<Shape> mask = declared.mask;
      for (std::size_t axis = 1; mask && axis < mask->rank(); ++axis)
        if ((*mask)[axis] == None) (*mask)[axis] = plan_.inputs_[i][axis - 1];
      set_spec_and_mask(slot, {plan_.inputs_[i].with_batch(declared.shape[0]), declared.dtype, declared.batched}, mask);
    }
    for (const Program::Operation& source : program_.operations) {
      const TensorSpecs inputs = input_specs(source);
      const bool constant = source.layer->is_constant();
      in_the_name_of(*source.layer, [&] {
        const TensorSpecs outputs = source.layer->infer(inputs, source.context);
        for (std::size_t i = 0; i < outputs.size(); ++i)
          set_spec_and_mask(source.outputs[i], outputs[i], mask_of(source, i, inputs, outputs[i]));
        if (constant) plan_.slots_[source.outputs[0]].constant = source.layer->constant(inputs);
      });
      if (constant) continue;
      Operation operation;
      operation.source = &source;
      operation.outputs = source.outputs;
      plan_.operations_.push_back(std::move(operation));
    }
  }

  // The shape of the mask that output i carries. One that was made before ends where the steps turn out to be others.
  std::optional<Shape> mask_of(const Program::Operation& operation, std::size_t i, const TensorSpecs& inputs,
                               const TensorSpec& output) const {
    const int mask = program_.slots[operation.outputs[i]].mask;
    if (mask < 0) return std::nullopt;
    if (operation.layer->masking() == Masking::makes) return output.mask;
    const bool of_input = program_.slots[operation.inputs[0]].mask == mask;
    const Shape& shape = plan_.slots_[mask].spec.shape;
    const bool fits = (!of_input || inputs[0].mask) && shape.rank() > 0 && shape.rank() <= output.shape.rank() &&
                      std::equal(shape.begin() + 1, shape.end(), output.shape.begin() + 1);
    return fits ? std::optional(shape) : std::nullopt;
  }

  void mark_trained() {
    for (std::size_t i = 0; i < plan_.slots_.size(); ++i) plan_.slots_[i].has_gradient = program_.slots[i].has_gradient;
  }

  bool is_model_output(int slot) const {
    return std::find(program_.outputs.begin(), program_.outputs.end(), slot) != program_.outputs.end();
  }

  int consumers(int slot) const {
    int count = 0;
    for (const Operation& operation : plan_.operations_)
      for (int input : operation.source->inputs) count += input == slot;
    return count;
  }

  // y = x + e, where x comes from an operation that can add while it stores, and e has no batch: the
  // operation that makes x makes y instead.
  void take_in_additions() {
    auto& operations = plan_.operations_;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (!is_addition(*operations[i].source->layer)) continue;
      const std::vector<int>& terms = operations[i].source->inputs;
      if (terms.size() != 2) continue;  // the other is a number
      for (int swapped = 0; swapped < 2; ++swapped) {
        const int x = terms[swapped], e = terms[1 - swapped];
        const auto maker = std::find_if(operations.begin(), operations.begin() + i,
                                        [&](const Operation& o) { return o.outputs == std::vector<int>{x}; });
        if (maker == operations.begin() + i || !maker->source->layer->adds() || maker->addend >= 0) continue;
        if (program_.slots[x].penalty != nullptr) continue;
        if (!plan_.slots_[e].constant || plan_.slots_[e].sample != plan_.slots_[x].sample) continue;
        if (consumers(x) != 1 || is_model_output(x)) continue;
        maker->addend = e;
        maker->outputs = operations[i].outputs;
        operations.erase(operations.begin() + i);
        --i;
        break;
      }
    }
  }

  std::int64_t floats(int slot) const { return plan_.slots_[slot].sample.elements(); }

  void find_lifetimes() {
    auto& operations = plan_.operations_;
    auto& slots = plan_.slots_;
    const int n = static_cast<int>(operations.size());
    const auto backward = [n](int operation) { return 2 * n - operation; };
    const auto has_backward = [&](int operation) {
      return plan_.mode_.backward && operations[operation].source->runs_backward;
    };

    struct Life {
      int birth = -1, death = -1;
      int gradient_birth = -1, gradient_death = -1;
    };
    std::vector<Life> lives(slots.size());
    const auto mask_of = [&](int slot) { return slots[slot].mask; };
    for (int slot : program_.inputs) {
      lives[slot] = {0, 0};
      if (mask_of(slot) >= 0) lives[mask_of(slot)] = {0, 0};
    }
    for (int i = 0; i < n; ++i) {
      const int last = has_backward(i) ? backward(i) : i;
      const bool makes_masks = operations[i].source->layer->masking() == Masking::makes;
      for (int slot : operations[i].outputs) {
        lives[slot] = {i, last};
        if (makes_masks && mask_of(slot) >= 0) lives[mask_of(slot)] = {i, last};
      }
      for (int slot : operations[i].source->inputs)
        for (int read : {slot, mask_of(slot)})
          if (read >= 0) lives[read].death = std::max(lives[read].death, last);
    }
    for (int slot : program_.outputs) {
      lives[slot].death = std::max(lives[slot].death, n);
      if (mask_of(slot) >= 0) lives[mask_of(slot)].death = std::max(lives[mask_of(slot)].death, n);
      if (slots[slot].has_gradient) lives[slot].gradient_birth = n;
    }

    // Gradients, in the order in which they come to be: the loss sets the outputs', then backward.
    if (plan_.mode_.backward) {
      std::vector<bool> set(slots.size());
      for (int slot : program_.outputs) set[slot] = true;
      for (int i = n - 1; i >= 0; --i) {
        if (!has_backward(i)) continue;
        Operation& operation = operations[i];
        for (int slot : operation.outputs) {
          if (!set[slot] && slots[slot].has_gradient) {
            slots[slot].zero_gradient = true;
            lives[slot].gradient_birth = n;
          }
          lives[slot].gradient_death = backward(i);
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
            lives[slot].gradient_birth = backward(i);
          }
          lives[slot].gradient_death = std::max(lives[slot].gradient_death, backward(i));
        }
      }
    }

    // The gradients of the inputs are handed out when all is done.
    for (int slot : program_.inputs)
      if (lives[slot].gradient_birth >= 0) lives[slot].gradient_death = 2 * n;

    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = slots[i];
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
        buffers_.push_back({floats(i), 0, life.gradient_birth, std::max(life.gradient_death, n), &slot.gradient});
    }
    for (int i = 0; i < n; ++i) {
      Operation& operation = operations[i];
      in_the_name_of(*operation.source->layer, [&] {
        operation.memory = operation.source->layer->memory(input_specs(*operation.source),
                                                           plan_.mode_.training || plan_.mode_.backward);
      });
      const Memory& memory = operation.memory;
      buffers_.push_back({memory.saved_per_sample, 0, i, has_backward(i) ? backward(i) : i, &operation.saved});
      buffers_.push_back({memory.scratch_per_sample, memory.scratch, i, i, &operation.scratch});
      if (!has_backward(i)) continue;
      buffers_.push_back(
          {memory.scratch_per_sample, memory.scratch, backward(i), backward(i), &operation.backward_scratch});
      for (std::size_t k = 0; k < operation.added.size(); ++k)
        if (operation.added[k])
          buffers_.push_back(
              {floats(operation.source->inputs[k]), 0, backward(i), backward(i), &operation.input_gradients[k]});
    }
  }

  Plan& plan_;
  const Program& program_;
  std::vector<Buffer> buffers_;
};

Plan::Plan(const Program& program, std::span<const Shape> inputs, RunMode mode)
    : program_(program), inputs_(inputs.begin(), inputs.end()), mode_(mode) {
  Builder(*this, program).build();
}

std::int64_t Plan::pieces(std::int64_t batch) const {
  const std::int64_t samples = std::min(capacity_, divide_up(batch, wanted_pieces));
  return divide_up(batch, std::max<std::int64_t>(1, samples));
}

std::int64_t Plan::groups(std::int64_t batch) const { return std::min(pieces(batch), most_groups); }

}  // namespace xl
