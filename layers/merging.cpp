#include "xlayers/layers/merging.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/ops/add_reduced.hpp"
#include "xlayers/framework/parts/aligned_mask.hpp"
#include "xlayers/framework/parts/masks.hpp"

namespace xl {

template <MergeKind kind>
static void serialize(Archive&, MergeOptions<kind>&) {}

namespace {

constexpr auto copied = [](float x) { return x; };
constexpr auto larger = [](float a, float b) { return a > b ? a : b; };
constexpr auto product = [](float a, float b) { return a * b; };

// ---- element by element

// The inputs of a call, each with its mask.
struct Inputs {
  explicit Inputs(const ForwardCall& call) : blocks(call.inputs) {}

  std::size_t count() const { return blocks.size(); }
  const Block& operator[](std::size_t i) const { return *blocks[i]; }
  const Block* mask(std::size_t i) const { return blocks[i]->mask; }
  bool any_mask() const {
    return std::any_of(blocks.begin(), blocks.end(), [](const Block* block) { return block->mask != nullptr; });
  }

  std::span<const Block* const> blocks;
};

// What the layers have in common: shapes, and the mask of the output.
template <MergeKind kind>
class MergeLayer : public WithOptions<PrimitiveLayer, MergeOptions<kind>> {
 public:
  using WithOptions<PrimitiveLayer, MergeOptions<kind>>::WithOptions;

  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::makes; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const std::size_t count = inputs.size();
    constexpr bool two = kind == MergeKind::subtract;
    if (two ? count != 2 : count == 0)
      throw ShapeError(this->label() + "takes " + (two ? "two inputs" : "an input or several") + ", got " +
                       std::to_string(count));
    check_masks(*this, inputs);
    TensorSpec y = together(inputs);
    if (count_masks(inputs) < count) return {y};
    TensorSpecs masks;
    for (const TensorSpec& input : inputs) masks.push_back({*input.mask, DType::float32, input.batched});
    y.mask = together(masks).shape;
    return {y};
  }

  // The output's mask is the largest of the inputs' masks, and made before `merge`.
  void forward(const ForwardCall& call) const override {
    if (const Block* mask = call.output().mask) {
      elementwise(*mask, *call.input().mask, copied);
      for (const Block* input : call.inputs.subspan(1)) update(*mask, *input->mask, larger);
    }
    merge(call, Inputs(call));
  }

  void backward(const BackwardCall& call) const override {
    for (const Block* dx : call.input_gradients)
      if (dx != nullptr) set_zero(*dx);
    add_gradients(call, Inputs(call));
  }

 protected:
  virtual void merge(const ForwardCall& call, const Inputs& inputs) const = 0;
  // Adds to the gradients of the inputs.
  virtual void add_gradients(const BackwardCall& call, const Inputs& inputs) const = 0;

 private:
  TensorSpec together(const TensorSpecs& specs) const {
    try {
      return broadcast(specs);
    } catch (const ShapeError& error) {
      throw ShapeError(this->label() + error.what());
    }
  }
};

// y = (a + b + ...) / n for Average, without / n for Add, and a - b for Subtract
template <MergeKind kind>
class LinearMergeLayer final : public MergeLayer<kind> {
 public:
  using MergeLayer<kind>::MergeLayer;

  void merge(const ForwardCall& call, const Inputs& inputs) const override {
    const Block& y = call.output();
    if (inputs.count() == 1)
      elementwise(y, inputs[0], copied);
    else if (kind == MergeKind::subtract)
      elementwise(y, inputs[0], inputs[1], [](float a, float b) { return a - b; });
    else
      elementwise(y, inputs[0], inputs[1], [](float a, float b) { return a + b; });
    for (std::size_t i = 2; i < inputs.count(); ++i) update(y, inputs[i], [](float sum, float x) { return sum + x; });
    if (kind == MergeKind::average)
      for (float& value : y.values()) value /= static_cast<float>(inputs.count());
  }

  // da = db = ... = dy for Add, dy / n for Average; db = -dy for Subtract
  void add_gradients(const BackwardCall& call, const Inputs& inputs) const override {
    for (std::size_t i = 0; i < inputs.count(); ++i) {
      const float factor = kind == MergeKind::average              ? 1.0f / static_cast<float>(inputs.count())
                           : kind == MergeKind::subtract && i == 1 ? -1.0f
                                                                   : 1.0f;
      if (const Block* dx = call.input_gradient(i))
        add_reduced(*dx, call.output_gradient(), [=](float dy) { return factor * dy; });
    }
  }
};

// The layers in which what does not count is left out. As Keras has it, where the inputs are of equal rank.
template <MergeKind kind>
class MaskedMergeLayer : public MergeLayer<kind> {
 public:
  using MergeLayer<kind>::MergeLayer;

 protected:
  static bool masked(const Inputs& inputs) {
    if (!inputs.any_mask()) return false;
    for (std::size_t i = 1; i < inputs.count(); ++i)
      if (inputs[i].sample->rank() != inputs[0].sample->rank()) return false;
    return true;
  }
  // Tensors of the output's shape in scratch, one behind the other.
  static Block scratch(const ForwardCall& call, int i) {
    const Block& y = call.output();
    return {call.scratch + i * y.size(), y.sample, y.samples};
  }
  std::int64_t output_size(const TensorSpecs& inputs) const {
    return this->outputs(inputs)[0].shape.sample().elements();
  }
};

// y = a * b * ..., where 1 stands for what does not count, and y is 0 where all have masks and nothing counts
class MultiplyLayer final : public MaskedMergeLayer<MergeKind::multiply> {
 public:
  using MaskedMergeLayer::MaskedMergeLayer;

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    return {.scratch_per_sample = training ? output_size(inputs) : 0};
  }

  void merge(const ForwardCall& call, const Inputs& inputs) const override {
    const Block& y = call.output();
    if (inputs.count() == 2 && !masked(inputs)) return elementwise(y, inputs[0], inputs[1], product);
    std::fill_n(y.data, y.size(), 1.0f);
    for (std::size_t i = 0; i < inputs.count(); ++i) multiply_in(y, inputs, i);
    if (!masked(inputs) || y.mask == nullptr) return;
    const AlignedMask counts(y.mask, y);
    update(y, counts.block, product);
  }

  // da = dy * b * c * ..., and 0 where a does not count
  void add_gradients(const BackwardCall& call, const Inputs& inputs) const override {
    const Block &dy = call.output_gradient(), others = scratch(call, 0);
    for (std::size_t i = 0; i < inputs.count(); ++i) {
      const Block* dx = call.input_gradient(i);
      if (dx == nullptr) continue;
      if (inputs.count() == 2 && !masked(inputs)) {
        add_reduced(*dx, dy, inputs[1 - i], product);
        continue;
      }
      const AlignedMask counts(masked(inputs) ? inputs.mask(i) : nullptr, inputs[i]);
      elementwise(others, counts.block, copied);
      for (std::size_t k = 0; k < inputs.count(); ++k)
        if (k != i) multiply_in(others, inputs, k);
      add_reduced(*dx, dy, others, product);
    }
  }

 private:
  static void multiply_in(const Block& y, const Inputs& inputs, std::size_t i) {
    if (!masked(inputs) || inputs.mask(i) == nullptr) return update(y, inputs[i], product);
    const AlignedMask counts(inputs.mask(i), inputs[i]);
    update_with(
        y, [](float y, float x, float mask) { return mask > 0.5f ? y * x : y; }, inputs[i], counts.block);
  }
};

// y = max(a, b, ...) or min(a, b, ...) of what counts; a where nothing does. A NaN is larger and smaller than anything.
template <MergeKind kind>
class ExtremumLayer final : public MaskedMergeLayer<kind> {
  using Base = MaskedMergeLayer<kind>;
  using Base::masked, Base::scratch, Base::output_size;
  static constexpr bool maximum = kind == MergeKind::maximum;

 public:
  using Base::Base;

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    const bool masks = count_masks(inputs) > 0;
    return {.scratch_per_sample = (masks + training) * output_size(inputs)};
  }

  void merge(const ForwardCall& call, const Inputs& inputs) const override {
    find_best(call.output(), scratch(call, 0), inputs, inputs.count());
  }

  // From the last input back: it has its share of dy, and the rest goes to the best of those before it. The share is 1
  // if it is better, 1/2 if it is as good and 0 if it is worse.
  void add_gradients(const BackwardCall& call, const Inputs& inputs) const override {
    const Block &dy = call.output_gradient(), share = scratch(call, 0), counted = scratch(call, 1);
    for (std::size_t i = inputs.count() - 1; i > 0; --i) {
      find_best(share, counted, inputs, i);
      if (masked(inputs)) {
        const AlignedMask counts(inputs.mask(i), inputs[i]);
        update_with(
            share,
            [](float best, float x, float x_counts, float counted) {
              return x_counts < 0.5f ? 0.0f : counted < 0.5f ? 1.0f : share_of(best, x);
            },
            inputs[i], counts.block, counted);
      } else {
        update(share, inputs[i], share_of);
      }
      if (const Block* dx = call.input_gradient(i)) add_reduced(*dx, dy, share, product);
      update(dy, share, [](float dy, float share) { return dy * (1.0f - share); });
    }
    if (const Block* da = call.input_gradient(0)) add_reduced(*da, dy, copied);
  }

 private:
  static float better(float a, float b) { return (maximum ? a > b : a < b) || a != a ? a : b; }
  static float share_of(float best, float x) {
    return (maximum ? x > best : x < best) ? 1.0f : x == best ? 0.5f : 0.0f;
  }

  // The best of the first `count` inputs; and, if there are masks, where any of them counts.
  static void find_best(const Block& best, const Block& counted, const Inputs& inputs, std::size_t count) {
    elementwise(best, inputs[0], copied);
    if (!masked(inputs)) {
      for (std::size_t i = 1; i < count; ++i) update(best, inputs[i], better);
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const AlignedMask counts(inputs.mask(i), inputs[i]);
      if (i == 0) {
        elementwise(counted, counts.block, copied);
        continue;
      }
      update_with(
          best,
          [](float best, float x, float x_counts, float counted) {
            return x_counts < 0.5f ? best : counted < 0.5f ? x : better(best, x);
          },
          inputs[i], counts.block, counted);
      update(counted, counts.block, larger);
    }
  }
};

}  // namespace

template <MergeKind kind>
static std::shared_ptr<LayerBase> implement(MergeOptions<kind> options) {
  if constexpr (kind == MergeKind::multiply)
    return make_layer<MultiplyLayer>(std::move(options));
  else if constexpr (kind == MergeKind::maximum || kind == MergeKind::minimum)
    return make_layer<ExtremumLayer<kind>>(std::move(options));
  else
    return make_layer<LinearMergeLayer<kind>>(std::move(options));
}
template class LayerOf<MergeOptions<MergeKind::add>>;
template class LayerOf<MergeOptions<MergeKind::subtract>>;
template class LayerOf<MergeOptions<MergeKind::multiply>>;
template class LayerOf<MergeOptions<MergeKind::average>>;
template class LayerOf<MergeOptions<MergeKind::maximum>>;
template class LayerOf<MergeOptions<MergeKind::minimum>>;

SymbolicTensor add(const SymbolicTensors& inputs, Add::Options options) { return Add(std::move(options))(inputs); }
SymbolicTensor subtract(const SymbolicTensors& inputs, Subtract::Options options) {
  return Subtract(std::move(options))(inputs);
}
SymbolicTensor multiply(const SymbolicTensors& inputs, Multiply::Options options) {
  return Multiply(std::move(options))(inputs);
}
SymbolicTensor average(const SymbolicTensors& inputs, Average::Options options) {
  return Average(std::move(options))(inputs);
}
SymbolicTensor maximum(const SymbolicTensors& inputs, Maximum::Options options) {
  return Maximum(std::move(options))(inputs);
}
SymbolicTensor minimum(const SymbolicTensors& inputs, Minimum::Options options) {
  return Minimum(std::move(options))(inputs);
}

}  // namespace xl
