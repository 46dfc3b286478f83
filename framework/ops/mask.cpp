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

}  // namespace

std::optional<SymbolicTensor> SymbolicTensor::mask() const {
  if (!spec().mask) return std::nullopt;
  const auto layer = std::make_shared<MaskOf>();
  name_layer(*layer, "", true);
  return call_layer(layer, {*this})[0];
}

}  // namespace xl
