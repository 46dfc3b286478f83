#include "xlayers/layers/concatenate.hpp"

#include <algorithm>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/ops/broadcast.hpp"
#include "xlayers/framework/parts/masks.hpp"

namespace xl {

static void serialize(Archive& archive, ConcatenateOptions& o) { archive("axis", o.axis); }

namespace {

class ConcatenateLayer final : public WithOptions<PrimitiveLayer, ConcatenateOptions> {
 public:
  using WithOptions::WithOptions;

  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::makes; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.empty()) throw ShapeError(label() + "takes an input or several, got none");
    check_masks(*this, inputs);
    TensorSpec y = inputs[0];
    y.mask.reset();
    const std::size_t axis = axis_of(y.shape);
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      const TensorSpec& x = inputs[i];
      if (x.dtype != y.dtype)
        throw ShapeError(label() + "expected inputs of one dtype, got " + to_string(y.dtype) + " and " +
                         to_string(x.dtype));
      Shape same = x.shape;
      if (same.rank() == y.shape.rank()) same[axis] = y.shape[axis];
      if (same.rank() != y.shape.rank() || !same.sample().compatible(y.shape.sample()))
        shape_error("inputs that are equal but for axis " + std::to_string(options.axis) + "; one is " +
                        to_string(inputs[0].shape),
                    x.shape);
      for (std::size_t k = 1; k < same.rank(); ++k)
        if (k == axis)
          y.shape[k] = y.shape[k] == None || x.shape[k] == None ? None : checked_add(y.shape[k], x.shape[k]);
        else if (y.shape[k] == None)
          y.shape[k] = x.shape[k];
      y.batched = y.batched || x.batched;
    }
    if (y.batched) y.shape[0] = None;
    for (const TensorSpec& x : inputs) {
      if (!x.mask) continue;
      if (!y.mask) y.mask = Shape(y.shape.begin(), y.shape.begin() + x.mask->rank());
      if (y.mask->rank() != x.mask->rank()) shape_error("masks of one rank", *x.mask);
    }
    return {y};
  }

  // y = the inputs, one behind the other
  void forward(const ForwardCall& call) const override {
    const Block& y = call.output();
    const std::size_t axis = axis_of(y) - 1;
    std::int64_t offset = 0;
    for (const Block* input : call.inputs)
      for_each_run(*input, y, axis, offset, [&](std::int64_t from, std::int64_t to, std::int64_t count) {
        std::copy_n(input->data + from, count, y.data + to);
      });
    if (y.mask != nullptr) write_mask(*y.mask, call.inputs, axis);
  }

  // Each input's gradient is its part of dy, summed over the samples for an input without a batch.
  void backward(const BackwardCall& call) const override {
    const Block& dy = call.output_gradient();
    const std::size_t axis = axis_of(dy) - 1;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const Block* dx = call.input_gradient(i);
      if (dx != nullptr) set_zero(*dx);
      for_each_run(call.input(i), dy, axis, offset, [&](std::int64_t to, std::int64_t from, std::int64_t count) {
        if (dx == nullptr) return;
        for (std::int64_t j = 0; j < count; ++j) dx->data[to + j] += dy.data[from + j];
      });
    }
  }

 private:
  std::size_t axis_of(const Shape& shape) const {
    const int rank = static_cast<int>(shape.rank()), axis = options.axis < 0 ? options.axis + rank : options.axis;
    if (axis < 0 || axis >= rank) shape_error("an input that has an axis " + std::to_string(options.axis), shape);
    if (axis == 0) shape_error("an axis that is not the batch axis: samples stand alone", shape);
    return static_cast<std::size_t>(axis);
  }
  std::size_t axis_of(const Block& y) const { return axis_of(y.sample->with_batch(y.samples)); }

  // Visits the runs of part of a concatenation: visit(place in the part, place in the whole, length). `offset`, where the
  // part begins in a run of the whole, is moved on to its end.
  template <class Visit>
  static void for_each_run(const Block& part, const Block& whole, std::size_t axis, std::int64_t& offset, Visit visit) {
    std::int64_t runs = 1, inner = 1;
    for (std::size_t k = 0; k < whole.sample->rank(); ++k) (k < axis ? runs : inner) *= (*whole.sample)[k];
    const std::int64_t length = runs == 0 ? 0 : part.sample_size() / runs;
    for (std::int64_t sample = 0; sample < whole.samples; ++sample)
      for (std::int64_t run = 0; run < runs; ++run)
        visit(((part.samples == 1 ? 0 : sample) * runs + run) * length, (sample * runs + run) * inner + offset, length);
    offset += length;
  }

  // Along an axis of the masks they stand one behind the other; along another, a step counts that does in any input.
  static void write_mask(const Block& mask, std::span<const Block* const> inputs, std::size_t axis) {
    const std::size_t rank = mask.sample->rank();
    const bool all = std::all_of(inputs.begin(), inputs.end(), [](const Block* x) { return x->mask != nullptr; });
    if (axis >= rank && !all) {
      std::fill_n(mask.data, mask.size(), 1.0f);
      return;
    }
    std::int64_t offset = 0;
    for (const Block* input : inputs) {
      const Block* own = input->mask;
      if (axis >= rank) {
        if (input == inputs.front())
          elementwise(mask, *own, [](float m) { return m; });
        else
          update(mask, *own, [](float a, float b) { return std::max(a, b); });
        continue;
      }
      const Shape sample(input->sample->begin(), input->sample->begin() + rank);
      const Block part = own != nullptr ? *own : Block{nullptr, &sample, input->samples};
      for_each_run(part, mask, axis, offset, [&](std::int64_t from, std::int64_t to, std::int64_t count) {
        if (own == nullptr)
          std::fill_n(mask.data + to, count, 1.0f);
        else
          std::copy_n(own->data + from, count, mask.data + to);
      });
    }
  }
};

}  // namespace

static std::shared_ptr<LayerBase> implement(ConcatenateOptions options) {
  return make_layer<ConcatenateLayer>(std::move(options));
}
template class LayerOf<ConcatenateOptions>;

SymbolicTensor concatenate(const SymbolicTensors& inputs, ConcatenateOptions options) {
  return Concatenate(std::move(options))(inputs);
}

}  // namespace xl
