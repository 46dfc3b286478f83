#include "xlayers/framework/ops/mask.hpp"

#include <algorithm>

#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

namespace {

// x with a mask -> the mask
class MaskOf final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "MaskOf"; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::uses; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 1 || !inputs[0].mask) value_error("takes one input that carries a mask");
    return {{*inputs[0].mask, DType::float32, inputs[0].batched}};
  }
  void forward(const ForwardCall& call) const override {
    std::copy_n(call.input().mask->data, call.output().size(), call.output().data);
  }
  // A mask has no slope.
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) std::fill_n(dx->data, dx->size(), 0.0f);
  }
};

// x and a mask -> x with that mask
class WithMask final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "WithMask"; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::makes; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = inputs.at(0);
    const TensorSpec& mask = inputs.at(1);
    const bool fits = mask.shape.rank() <= y.shape.rank() && mask.batched == y.batched &&
                      mask.shape.sample().compatible(Shape(y.shape.begin() + 1, y.shape.begin() + mask.shape.rank()));
    if (!fits) shape_error("a mask of the leading axes of " + to_string(y.shape), mask.shape);
    y.mask = mask.shape;
    return {y};
  }

  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(0), &mask = call.input(1), &y = call.output();
    std::copy_n(x.data, x.size(), y.data);
    for (std::int64_t i = 0; i < mask.size(); ++i)
      y.mask->data[i] = mask.dtype == DType::int32 ? mask.integers()[i] != 0 : mask.data[i] != 0.0f;
  }
  // The mask has no slope.
  void backward(const BackwardCall& call) const override {
    const Block& dy = call.output_gradient();
    if (const Block* dx = call.input_gradient(0)) std::copy_n(dy.data, dy.size(), dx->data);
    if (const Block* dmask = call.input_gradient(1)) std::fill_n(dmask->data, dmask->size(), 0.0f);
  }
};

}  // namespace

SymbolicTensor with_mask(const SymbolicTensor& x, const SymbolicTensor& mask) {
  const auto layer = std::make_shared<WithMask>();
  name_layer(*layer, "", true);
  return call_layer(layer, {x, mask})[0];
}

std::optional<SymbolicTensor> SymbolicTensor::mask() const {
  if (!spec().mask) return std::nullopt;
  const auto layer = std::make_shared<MaskOf>();
  name_layer(*layer, "", true);
  return call_layer(layer, {*this})[0];
}

}  // namespace xl
