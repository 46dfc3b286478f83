#include "xlayers/framework/ops/arithmetic.hpp"

#include <optional>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/ops/add_reduced.hpp"

namespace xl {

namespace {

// The operations, each with its value and its slopes towards both operands.
struct Add {
  static constexpr const char* name = "Add";
  static float value(float a, float b) { return a + b; }
  static float slope_a(float, float) { return 1.0f; }
  static float slope_b(float, float) { return 1.0f; }
};
struct Subtract {
  static constexpr const char* name = "Subtract";
  static float value(float a, float b) { return a - b; }
  static float slope_a(float, float) { return 1.0f; }
  static float slope_b(float, float) { return -1.0f; }
};
struct Multiply {
  static constexpr const char* name = "Multiply";
  static float value(float a, float b) { return a * b; }
  static float slope_a(float, float b) { return b; }
  static float slope_b(float a, float) { return a; }
};
struct TrueDivide {
  static constexpr const char* name = "TrueDivide";
  static float value(float a, float b) { return a / b; }
  static float slope_a(float, float b) { return 1.0f / b; }
  static float slope_b(float a, float b) { return -a / (b * b); }
};

// y = a OP b, with broadcasting. One operand may be a number, an argument of the call: "x1" or "x2", as Keras calls them.
// As in Keras, no mask travels through.
template <class Op>
class Operation final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return Op::name; }
  std::string_view package() const override { return "keras.src"; }
  std::string module() const override { return "keras.src.ops.numpy"; }
  std::vector<std::string> input_arguments() const override { return {"x1", "x2"}; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::uses; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return infer(inputs, {}); }
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override {
    const std::size_t numbers = Numbers(context).count();
    if (inputs.empty() || inputs.size() + numbers != 2)
      throw ShapeError(label() + "takes two operands, got " + std::to_string(inputs.size() + numbers));
    for (const TensorSpec& input : inputs) {
      if (input.dtype != DType::float32) throw ShapeError(label() + "takes float32 tensors, got one of int32");
      if (input.shape.rank() != inputs[0].shape.rank())
        shape_error("two inputs of equal rank; one is " + to_string(inputs[0].shape), input.shape);
    }
    if (numbers == 1) return {inputs[0]};
    const bool batched = inputs[0].batched || inputs[1].batched;
    Shape shape;
    try {
      shape = broadcast(inputs[0].shape, inputs[1].shape);
    } catch (const ShapeError& error) {
      throw ShapeError(label() + error.what());
    }
    if (batched) shape[0] = None;
    return {{shape, DType::float32, batched}};
  }

  void forward(const ForwardCall& call) const override {
    const Numbers numbers(*call.context);
    const Block &y = call.output(), &x = call.input();
    if (numbers.a)
      elementwise(y, x, [a = *numbers.a](float b) { return Op::value(a, b); });
    else if (numbers.b)
      elementwise(y, x, [b = *numbers.b](float a) { return Op::value(a, b); });
    else
      elementwise(y, x, call.input(1), Op::value);
  }

  // da = dy * dOP/da and db = dy * dOP/db, each summed over the axes along which it was repeated
  void backward(const BackwardCall& call) const override {
    const Numbers numbers(*call.context);
    const Block &dy = call.output_gradient(), &x = call.input();
    if (numbers.a || numbers.b) {
      const Block* dx = call.input_gradient();
      if (dx == nullptr) return;
      if (numbers.a)
        elementwise(*dx, dy, x, [a = *numbers.a](float dy, float b) { return dy * Op::slope_b(a, b); });
      else
        elementwise(*dx, dy, x, [b = *numbers.b](float dy, float a) { return dy * Op::slope_a(a, b); });
      return;
    }
    const Block& other = call.input(1);
    if (const Block* da = call.input_gradient(0)) {
      set_zero(*da);
      add_reduced(*da, dy, x, other, [](float dy, float a, float b) { return dy * Op::slope_a(a, b); });
    }
    if (const Block* db = call.input_gradient(1)) {
      set_zero(*db);
      add_reduced(*db, dy, x, other, [](float dy, float a, float b) { return dy * Op::slope_b(a, b); });
    }
  }

 private:
  struct Numbers {
    std::optional<float> a, b;

    explicit Numbers(const CallContext& context) {
      for (const auto& [name, value] : context.arguments.entries()) {
        if (name != "x1" && name != "x2") throw ValueError("takes no argument '" + name + "'");
        (name == "x1" ? a : b) = static_cast<float>(value.as_number());
      }
    }
    std::size_t count() const { return a.has_value() + b.has_value(); }
  };
};

// y = -x
class Negative final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Negative"; }
  std::string_view package() const override { return "keras.src"; }
  std::string module() const override { return "keras.src.ops.numpy"; }
  std::vector<std::string> input_arguments() const override { return {"x"}; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::uses; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 1) throw ShapeError(label() + "takes one operand, got " + std::to_string(inputs.size()));
    if (inputs[0].dtype != DType::float32) throw ShapeError(label() + "takes float32 tensors, got one of int32");
    return {{inputs[0].shape, DType::float32, inputs[0].batched}};
  }
  void forward(const ForwardCall& call) const override {
    elementwise(call.output(), call.input(), [](float x) { return -x; });
  }
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) elementwise(*dx, call.output_gradient(), [](float dy) { return -dy; });
  }
};

template <class OpLayer>
SymbolicTensor call_new(const SymbolicTensors& inputs, const Config& numbers = {}) {
  auto layer = std::make_shared<OpLayer>();
  name_layer(*layer, "", true);
  return call_layer(layer, inputs, {.arguments = numbers})[0];
}
template <class Op>
SymbolicTensor call(const SymbolicTensors& inputs, const Config& numbers = {}) {
  return call_new<Operation<Op>>(inputs, numbers);
}

template <class OpLayer>
void make_known(const std::string& class_name) {
  register_layer("keras.src.ops.numpy." + class_name, [class_name](const Config& config) {
    Archive archive = Archive::reader(config, class_name);
    std::string name;
    archive("name", name);
    archive.finish();
    auto layer = std::make_shared<OpLayer>();
    name_layer(*layer, name, true);
    return Layer(layer);
  });
}

}  // namespace

namespace detail {
void register_arithmetic() {
  make_known<Operation<Add>>(Add::name);
  make_known<Operation<Subtract>>(Subtract::name);
  make_known<Operation<Multiply>>(Multiply::name);
  make_known<Operation<TrueDivide>>(TrueDivide::name);
  make_known<Negative>("Negative");
}
}  // namespace detail

bool is_addition(const PrimitiveLayer& layer) { return dynamic_cast<const Operation<Add>*>(&layer) != nullptr; }

SymbolicTensor operator+(const SymbolicTensor& a, const SymbolicTensor& b) { return call<Add>({a, b}); }
SymbolicTensor operator-(const SymbolicTensor& a, const SymbolicTensor& b) { return call<Subtract>({a, b}); }
SymbolicTensor operator*(const SymbolicTensor& a, const SymbolicTensor& b) { return call<Multiply>({a, b}); }
SymbolicTensor operator/(const SymbolicTensor& a, const SymbolicTensor& b) { return call<TrueDivide>({a, b}); }

SymbolicTensor operator+(const SymbolicTensor& a, double b) { return call<Add>({a}, {{"x2", b}}); }
SymbolicTensor operator-(const SymbolicTensor& a, double b) { return call<Subtract>({a}, {{"x2", b}}); }
SymbolicTensor operator*(const SymbolicTensor& a, double b) { return call<Multiply>({a}, {{"x2", b}}); }
SymbolicTensor operator/(const SymbolicTensor& a, double b) { return call<TrueDivide>({a}, {{"x2", b}}); }
SymbolicTensor operator+(double a, const SymbolicTensor& b) { return call<Add>({b}, {{"x1", a}}); }
SymbolicTensor operator-(double a, const SymbolicTensor& b) { return call<Subtract>({b}, {{"x1", a}}); }
SymbolicTensor operator*(double a, const SymbolicTensor& b) { return call<Multiply>({b}, {{"x1", a}}); }
SymbolicTensor operator/(double a, const SymbolicTensor& b) { return call<TrueDivide>({b}, {{"x1", a}}); }
SymbolicTensor operator-(const SymbolicTensor& a) { return call_new<Negative>({a}); }

}  // namespace xl
