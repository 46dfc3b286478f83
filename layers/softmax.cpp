#include "xlayers/layers/softmax.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/ops/broadcast.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

static void serialize(Archive& archive, SoftmaxOptions& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("axis", o.axis);
}

namespace {

class SoftmaxLayer final : public WithOptions<PrimitiveLayer, SoftmaxOptions> {
 public:
  using WithOptions::WithOptions;

  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::keeps; }
  std::vector<std::string> input_arguments() const override { return {"inputs", "mask"}; }

  // The mask is a second input, or the one that the input carries.
  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 1 && inputs.size() != 2)
      throw ShapeError(label() + "takes an input and a mask, got " + std::to_string(inputs.size()) + " inputs");
    const TensorSpec y = single_input({inputs[0]}, 2);
    RowsAlong(options.axis, y.shape);  // throws if there is no such axis
    if (inputs.size() == 2)
      check_mask(inputs[1].shape, inputs[1].batched, y);
    else if (y.mask)
      check_mask(*y.mask, y.batched, y);
    return {y};
  }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const Shape sample = inputs[0].shape.sample();
    return {.scratch_per_sample =
                RowsAlong(options.axis, inputs[0].shape).order.identity() ? 0 : 3 * sample.elements()};
  }

  // y_i = e^(x_i) / sum_j e^(x_j). Where the mask is 0, x is -infinity and y is 0, also if that is so everywhere.
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    const Block* mask = call.inputs.size() > 1 ? &call.input(1) : x.mask;
    if (mask != nullptr) where(*mask, -INFINITY, [&](auto masked) { elementwise(y, x, *mask, masked); });
    const float* from = mask != nullptr ? y.data : x.data;

    const RowsAlong along(options.axis, x.sample->with_batch(x.samples));
    const Rows rows(along, x);
    if (along.order.identity()) {
      softmax_.forward(rows.count, rows.columns, from, y.data);
    } else {
      permute(along.order, *x.sample, x.samples, from, call.scratch);
      softmax_.forward(rows.count, rows.columns, call.scratch, call.scratch);
      permute_back(along.order, *x.sample, x.samples, call.scratch, y.data);
    }
    if (mask != nullptr) where(*mask, 0.0f, [&](auto masked) { update(y, *mask, masked); });
  }

  // dx_i = y_i (dy_i - sum_j y_j dy_j), which is 0 where y is
  void backward(const BackwardCall& call) const override {
    const Block &y = call.output(), &dy = call.output_gradient();
    if (call.inputs.size() > 1 && call.input_gradient(1) != nullptr) set_zero(*call.input_gradient(1));
    const Block* dx = call.input_gradient();
    if (dx == nullptr) return;
    const RowsAlong along(options.axis, y.sample->with_batch(y.samples));
    const Rows rows(along, y);
    if (along.order.identity()) return softmax_.backward(rows.count, rows.columns, nullptr, y.data, dy.data, dx->data);
    float *y_rows = call.scratch, *dy_rows = y_rows + y.size(), *dx_rows = dy_rows + y.size();
    permute(along.order, *y.sample, y.samples, y.data, y_rows);
    permute(along.order, *y.sample, y.samples, dy.data, dy_rows);
    softmax_.backward(rows.count, rows.columns, nullptr, y_rows, dy_rows, dx_rows);
    permute_back(along.order, *y.sample, y.samples, dx_rows, dx->data);
  }

 private:
  struct Rows {
    Rows(const RowsAlong& along, const Block& block)
        : columns(along.along.elements()), count(columns == 0 ? 0 : block.size() / columns) {}
    std::int64_t columns, count;
  };

  // Gives `apply` what leaves a number as it is where the mask counts, and makes it `otherwise` elsewhere. As in Keras, an
  // element counts that is above 0.5, or above 0 in a mask of whole numbers.
  template <class Apply>
  static void where(const Block& mask, float otherwise, Apply apply) {
    if (mask.dtype == DType::int32)
      apply([=](float x, float counts) { return std::bit_cast<std::int32_t>(counts) > 0 ? x : otherwise; });
    else
      apply([=](float x, float counts) { return counts > 0.5f ? x : otherwise; });
  }

  void check_mask(const Shape& mask, bool batched, const TensorSpec& x) const {
    bool fits = mask.rank() == x.shape.rank() && (x.batched || !batched);
    for (std::size_t axis = 1; fits && axis < mask.rank(); ++axis)
      fits = mask[axis] == x.shape[axis] || mask[axis] == 1 || mask[axis] == None || x.shape[axis] == None;
    if (!fits) shape_error("a mask that broadcasts to the input " + to_string(x.shape), mask);
  }

  const ActivationFunction softmax_ = "softmax";
};

SoftmaxOptions checked(SoftmaxOptions options) {
  if (options.axis.numbers().empty())
    throw ValueError(error_label("Softmax", options.name) + "expected an axis or several, got none");
  return options;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(SoftmaxOptions options) {
  return make_layer<SoftmaxLayer>(checked(std::move(options)));
}
template class LayerOf<SoftmaxOptions, Softmax>;

}  // namespace xl
