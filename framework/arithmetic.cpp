#include "xlayers/framework/arithmetic.hpp"

#include "xlayers/framework/broadcast.hpp"
#include "xlayers/framework/errors.hpp"

namespace xl {

namespace {

// y = a + b, with broadcasting.
class Add final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Add"; }
  std::string_view package() const override { return "keras"; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 2) throw ShapeError(label() + "takes two inputs, got " + std::to_string(inputs.size()));
    if (inputs[0].dtype != DType::float32 || inputs[1].dtype != DType::float32)
      throw ShapeError(label() + "adds float32 tensors");
    if (inputs[0].shape.rank() != inputs[1].shape.rank())
      shape_error("two inputs of equal rank; one is " + to_string(inputs[0].shape), inputs[1].shape);
    const bool batched = inputs[0].batched || inputs[1].batched;
    Shape sum;
    try {
      sum = broadcast(inputs[0].shape, inputs[1].shape);
    } catch (const ShapeError& error) {
      throw ShapeError(label() + error.what());
    }
    if (batched) sum[0] = None;
    return {{sum, DType::float32, batched}};
  }

  // y = a + b
  void forward(const ForwardCall& call) const override {
    elementwise(call.output(), call.input(0), call.input(1), [](float a, float b) { return a + b; });
  }

  // da = dy and db = dy, each summed over the axes along which it was repeated
  void backward(const BackwardCall& call) const override {
    for (std::size_t i = 0; i < 2; ++i) {
      if (const Block* dx = call.input_gradient(i)) {
        set_zero(*dx);
        add_reduced(*dx, call.output_gradient(), [](float dy) { return dy; });
      }
    }
  }
};

}  // namespace

bool is_addition(const PrimitiveLayer& layer) { return dynamic_cast<const Add*>(&layer) != nullptr; }

SymbolicTensor operator+(const SymbolicTensor& a, const SymbolicTensor& b) {
  auto layer = std::make_shared<Add>();
  name_layer(*layer, "", true);
  return call_layer(layer, {a, b})[0];
}

}  // namespace xl
